"""Seeds: a world's beginning, written in YAML."""

from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from random import Random, SystemRandom
from typing import Self

from pydantic import ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.seeds.document import Document, Fault, Place
from service.sandbox.seeds.furnishing import Furnishing
from service.sandbox.seeds.names import Faults
from service.sandbox.seeds.notation import SeededLocation
from service.sandbox.seeds.screening import Screening
from service.sandbox.seeds.words import nearest, quoted
from service.sandbox.tokens.scopes import KNOWN, READING, WRITING
from service.sandbox.world.records import Client, Record
from service.sandbox.world.world import World

NEAR = 0.85
"""HighLevel has more scopes than are asked for here: what is this close to one of these is meant to be it."""


class Seed(Record):
    strict: bool = True
    clients: tuple[Client, ...] = ()
    locations: tuple[SeededLocation, ...]

    def called(self, location_id: str | None, tokens: tuple[str, ...]) -> Self:
        """With another id and other tokens of its only location, where they are said. Raises ValueError."""
        said = {"id": location_id, "tokens": tokens}
        changes = {name: value for name, value in said.items() if value}
        if not changes:
            return self
        if len(self.locations) != 1:
            raise ValueError(f"locations: one can be given an id and tokens from outside, not {len(self.locations)}")
        return self.model_copy(update={"locations": (self.locations[0].model_copy(update=changes),)})

    def wrong(self) -> list[Fault]:
        """What is wrong with its locations and apps beside one another, and with who may call them."""
        faults = Faults()
        if not self.locations:
            faults.add(("locations",), "needs one at least")
        ids: set[str] = set()
        tokens: set[str] = set()
        for number, location in enumerate(self.locations):
            place: Place = ("locations", number)
            if location.id in ids:
                faults.add((*place, "id"), f"another location has the id {quoted(location.id)}")
            if tokens & set(location.tokens):
                faults.add((*place, "tokens"), "another location has the same token")
            if "tokens" in location.model_fields_set and not location.tokens and not self.clients:
                faults.add((*place, "tokens"), "without one, and without `clients`, nobody can call this location")
            for position, scope in enumerate(location.scopes or ()):
                near = nearest(scope, KNOWN, cutoff=NEAR)
                if scope not in KNOWN and (near or not scope.endswith((READING, WRITING))):
                    faults.add((*place, "scopes", position), f"{quoted(scope)} is no scope{near}")
            ids.add(location.id)
            tokens |= set(location.tokens)
        for number, client in enumerate(self.clients):
            if client.id in {before.id for before in self.clients[:number]}:
                faults.add(("clients", number, "id"), "another app has it")
        return faults.found


def load_seed(
    text: str,
    *,
    clock: Callable[[], datetime],
    random: Random | None = None,
    location_id: str | None = None,
    tokens: tuple[str, ...] = (),
) -> World:
    """The world a seed describes; ValueError says what is wrong with it: every fault on a line of its own, with the
    line and the place in the file, in the file's order. What is said of `location_id` and `tokens` takes the place of
    what the seed says of its only location."""
    document = Document(text)
    screening = Screening(document, Seed)
    wrong = screening.found
    try:
        seed = Seed.model_validate(screening.data).called(location_id, tokens)
    except ValidationError as error:
        if not wrong:
            raise ValueError("\n".join(complaints(error))) from error
        raise ValueError(_told(document, wrong)) from error
    if not wrong or seed.locations:
        wrong += seed.wrong()
    world = World(
        [seeded.location for seeded in seed.locations],
        clients=seed.clients,
        clock=clock,
        random=random or SystemRandom(),
        strict=seed.strict,
    )
    for number, seeded in enumerate(seed.locations):
        if seeded.id not in {before.id for before in seed.locations[:number]}:
            furnishing = Furnishing(world, seeded, screening, screening.place_of(("locations",), number))
            furnishing.carry_out()
            wrong += furnishing.wrong
    if wrong:
        raise ValueError(_told(document, wrong))
    return world


def _told(document: Document, wrong: list[Fault]) -> str:
    return "\n".join(document.told(fault) for fault in sorted(wrong, key=lambda fault: document.line(fault.place)))


def packaged_seed(name: str) -> str:
    """The text of a seed that comes with Slotwright. Raises KeyError for a name of none."""
    return _packaged()[name].read_text(encoding="utf-8")


def packaged_seeds() -> list[str]:
    """Their names: `demo`, `empty`, and the trades of the gallery of rules."""
    return sorted(_packaged())


def _packaged() -> dict[str, Traversable]:
    packaged = files("service.sandbox.seeds").iterdir()
    return {entry.name.removesuffix(".yaml"): entry for entry in packaged if entry.name.endswith(".yaml")}
