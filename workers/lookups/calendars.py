"""Lookups of a location's calendars, and of its catalogue of services."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.highlevel.calendars import Calendar, GetCalendar
from service.highlevel.errors import NotFound
from service.highlevel.services import ListServices
from workers.lookups import Lookup, Reading


@dataclass(frozen=True)
class CalendarLookup(Lookup):
    """A calendar, as it is set up."""

    calendar_id: str

    async def read(self, reading: Reading) -> Calendar | None:
        try:
            return (await reading.api(GetCalendar(calendar_id=self.calendar_id))).calendar
        except NotFound:
            return None


@dataclass(frozen=True)
class ServicesLookup(Lookup):
    """The names of services, and of their variations, by their ids."""

    async def read(self, reading: Reading) -> Mapping[str, str]:
        listed = (await reading.api(ListServices(location_id=reading.location_id))).services
        variations = {each.id: each.name for service in listed for each in service.variations}
        return {**variations, **{service.id: service.name for service in listed}}
