"""Seeds: a world's beginning, written in YAML."""

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from random import Random, SystemRandom
from typing import Self

import yaml
from pydantic import ValidationError, model_validator

from service.sandbox.complaints import complaints
from service.sandbox.seeds.furnishing import Furnishing
from service.sandbox.seeds.notation import SeededLocation
from service.sandbox.world.records import Client, Record
from service.sandbox.world.world import World


class Seed(Record):
    strict: bool = True
    clients: tuple[Client, ...] = ()
    locations: tuple[SeededLocation, ...]

    @model_validator(mode="after")
    def locations_differ(self) -> Self:
        ids = [location.id for location in self.locations]
        tokens = [token for location in self.locations for token in set(location.tokens)]
        if len(set(ids)) < len(ids):
            raise ValueError("locations: two have the same id")
        if len(set(tokens)) < len(tokens):
            raise ValueError("locations: two have the same token")
        return self

    def called(self, location_id: str | None, tokens: tuple[str, ...]) -> Self:
        """With another id and other tokens of its only location, where they are said. Raises ValueError."""
        said = {"id": location_id, "tokens": tokens}
        changes = {name: value for name, value in said.items() if value}
        if not changes:
            return self
        if len(self.locations) != 1:
            raise ValueError(f"locations: one can be given an id and tokens from outside, not {len(self.locations)}")
        return self.model_copy(update={"locations": (self.locations[0].model_copy(update=changes),)})


def load_seed(
    text: str,
    *,
    clock: Callable[[], datetime],
    random: Random | None = None,
    location_id: str | None = None,
    tokens: tuple[str, ...] = (),
) -> World:
    """The world a seed describes; ValueError says what is wrong with it, one line for each fault. What is said of
    `location_id` and `tokens` takes the place of what the seed says of its only location."""
    # Every scalar as text, for the models to read: YAML 1.1 would make a number of 17:00.
    try:
        loaded = yaml.CBaseLoader(text).get_single_data()
    except yaml.YAMLError as error:
        # Its own words quote the line, in which a person or a token may stand.
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"the seed is no YAML: {getattr(error, 'problem', None) or 'it breaks off'}{place}") from error
    try:
        seed = Seed.model_validate(loaded)
    except ValidationError as error:
        raise ValueError("\n".join(complaints(error))) from error
    seed = seed.called(location_id, tokens)
    world = World(
        [seeded.location for seeded in seed.locations],
        clients=seed.clients,
        clock=clock,
        random=random or SystemRandom(),
        strict=seed.strict,
    )
    wrong: list[str] = []
    for number, seeded in enumerate(seed.locations):
        furnishing = Furnishing(world, seeded, f"locations[{number}]")
        furnishing.carry_out()
        wrong += furnishing.wrong
    if wrong:
        raise ValueError("\n".join(wrong))
    return world


def packaged_seed(name: str) -> str:
    """The text of a seed that comes with Slotwright: `demo` or `empty`. Raises KeyError for another name."""
    packaged = files("service.sandbox.seeds").iterdir()
    known = {entry.name.removesuffix(".yaml"): entry for entry in packaged if entry.name.endswith(".yaml")}
    return known[name].read_text(encoding="utf-8")
