"""Locations (sub-accounts): here for their time zone and their company."""

from service.highlevel.operation import Operation
from service.highlevel.reply import Reply


class Business(Reply):
    """The business that the location is, as it shows itself."""

    name: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None
    website: str | None = None
    timezone: str | None = None
    logo_url: str | None = None


class Location(Reply):
    """`timezone` is an IANA name, at times an old one such as US/Central."""

    id: str
    company_id: str | None = None
    name: str = ""
    domain: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None
    website: str | None = None
    logo_url: str | None = None
    timezone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    business: Business | None = None


class LocationReply(Reply):
    location: Location


class GetLocation(Operation[LocationReply], method="GET", path="/locations/{location_id}", version="2021-07-28"):
    location_id: str
