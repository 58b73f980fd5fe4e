"""Schedules, services and their bookings, made, changed and deleted through our client, and read after each step."""

from datetime import date, datetime

from service.highlevel.event_calendar_schedules import (
    CreateEventCalendarSchedule,
    EditEventCalendarSchedule,
    GetEventCalendarSchedule,
)
from service.highlevel.operation import Api
from service.highlevel.schedules import (
    AddCalendarToSchedule,
    CreateSchedule,
    DeleteSchedule,
    EditSchedule,
    GetSchedule,
    RemoveCalendarFromSchedule,
    ScheduleInterval,
    ScheduleRule,
    SearchSchedules,
)
from service.highlevel.service_bookings import (
    AddOn,
    CreateServiceBooking,
    DeleteServiceBooking,
    EditServiceBooking,
    GetServiceBooking,
    ListServiceBookings,
    ServiceChoice,
)
from service.highlevel.service_locations import (
    CreateServiceLocation,
    DeleteServiceLocation,
    EditServiceLocation,
    GetServiceLocation,
    ListServiceLocations,
)
from service.highlevel.services import (
    CreateService,
    DeleteService,
    EditService,
    GetService,
    ListServices,
    NewVariation,
    Payment,
    Staff,
    Variation,
)
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION, ROOM, at
from tests.tour import WINDOW, Stage, agree, gone, same

MORNING = ScheduleInterval(start="09:00", end="12:00")
EVENING = ScheduleInterval(start="17:00", end="00:00")
MONDAYS = ScheduleRule(type="wday", day="monday", intervals=(MORNING, EVENING))
EASTER = ScheduleRule(type="date", date=date(2026, 4, 5), intervals=(EVENING,))
ADD_ON = "aDd0nQ3mT8qLw5ZrK1vN"


def service(slug: str) -> CreateService:
    return CreateService(
        location_id=LOCATION,
        name="Massage",
        slug=slug,
        staff=(Staff(id=DANA), Staff(id=KIM)),
        description="With oil",
        service_duration=60,
        service_duration_unit="mins",
        post_buffer=15,
        payment=Payment(amount=80, deposit=10, deposit_type="percentage"),
        is_private=False,
        variations=(NewVariation(name="Long", service_duration=90),),
    )


async def schedules(api: Api) -> None:
    look = SearchSchedules(location_id=LOCATION, user_id=DANA)
    create = CreateSchedule(
        name="Spring",
        location_id=LOCATION,
        user_id=DANA,
        timezone="Europe/Paris",
        rules=(MONDAYS, EASTER),
        calendar_ids=(CUTS,),
    )
    made = (await api(create)).schedule
    agree(made, create)
    one = GetSchedule(schedule_id=made.id)
    same([(await api(one)).schedule], [made])
    same((await api(look)).schedules, [made])
    edit = EditSchedule(schedule_id=made.id, name="Summer", rules=(EASTER,), timezone="Europe/London")
    agree((await api(edit)).schedule, edit)
    changed = (await api(one)).schedule
    agree(changed, edit)
    agree(changed, create, "name", "rules", "timezone")
    assert (await api(RemoveCalendarFromSchedule(schedule_id=made.id, calendar_id=CUTS))).success
    assert (await api(one)).schedule.calendar_ids == ()
    assert (await api(AddCalendarToSchedule(schedule_id=made.id, calendar_id=CUTS))).success
    assert (await api(one)).schedule.calendar_ids == (CUTS,)
    await api(RemoveCalendarFromSchedule(schedule_id=made.id, calendar_id=CUTS))
    assert (await api(DeleteSchedule(schedule_id=made.id))).success
    assert (await api(look)).schedules == ()
    await gone(api, one)


async def event_calendar_schedules(api: Api) -> None:
    look = GetEventCalendarSchedule(calendar_id=ROOM)
    create = CreateEventCalendarSchedule(calendar_id=ROOM, rules=(MONDAYS, EASTER), timezone="Europe/Paris")
    made = (await api(create)).schedule
    agree(made, create)
    same([(await api(look)).schedule], [made])
    edit = EditEventCalendarSchedule(calendar_id=ROOM, rules=(EASTER,))
    agree((await api(edit)).schedule, edit)
    changed = (await api(look)).schedule
    agree(changed, edit)
    assert (changed.timezone, changed.date_added) == ("Europe/Paris", made.date_added)
    await gone(api, GetEventCalendarSchedule(calendar_id="unknown"))


