"""The catalogue of services: what can be booked, how long it takes, what it costs, who does it."""

from typing import Annotated, Literal

from pydantic import Field

from service.highlevel.appointments import OptionalText
from service.highlevel.operation import Number, Operation, Part
from service.highlevel.reply import Done, Reply

TimeUnit = Literal["mins", "hours"]


class ServicePayment(Reply):
    """The price, in the currency of the location's service settings."""

    amount: Number | None = None
    deposit: Number | None = None
    deposit_type: str | None = None


class ServiceStaff(Reply):
    id: str


class _Terms(Reply):
    """How long a service or a variation takes, the time kept free before and after it, and its price."""

    service_duration: Number | None = None
    service_duration_unit: str | None = None
    pre_buffer: Number | None = None
    pre_buffer_unit: str | None = None
    post_buffer: Number | None = None
    post_buffer_unit: str | None = None
    payment: ServicePayment | None = None


class ServiceVariation(_Terms):
    """A variety of a service with a length and price of its own."""

    id: str
    name: str


class Service(_Terms):
    """A service as read. The specification promises no more than `id`, `locationId` and `name`."""

    id: str
    location_id: str
    name: str
    description: str | None = None
    slug: str | None = None
    event_color: str | None = None
    cover_image: str | None = None
    service_category_id: OptionalText = None
    is_private: bool = False
    form_id: OptionalText = None
    variations: tuple[ServiceVariation, ...] = ()
    staff: tuple[ServiceStaff, ...] = ()


class ServiceReply(Reply):
    service: Service


class ServicesReply(Reply):
    services: tuple[Service, ...]


class ServiceDeleted(Done):
    """The answer to deleting a service, a service location or a service booking.

    None of its fields is counted on: a deleted calendar answers otherwise than published (recorded answers).
    """

    success: bool = True
    message: str | None = None


class Payment(Part):
    """A price, in the currency of the location's service settings; `deposit` is an amount or a percentage of it."""

    amount: Number | None = None
    deposit: Number | None = None
    deposit_type: Literal["percentage", "amount"] | None = None


class Staff(Part):
    id: str


class _WantedTerms(Part):
    """As `_Terms`, to be written."""

    service_duration: Number | None = None
    service_duration_unit: TimeUnit | None = None
    pre_buffer: Number | None = None
    pre_buffer_unit: TimeUnit | None = None
    post_buffer: Number | None = None
    post_buffer_unit: TimeUnit | None = None
    payment: Payment | None = None


class NewVariation(_WantedTerms):
    name: str


class Variation(_WantedTerms):
    """With an `id` that variation is changed, without one another is added."""

    id: str | None = None
    name: str | None = None


class _ServiceFields(_WantedTerms, Operation[ServiceReply]):
    """What may be said of a service, new or not."""

    description: str | None = None
    event_color: str | None = None
    cover_image: str | None = None
    service_category_id: str | None = None
    is_private: bool | None = None
    form_id: str | None = None


class ListServices(Operation[ServicesReply], method="GET", path="/calendars/services/catalog", version="v3"):
    """Every service of a location; there are no pages. `is_private` left out means private and public ones."""

    location_id: str
    service_category_id: str | None = None
    is_private: bool | None = None


class CreateService(_ServiceFields, method="POST", path="/calendars/services/catalog", version="v3", success=201):
    location_id: str
    name: str
    slug: str
    staff: Annotated[tuple[Staff, ...], Field(min_length=1)]
    variations: tuple[NewVariation, ...] | None = None


class GetService(Operation[ServiceReply], method="GET", path="/calendars/services/catalog/{service_id}", version="v3"):
    service_id: str


class EditService(_ServiceFields, method="PUT", path="/calendars/services/catalog/{service_id}", version="v3"):
    """Change what is said. An empty list of `variations` removes them all."""

    service_id: str
    name: str | None = None
    slug: str | None = None
    staff: tuple[Staff, ...] | None = None
    variations: tuple[Variation, ...] | None = None


class DeleteService(
    Operation[ServiceDeleted], method="DELETE", path="/calendars/services/catalog/{service_id}", version="v3"
):
    service_id: str
