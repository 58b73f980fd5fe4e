"""What a sandbox remembers, saved before it is answered for."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.kept import Kept, KeptChange, KeptWorld
from service.sandbox.state.file import StateError, StateFile
from service.sandbox.tokens.credentials import Credentials
from service.sandbox.tokens.grants import Grants
from service.sandbox.webhooks.outbox import Outbox
from service.sandbox.world.world import Change, World

log = structlog.get_logger()

PAUSE = 1.0
"""Seconds between two saves that only deliveries ask for."""


class State:
    """All that is kept of a sandbox, and its file; without one nothing is ever written."""

    def __init__(
        self,
        file: StateFile | None,
        *,
        world: World,
        key: Ed25519PrivateKey,
        credentials: Credentials,
        grants: Grants,
        outbox: Outbox,
    ) -> None:
        """What the file held of tokens and webhooks is put in its place. Raises StateError."""
        self._file = file
        self._world = world
        self._key = key
        self._credentials = credentials
        self._grants = grants
        self._outbox = outbox
        self._saved = -1
        """The world's version that the file holds."""
        self._saving: asyncio.Task[str | None] | None = None
        self._failing = False
        self._over_saved = 0
        """So many webhooks that wait no longer are out of the file."""
        self._keeping_up: asyncio.Task[None] | None = None
        outbox.once = self._saved_or_not
        outbox.over = self._one_is_over
        if file is not None and file.kept is not None:
            self._restore(file, file.kept)

    async def open(self) -> None:
        """Begin the file, where there is none: one that cannot be written is told of at the start. Raises
        StateError."""
        if self._file is not None and self._file.kept is None:
            await self.saved()

    async def saved(self) -> None:
        """Return once the file holds all that has been done until now. Whoever waits meanwhile shares one save. Raises
        StateError."""
        wanted = self._world.version
        while self._file is not None and self._saved < wanted:
            if (reason := await self._joined(self._file)) is not None:
                raise StateError(f"the state {self._file.path} cannot be saved ({reason})")

    async def _joined(self, file: StateFile) -> str | None:
        """The save that is under way, or a new one: why it could not be. Shielded: a call that is given up ends no save
        that others wait for."""
        if self._saving is None:
            self._saving = asyncio.create_task(self._save(file))
        return await asyncio.shield(self._saving)

    def _one_is_over(self) -> None:
        """A webhook that was delivered is not to be posted again after a kill; nobody waits for that save."""
        if self._file is not None and self._keeping_up is None:
            self._keeping_up = asyncio.create_task(self._keep_up(self._file))

    async def _keep_up(self, file: StateFile) -> None:
        while self._over_saved < self._outbox.over_by_now:
            await self._joined(file)
            await asyncio.sleep(PAUSE)
        self._keeping_up = None

    async def _saved_or_not(self) -> None:
        """What cannot be saved has happened all the same."""
        with suppress(StateError):
            await self.saved()

    async def close(self) -> None:
        """Save once more: which webhooks have just arrived is told by no answer."""
        if self._keeping_up is not None:
            self._keeping_up.cancel()
            await asyncio.gather(self._keeping_up, return_exceptions=True)
        self._world.touch()
        try:
            await self.saved()
        except StateError as error:
            log.error(str(error))

    async def _save(self, file: StateFile) -> str | None:
        """Read in one go, so that it is of one moment, and written beside the loop. Why it could not be."""
        version, over = self._world.version, self._outbox.over_by_now
        try:
            await asyncio.to_thread(file.write, self._text())
        except (OSError, ValueError) as error:  # ValueError: it holds what has no bytes
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            if not self._failing:
                log.error("the state cannot be saved", file=str(file.path), reason=reason)
            self._failing = True
            return reason or type(error).__name__
        else:
            if self._failing:
                log.info("the state is saved again", file=str(file.path))
            self._saved, self._over_saved, self._failing = version, over, False
            return None
        finally:
            self._saving = None

    def _text(self) -> str:
        kept = Kept(
            signing_key=base64.b64encode(self._key.private_bytes_raw()).decode("ascii"),
            world=_dump(self._world),
            tokens=self._credentials.dump(),
            oauth=self._grants.dump(),
            webhooks=tuple(self._outbox.dump()),
        )
        return json.dumps(kept.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"

    def _restore(self, file: StateFile, kept: Kept) -> None:
        try:
            self._credentials.load(kept.tokens)
            self._grants.load(kept.oauth)
            self._outbox.load(kept.webhooks)
        except ValidationError as error:
            raise file.unreadable("; ".join(f"webhooks{each}" for each in complaints(error))) from error
        except ValueError as error:
            raise file.unreadable(str(error)) from error


def kept_world(file: StateFile, kept: Kept, *, clock: Callable[[], datetime], random: Random) -> World:
    """The world as it was. Raises StateError."""
    was = kept.world
    world = World(was.locations, clients=was.clients, clock=clock, random=random, strict=was.strict)
    world.ahead = timedelta(seconds=was.ahead)
    world.changes.extend(Change(**dict(change)) for change in was.changes)
    tables = world.tables
    for name, dumped in was.tables.items():
        if name not in tables:
            raise file.unreadable(f"world.tables.{name}: there is no such table")
        try:
            tables[name].load(dumped)
        except ValueError as error:
            raise file.unreadable(f"world.tables.{name}.{error}") from error
    world.diary.index()
    return world


def _dump(world: World) -> KeptWorld:
    return KeptWorld(
        strict=world.strict,
        ahead=world.ahead.total_seconds(),
        locations=tuple(world.locations.values()),
        clients=tuple(world.clients.values()),
        tables={name: table.dump() for name, table in world.tables.items()},
        changes=tuple(KeptChange(**vars(change)) for change in world.changes),
    )
