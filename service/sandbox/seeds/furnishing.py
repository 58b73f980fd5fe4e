"""A location of a seed, put into the world: first who and what is there, then what is booked."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.seeds.bookings import Known, SeededBlock, SeededBooking
from service.sandbox.seeds.names import Names
from service.sandbox.seeds.notation import SeededLocation
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.table import Table
from service.sandbox.world.world import World


class Furnishing:
    def __init__(self, world: World, seeded: SeededLocation, place: str) -> None:
        self._world = world
        self._seeded = seeded
        self._place = place
        self._location: Location = seeded.location
        self.wrong: list[str] = []
        """A line for each fault, with its place."""
        undeclared = not world.strict
        users, calendars = _pairs(seeded.users), _pairs(seeded.calendars)
        self._users = Names(users, undeclared=undeclared)
        self._contacts = Names(_pairs(seeded.contacts), undeclared=undeclared)
        self._calendars = Names(calendars)
        self._groups = Names(_pairs(seeded.groups))
        self._subjects = Names([*users, *calendars], undeclared=undeclared)

    def carry_out(self) -> None:
        """Nobody is told. What is wrong is left out, and a line of `wrong`."""
        world, seeded, here = self._world, self._seeded, self._location.id
        users, calendars, zone = self._users, self._calendars, self._location.timezone.key
        added = stamp_text(world.now())
        self._put("users", world.users, lambda each, place: each.at(here))
        self._put("contacts", world.contacts, lambda each, place: each.at(here, added, self._owner(each.owner, place)))
        self._put("groups", world.groups, lambda each, place: each.at(here))
        self._put("calendars", world.calendars, lambda each, place: each.at(here, users, self._groups, place))
        self._put("schedules", world.schedules, lambda each, place: each.at(here, zone, added, users, calendars, place))
        self._put("resources", world.resources, lambda each, place: each.at(here, calendars, place))
        self._put("services", world.services, lambda each, place: each.at(here, users, place))
        self._put("service_locations", world.service_locations, lambda each, place: each.at(here))
        if self.wrong:
            return  # bookings of what is not there would be wrong as well
        known = Known(users, self._contacts, calendars, self._subjects)
        self._lay("blocks", seeded.blocks, known)
        self._lay("bookings", seeded.bookings, known)

    def _lay(self, name: str, items: Iterable[SeededBlock | SeededBooking], known: Known) -> None:
        for number, each in enumerate(items):
            place = f"{self._place}.{name}[{number}]"
            with self._told(place):
                each.lay(self._world, self._location, known, place)

    def _put(self, name: str, table: Table[Any], record: Callable[[Any, str], Any]) -> None:
        for number, each in enumerate(getattr(self._seeded, name)):
            place = f"{self._place}.{name}[{number}]"
            with self._told(place):
                if table.find(self._location.id, each.id) is not None:
                    raise ValueError(f"{place}.id: another has it")
                table.put(self._location.id, each.id, record(each, place))

    def _owner(self, owner: str | None, place: str) -> str | None:
        return None if owner is None else self._users.id_of(owner, f"{place}.owner")

    @contextmanager
    def _told(self, place: str) -> Iterator[None]:
        try:
            yield
        except ValidationError as error:
            self.wrong += [f"{place}: {words}" for words in complaints(error)]
        except ValueError as error:
            self.wrong.append(str(error))


def _pairs(items: Any) -> list[tuple[str, str]]:
    return [(each.id, each.name) for each in items]