async def services(api: Api) -> None:
    look = ListServices(location_id=LOCATION)
    before = (await api(look)).services
    create = service("massage")
    made = (await api(create)).service
    agree(made, create)
    one = GetService(service_id=made.id)
    same([(await api(one)).service], [made])
    same((await api(look)).services, [*before, made])
    (long,) = made.variations
    edit = EditService(
        service_id=made.id,
        name="Thai massage",
        is_private=True,
        staff=(Staff(id=ALEX),),
        variations=(Variation(id=long.id, name="Very long"), Variation(name="Short", service_duration=30)),
    )
    agree((await api(edit)).service, edit)
    changed = (await api(one)).service
    agree(changed, edit)
    agree(changed, create, "name", "is_private", "staff", "variations")
    assert (changed.variations[0].id, changed.variations[0].service_duration) == (long.id, 90)
    same((await api(ListServices(location_id=LOCATION, is_private=True))).services, [changed])
    assert (await api(DeleteService(service_id=made.id))).success
    same((await api(look)).services, before)
    await gone(api, one)


async def service_locations(api: Api) -> None:
    look = ListServiceLocations(location_id=LOCATION)
    before = (await api(look)).service_locations
    create = CreateServiceLocation(
        location_id=LOCATION, name="Annexe", slug="annexe", phone="+441134960000", address="Hollyhock Lane 9"
    )
    made = await api(create)
    agree(made, create)
    one = GetServiceLocation(service_location_id=made.id)
    same([await api(one)], [made])
    same((await api(look)).service_locations, [*before, made])
    edit = EditServiceLocation(
        service_location_id=made.id, name="At yours", address="Your address", location_type="ask_booker"
    )
    agree(await api(edit), edit)
    changed = await api(one)
    agree(changed, edit)
    assert (changed.slug, changed.phone) == (made.slug, made.phone)
    assert (await api(DeleteServiceLocation(service_location_id=made.id))).success
    same((await api(look)).service_locations, before)
    await gone(api, one)


async def service_bookings(api: Api) -> None:
    service_id = (await api(service("massage-booked"))).service.id
    place = await api(CreateServiceLocation(location_id=LOCATION, name="Annexe", slug="annexe-booked"))
    create = CreateServiceBooking(
        location_id=LOCATION,
        contact_id=ADA,
        start_time=at("10:00"),
        end_time=at("11:00"),
        timezone="Europe/London",
        services=(ServiceChoice(id=service_id, staff_id=DANA, position=0, add_ons=(AddOn(id=ADD_ON, quantity=2),)),),
        service_location_id=place.id,
        title="Massage for Ada",
        status="new",
        override_availability=True,
    )
    made = await api(create)
    agree(made, create, "services", "override_availability")
    one = GetServiceBooking(booking_id=made.booking_id)
    read = await api(one)
    agree(read, create, "services", "override_availability")
    (booked,) = read.services
    assert (booked.id, booked.service_staff_id) == (service_id, DANA)
    assert booked.service_start_time == datetime.fromisoformat(at("10:00"))
    assert [(add_on.id, add_on.quantity) for add_on in booked.service_add_ons] == [(ADD_ON, 2)]
    look = ListServiceBookings(**WINDOW, service_location_id=place.id)
    same((await api(look)).bookings, [read])
    edit = EditServiceBooking(
        booking_id=made.booking_id,
        title="Moved",
        status="confirmed",
        start_time=at("14:00"),
        end_time=at("15:00"),
        services=(ServiceChoice(id=service_id, staff_id=KIM),),
        override_availability=True,
    )
    agree(await api(edit), edit, "services", "override_availability")
    changed = await api(one)
    agree(changed, edit, "services", "override_availability")
    assert [each.service_staff_id for each in changed.services] == [KIM]
    assert (changed.contact_id, changed.service_location_id) == (ADA, place.id)
    assert (await api(DeleteServiceBooking(booking_id=made.booking_id))).success
    assert [each for each in (await api(look)).bookings if not each.deleted] == []
    await api(DeleteServiceLocation(service_location_id=place.id))
    await api(DeleteService(service_id=service_id))


STAGES: dict[str, Stage] = {
    each.__name__: each for each in (schedules, event_calendar_schedules, services, service_locations, service_bookings)
}
