"""When a sandbox's state is saved besides for writes, and what becomes of what cannot be."""

import asyncio
import json
from pathlib import Path
from random import Random

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.sandbox.seeds.seed import load_seed, packaged_seed
from service.sandbox.state import state
from service.sandbox.state.file import StateError, StateFile
from service.sandbox.state.state import State
from service.sandbox.tokens.credentials import Credentials
from service.sandbox.tokens.grants import Grants
from service.sandbox.webhooks.outbox import Manners, Outbox, Patience
from tests.sandboxes import Clock, at, opened, running, until
from tests.test_sandbox_outbox import quiet
from tests.test_sandbox_state import held


async def test_what_was_delivered_is_out_of_the_file_without_another_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "PAUSE", 0.02)
    path = tmp_path / "state.json"
    with opened(path) as file:
        async with running(kept=file) as sandbox:
            for number, clock in enumerate(("10:00", "12:00"), start=1):
                await sandbox.book(at(clock))
                await until(lambda: held(path)["webhooks"] == [])
                assert len(sandbox.receiver.arrived) == number


async def test_deliveries_alone_are_saved_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "PAUSE", 60)
    saves: list[int] = []

    class Counting(StateFile):
        def write(self, text: str) -> None:
            saves.append(len(json.loads(text)["webhooks"]))
            super().write(text)

    file = Counting(tmp_path / "state.json")
    file.open()
    async with running(kept=file) as sandbox:
        await sandbox.book(at("10:00"))
        await until(lambda: saves == [0, 1, 0])
        await sandbox.book(at("12:00"))
        await quiet(sandbox)
        await asyncio.sleep(0.05)  # for a save that ought not to be
        assert saves == [0, 1, 0, 1]
    file.close()
    assert saves == [0, 1, 0, 1, 0]


async def test_what_no_file_can_hold_is_answered_for_and_ends_no_saving(tmp_path: Path) -> None:
    clock = Clock()
    world = load_seed(packaged_seed("empty"), clock=clock, random=Random(1))
    [sound] = world.locations.values()
    credentials, outbox = Credentials(world), Outbox({}, Patience(), Random(1), Manners())
    with opened(tmp_path / "state.json") as file, structlog.testing.capture_logs() as logs:
        kept = State(
            file,
            world=world,
            key=Ed25519PrivateKey.generate(),
            credentials=credentials,
            grants=Grants(world, credentials),
            outbox=outbox,
        )
        world.locations = {sound.id: sound.model_copy(update={"name": "half \ud800 a pair"})}
        for _ in range(2):
            world.touch()
            with pytest.raises(StateError, match="cannot be saved"):
                await kept.saved()
        world.locations = {sound.id: sound}
        await kept.saved()
    assert [each["event"] for each in logs] == ["the state cannot be saved", "the state is saved again"]
    assert "half" not in str(logs)
