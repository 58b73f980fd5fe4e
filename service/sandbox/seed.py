"""Seeds: a world's beginning, written in YAML."""

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from random import Random, SystemRandom
from typing import Self

import yaml
from pydantic import ValidationError, model_validator

from service.sandbox.complaints import complaints
from service.sandbox.moments import stamp_text
from service.sandbox.records import Client, Record
from service.sandbox.seed_notation import SeededLocation
from service.sandbox.world import World


class Seed(Record):
    strict: bool = True
    clients: tuple[Client, ...] = ()
    locations: tuple[SeededLocation, ...]

    @model_validator(mode="after")
    def teams_exist(self) -> Self:
        """A team names users of its own location."""
        for location in self.locations if self.strict else ():
            known = {user.id for user in location.users}
            for calendar in location.calendars:
                if unknown := set(calendar.team) - known:
                    raise ValueError(f"calendar {calendar.name}: no user {', '.join(sorted(unknown))}")
        return self


def load_seed(text: str, *, clock: Callable[[], datetime], random: Random | None = None) -> World:
    """The world a seed describes; ValueError says what is wrong with it, one line for each fault."""
    # Every scalar as text, for the models to read: YAML 1.1 would make a number of 17:00.
    try:
        loaded = yaml.BaseLoader(text).get_single_data()
    except yaml.YAMLError as error:
        # Its own words quote the line, in which a person or a token may stand.
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"the seed is no YAML: {getattr(error, 'problem', None) or 'it breaks off'}{place}") from error
    try:
        seed = Seed.model_validate(loaded)
    except ValidationError as error:
        raise ValueError("\n".join(complaints(error))) from error
    world = World(
        [seeded.location for seeded in seed.locations],
        clients=seed.clients,
        clock=clock,
        random=random or SystemRandom(),
        strict=seed.strict,
    )
    for seeded in seed.locations:
        _furnish(world, seeded)
    return world


def _furnish(world: World, seeded: SeededLocation) -> None:
    added = stamp_text(world.now())
    for user in seeded.users:
        world.users.put(seeded.id, user.id, user.at(seeded.id))
    for contact in seeded.contacts:
        world.contacts.put(seeded.id, contact.id, contact.at(seeded.id, added))
    for group in seeded.groups:
        world.groups.put(seeded.id, group.id, group.at(seeded.id))
    for calendar in seeded.calendars:
        world.calendars.put(seeded.id, calendar.id, calendar.at(seeded.id))


def packaged_seed(name: str) -> str:
    """The text of a seed that comes with Slotwright: `demo` or `empty`. Raises KeyError for another name."""
    known = {entry.name.removesuffix(".yaml"): entry for entry in files("service.sandbox").joinpath("seeds").iterdir()}
    return known[name].read_text(encoding="utf-8")
