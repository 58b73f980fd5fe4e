"""How a sandbox begins: from its state if there is one, else from a seed."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import click
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.sandbox.seeds.seed import load_seed, packaged_seed, packaged_seeds
from service.sandbox.state.file import StateError, StateFile
from service.sandbox.state.state import kept_world
from service.sandbox.world.records import Client, Location
from service.sandbox.world.world import World
from workers.cli.clock import clock

log = structlog.get_logger()

DEMO = "demo"
STATE = "sandbox.json"
"""The state's name in the folder of `slotwright up`."""


@dataclass(frozen=True)
class Beginning:
    """What the sandbox of `slotwright up` begins with."""

    seed: str
    state: Path
    was_there: bool
    """Then the state counts, and not the seed."""
    locations: tuple[Location, ...]
    clients: tuple[Client, ...]


def beginning_in(folder: Path, seed: str) -> Beginning:
    """Nothing is taken or written yet. Raises ClickException."""
    try:
        kept = StateFile(folder / STATE).read() if folder.is_dir() else None
    except StateError as error:
        raise click.ClickException(str(error)) from None
    if kept is not None:
        return Beginning(seed, folder / STATE, True, kept.world.locations, kept.world.clients)
    world = _from_seed(seed, None, ())
    return Beginning(seed, folder / STATE, False, tuple(world.locations.values()), tuple(world.clients.values()))


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[StateFile | None]:
    """What goes wrong with the state meanwhile is told in a line."""
    file = None if path is None else StateFile(path)
    try:
        if file is not None:
            file.open()
        yield file
    except StateError as error:
        raise click.ClickException(str(error)) from None
    finally:
        if file is not None:
            file.close()


def world_of(file: StateFile | None, seed: str, location: str | None, tokens: tuple[str, ...]) -> World:
    """From the state if there is one, else from the seed."""
    if file is None or file.kept is None:
        return _from_seed(seed, location, tokens)
    log.info("the state is used in place of the seed; delete it to begin anew", file=str(file.path))
    world = kept_world(file, file.kept, clock=clock, random=random.SystemRandom())
    if location is not None or tokens:
        _require(world, location, file)
        world.locations = {each.id: each.with_tokens(tokens) for each in world.locations.values()}
    return world


def _from_seed(seed: str, location: str | None, tokens: tuple[str, ...]) -> World:
    text, source = _seed_text(seed), random.SystemRandom()
    try:
        return load_seed(text, clock=clock, random=source, location_id=location, tokens=tokens)
    except ValueError as error:
        raise click.ClickException(f"the seed {seed} cannot be used:\n{indent(str(error), '  ')}") from None


def _require(world: World, location: str | None, file: StateFile) -> None:
    """Whose tokens are said is in the state, and alone there."""
    if len(world.locations) != 1:
        raise file.unreadable(f"one location can be given an id and tokens from outside, not {len(world.locations)}")
    if location is not None and location not in world.locations:
        raise file.unreadable(f"its location is {next(iter(world.locations))}, not the one of --location")


def kept_key(file: StateFile | None) -> Ed25519PrivateKey | None:
    return None if file is None or file.kept is None else file.key(file.kept)


def _seed_text(seed: str) -> str:
    try:
        return packaged_seed(seed)
    except KeyError:
        pass
    try:
        return Path(seed).read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(packaged_seeds())
        raise click.ClickException(f"no seed {seed}: neither {known} nor a file ({error.strerror})") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"the seed {seed} is not UTF-8") from None
