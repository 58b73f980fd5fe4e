"""Locations (sub-accounts): here for their time zone, their company and what their custom fields are called."""

from typing import Literal

from service.highlevel.operation import Number, Operation
from service.highlevel.reply import Reply

VERSION = "2021-07-28"


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


class CustomFieldDeclared(Reply):
    """A custom field as the account has it. `data_type` such as TEXT or SINGLE_OPTIONS; `field_key` such as
    contact.preferred_language."""

    id: str
    name: str = ""
    field_key: str | None = None
    data_type: str | None = None
    model: str | None = None
    placeholder: str | None = None
    position: Number | None = None
    location_id: str | None = None


class CustomFieldsReply(Reply):
    custom_fields: tuple[CustomFieldDeclared, ...]


class GetLocation(Operation[LocationReply], method="GET", path="/locations/{location_id}", version=VERSION):
    location_id: str


class ListCustomFields(
    Operation[CustomFieldsReply], method="GET", path="/locations/{location_id}/customFields", version=VERSION
):
    """Every custom field of contacts, of opportunities, or of both; there are no pages.

    As HighLevel's reference pages have it and integrators use it; none was recorded.
    """

    location_id: str
    model: Literal["contact", "opportunity", "all"] | None = None
