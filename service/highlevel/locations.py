"""Locations (sub-accounts): here for their time zone."""

from service.highlevel.operation import Operation, Reply


class Location(Reply):
    id: str
    name: str = ""
    timezone: str | None = None


class LocationReply(Reply):
    location: Location


class GetLocation(Operation[LocationReply], method="GET", path="/locations/{location_id}"):
    location_id: str
