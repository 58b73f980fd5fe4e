"""A location of a seed, put into the world: first who and what is there, then what is booked."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.seeds.bookings import Known, SeededBlock, SeededBooking
from service.sandbox.seeds.document import Fault, Place
from service.sandbox.seeds.names import Faults, Names
from service.sandbox.seeds.notation import SeededLocation
from service.sandbox.seeds.screening import Screening
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.table import Table
from service.sandbox.world.world import World


class Furnishing:
    def __init__(self, world: World, seeded: SeededLocation, screening: Screening, place: Place) -> None:
        self._world = world
        self._seeded = seeded
        self._screening = screening
        self._place = place
        self._location: Location = seeded.location
        self.wrong: list[Fault] = []
        undeclared = not world.strict
        users, calendars = _pairs(seeded.users), _pairs(seeded.calendars)
        wrong_users, wrong_calendars = self._unusable("users"), self._unusable("calendars")
        self._users = Names(users, unusable=wrong_users, undeclared=undeclared)
        self._custom_fields = Names(_pairs(seeded.custom_fields), unusable=self._unusable("custom_fields"))
        contacts = _pairs(seeded.contacts)
        self._contacts = Names(contacts, unusable=self._unusable("contacts"), undeclared=undeclared, private=True)
        self._calendars = Names(calendars, unusable=wrong_calendars)
        self._groups = Names(_pairs(seeded.groups), unusable=self._unusable("groups"))
        both = [*wrong_users, *wrong_calendars]
        self._subjects = Names([*users, *calendars], unusable=both, undeclared=undeclared)

    def carry_out(self) -> None:
        """Nobody is told. What is wrong is left out, and stands in `wrong`."""
        world, seeded, here = self._world, self._seeded, self._location
        users, calendars, groups = self._users, self._calendars, self._groups
        added = stamp_text(world.now())
        at = here.id
        self._put("users", world.users, lambda each, place, faults: each.at(at))
        self._put("custom_fields", world.custom_fields, lambda each, place, faults: each.at(at))
        self._put(
            "contacts",
            world.contacts,
            lambda each, place, faults: each.at(at, added, users, self._custom_fields, place, faults),
        )
        self._put("groups", world.groups, lambda each, place, faults: each.at(at))
        self._put("calendars", world.calendars, lambda each, place, faults: each.at(at, users, groups, place, faults))
        self._put(
            "schedules",
            world.schedules,
            lambda each, place, faults: each.at(here, added, users, calendars, place, faults),
        )
        self._put("resources", world.resources, lambda each, place, faults: each.at(at, calendars, place, faults))
        self._put("services", world.services, lambda each, place, faults: each.at(at, users, place, faults))
        self._put("service_locations", world.service_locations, lambda each, place, faults: each.at(at))
        known = Known(users, self._contacts, calendars, self._subjects, self._unusable_calendars())
        self._lay("blocks", seeded.blocks, known)
        self._lay("bookings", seeded.bookings, known)

    def _lay(self, name: str, items: Iterable[SeededBlock | SeededBooking], known: Known) -> None:
        for number, each in enumerate(items):
            faults = Faults()
            each.lay(self._world, self._location, known, self._place_of(name, number), faults)
            self.wrong += faults.found

    def _put(self, name: str, table: Table[Any], record: Callable[[Any, Place, Faults], Any]) -> None:
        for number, each in enumerate(getattr(self._seeded, name)):
            place, faults = self._place_of(name, number), Faults()
            if table.find(self._location.id, each.id) is not None:
                faults.add((*place, "id"), "another has it")
            try:
                made = record(each, place, faults)
            except ValidationError as error:
                self.wrong += [Fault(place, words) for words in complaints(error)]
                continue
            self.wrong += faults.found
            if not faults:
                table.put(self._location.id, each.id, made)

    def _unusable(self, name: str) -> list[str]:
        return self._screening.unusable((*self._place, name))

    def _unusable_calendars(self) -> set[str]:
        """Those with a fault; all of them where a schedule has one."""
        wrong = {fault.place[len(self._place)] for fault in self.wrong if len(fault.place) > len(self._place)}
        everywhere = self._unusable("schedules") or "schedules" in wrong
        ids = {each.id for each in self._seeded.calendars}
        there = {calendar.id for calendar in self._world.calendars.of(self._location.id)}
        return ids if everywhere else (ids - there) | (ids & set(self._unusable("calendars")))

    def _place_of(self, name: str, number: int) -> Place:
        return self._screening.place_of((*self._place, name), number)


def _pairs(items: Any) -> list[tuple[str, str]]:
    return [(each.id, each.name) for each in items]
