"""Service bookings: one or more services of the catalogue, booked by one contact for one stretch of time."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from service.highlevel.appointments import CreatedBy, OptionalText, refuse_backwards
from service.highlevel.operation import Milliseconds, Moment, Number, Operation, Part
from service.highlevel.reply import Reply, SentTime
from service.highlevel.services import ServiceDeleted

NewServiceBookingStatus = Literal["confirmed", "new"]
ServiceBookingStatus = Literal["confirmed", "cancelled", "invalid", "new", "showed", "no_show"]
"""Not the words of appointments: those say `noshow`."""

PAST_THE_CHECKS = frozenset({"override_availability", "skip_scheduling_notice"})
"""Here these go to the query, where appointments have `ignoreFreeSlotValidation` and `ignoreDateRange` in the body."""


class BookedResource(Reply):
    id: str


class BookedAddOn(Reply):
    id: str
    quantity: Number | None = None


class BookedService(Reply):
    id: str
    service_category_id: OptionalText = None
    service_staff_id: OptionalText = None
    service_start_time: SentTime = None
    service_end_time: SentTime = None
    service_resources: tuple[BookedResource, ...] = ()
    service_add_ons: tuple[BookedAddOn, ...] = ()


class ServiceBooking(Reply):
    """A service booking as read; it comes without a wrapper, and its id is `bookingId`.

    No live one has been recorded. Live appointments leave out what is empty, also where the specification counts on
    it, so here all but identity and times may be missing.
    """

    booking_id: str
    location_id: str
    contact_id: OptionalText = None
    service_location_id: OptionalText = None
    title: str | None = None
    start_time: AwareDatetime
    end_time: AwareDatetime
    services: tuple[BookedService, ...] = ()
    timezone: str | None = None
    status: str | None = None
    deleted: bool = False
    date_added: SentTime = None
    date_updated: SentTime = None
    created_by: CreatedBy | None = None
    meeting_location: str | None = None


class WrittenServiceBooking(ServiceBooking):
    """The answer to create and update. `messages` are warnings about what HighLevel did not heed."""

    messages: tuple[str, ...] = ()


class ServiceBookingsReply(Reply):
    bookings: tuple[ServiceBooking, ...]


class AddOn(Part):
    """`duration` in minutes."""

    id: str
    quantity: Number | None = None
    duration: Number | None = None


class ServiceChoice(Part):
    """A service of the catalogue, by its id, with whom shall do it; `position` orders the services of a booking."""

    id: str
    staff_id: str | None = None
    position: Number | None = None
    add_ons: tuple[AddOn, ...] | None = None


class _ServiceBookingFields(Operation[WrittenServiceBooking]):
    """What may be said of a booking, new or not.

    `override_availability` passes every check of the time, `skip_scheduling_notice` only the shortest notice and the
    date range. `meeting_location` is needed where the service location is of type `ask_booker`.
    """

    service_location_id: str | None = None
    meeting_location: str | None = None
    title: str | None = None
    override_availability: bool | None = None
    skip_scheduling_notice: bool | None = None


class CreateServiceBooking(
    _ServiceBookingFields,
    method="POST",
    path="/calendars/services/bookings",
    query=PAST_THE_CHECKS,
    version="v3",
    success=201,
):
    """Book services; HighLevel makes an order with it. Without a `status` the one in the service settings is taken."""

    location_id: str
    contact_id: str
    start_time: Moment
    end_time: Moment
    timezone: str
    services: Annotated[tuple[ServiceChoice, ...], Field(min_length=1)]
    status: NewServiceBookingStatus | None = None

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        refuse_backwards(self.start_time, self.end_time)
        return self


class EditServiceBooking(
    _ServiceBookingFields,
    method="PUT",
    path="/calendars/services/bookings/{booking_id}",
    query=PAST_THE_CHECKS,
    version="v3",
):
    """Change what is said. `services` replaces the whole list."""

    booking_id: str
    start_time: Moment | None = None
    end_time: Moment | None = None
    timezone: str | None = None
    services: tuple[ServiceChoice, ...] | None = None
    status: ServiceBookingStatus | None = None

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        refuse_backwards(self.start_time, self.end_time)
        return self


class GetServiceBooking(
    Operation[ServiceBooking], method="GET", path="/calendars/services/bookings/{booking_id}", version="v3"
):
    booking_id: str


class ListServiceBookings(
    Operation[ServiceBookingsReply], method="GET", path="/calendars/services/bookings", version="v3"
):
    """Every booking of a window (epoch milliseconds); there are no pages."""

    location_id: str
    start_time: Milliseconds
    end_time: Milliseconds
    timezone: str | None = None
    service_location_id: str | None = None

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        if self.end_time < self.start_time:
            raise ValueError("end_time is before start_time")
        return self


class DeleteServiceBooking(
    Operation[ServiceDeleted], method="DELETE", path="/calendars/services/bookings/{booking_id}", version="v3"
):
    booking_id: str
