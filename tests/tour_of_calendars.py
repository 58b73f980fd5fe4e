"""Calendars and what belongs to them, made, changed and deleted through our client, and read after each step."""

from datetime import timedelta

from service.highlevel.calendar_settings import CreateCalendar, DateHours, EditCalendar, Hours, Member, WeekdayHours
from service.highlevel.calendars import DeleteCalendar, GetCalendar, ListCalendars
from service.highlevel.free_slots import FreeSlots
from service.highlevel.groups import (
    CreateGroup,
    DeleteGroup,
    EditGroup,
    EditGroupStatus,
    ListGroups,
    ValidateGroupSlug,
)
from service.highlevel.notifications import (
    CreateNotifications,
    DeleteNotification,
    EditNotification,
    GetNotification,
    ListNotifications,
    NewNotification,
    Offset,
)
from service.highlevel.operation import Api
from service.highlevel.resources import (
    CreateResource,
    DeleteResource,
    EditResource,
    GetResource,
    ListResources,
    ResourceType,
)
from tests.sandboxes import CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, milliseconds
from tests.tour import Stage, agree, gone, plain, refuse_differences, same

NINE_TO_TEN = Hours(open_hour=9, open_minute=0, close_hour=10, close_minute=0)


async def calendars(api: Api) -> None:
    create = CreateCalendar(
        location_id=LOCATION,
        name="Colours",
        calendar_type="round_robin",
        description="Long sessions",
        slug="colours",
        team_members=(Member(user_id=DANA, priority=1), Member(user_id=KIM, priority=0)),
        slot_duration=90,
        slot_interval=30,
        pre_buffer=5,
        slot_buffer=10,
        open_hours=(WeekdayHours(days_of_the_week=(1, 2), hours=(NINE_TO_TEN,)),),
        auto_confirm=False,
    )
    made = (await api(create)).calendar
    agree(made, create)
    look = GetCalendar(calendar_id=made.id)
    read = (await api(look)).calendar
    refuse_differences(plain(read), made.model_dump(mode="json", by_alias=True, exclude_unset=True))
    listed = {calendar.id: calendar for calendar in (await api(ListCalendars(location_id=LOCATION))).calendars}
    assert listed.keys() == {CUTS, ROOM, made.id}
    agree(listed[made.id], create)

    day = (MONDAY + timedelta(days=1)).date()
    edit = EditCalendar(
        calendar_id=made.id,
        name="Colours and cuts",
        slot_duration=60,
        availabilities=(DateHours(date=day, hours=(NINE_TO_TEN,)),),
    )
    agree((await api(edit)).calendar, edit, "availabilities")
    changed = (await api(look)).calendar
    agree(changed, edit, "availabilities")
    agree(changed, create, "name", "slot_duration")
    assert [(each.date, each.deleted) for each in changed.availabilities] == [(day, False)]

    free = FreeSlots(
        calendar_id=made.id, start_date=milliseconds(MONDAY), end_date=milliseconds(MONDAY + timedelta(days=7))
    )
    assert list((await api(free)).slots) == ["2026-03-23T09:00:00+00:00", "2026-03-24T09:00:00+00:00"]
    assert (await api(DeleteCalendar(calendar_id=made.id))).calendar is not None
    await gone(api, look)
    await gone(api, free)


async def groups(api: Api) -> None:
    look = ListGroups(location_id=LOCATION)
    before = (await api(look)).groups
    slug = ValidateGroupSlug(location_id=LOCATION, slug="hair")
    assert (await api(slug)).available
    create = CreateGroup(location_id=LOCATION, name="Hair", description="Cuts and colours", slug="hair", is_active=True)
    made = (await api(create)).group
    agree(made, create)
    assert made.id is not None
    assert not (await api(slug)).available
    same((await api(look)).groups, [*before, made])
    edit = EditGroup(group_id=made.id, name="Hair and beard", description="All of it", slug="hair-and-beard")
    agree((await api(edit)).group, edit)
    assert (await api(slug)).available
    assert (await api(EditGroupStatus(group_id=made.id, is_active=False))).success
    changed = (await api(look)).groups[-1]
    agree(changed, edit)
    assert (changed.id, changed.is_active) == (made.id, False)
    assert (await api(DeleteGroup(group_id=made.id))).success
    same((await api(look)).groups, before)
    await gone(api, EditGroupStatus(group_id=made.id, is_active=True))


async def resources(api: Api) -> None:
    calendar = CreateCalendar(
        location_id=LOCATION, name="Massage", calendar_type="service_booking", team_members=(Member(user_id=DANA),)
    )
    calendar_id = (await api(calendar)).calendar.id
    kinds: tuple[ResourceType, ...] = ("rooms", "equipments")
    for kind in kinds:
        look = ListResources(resource_type=kind, location_id=LOCATION, limit=20, skip=0)
        create = CreateResource(
            resource_type=kind,
            location_id=LOCATION,
            name="Chair",
            description="By the window",
            quantity=3,
            out_of_service=1,
            capacity=2,
            calendar_ids=(calendar_id,),
        )
        made = await api(create)
        agree(made, create)
        assert (made.id, made.resource_type, made.is_active) == (made.id or "no id", kind, True)
        one = GetResource(resource_type=kind, resource_id=made.id or "")
        same([await api(one)], [made])
        same((await api(look)).resources, [made])
        edit = EditResource(
            resource_type=kind, resource_id=made.id or "", name="Sofa", quantity=4, calendar_ids=(), is_active=False
        )
        agree(await api(edit), edit, "calendar_ids")
        changed = await api(one)
        agree(changed, edit)
        agree(changed, create, "name", "quantity", "calendar_ids")
        same((await api(look)).resources, [changed])
        assert (await api(DeleteResource(resource_type=kind, resource_id=made.id or ""))).success
        assert (await api(look)).resources == ()
        await gone(api, one)
    await api(DeleteCalendar(calendar_id=calendar_id))


async def notifications(api: Api) -> None:
    look = ListNotifications(calendar_id=CUTS)
    reminder = NewNotification(
        receiver_type="contact",
        channel="email",
        notification_type="reminder",
        subject="Tomorrow",
        body="See you",
        before_time=(Offset(time_offset=1, unit="days"),),
        selected_users=(KIM,),
    )
    booked = NewNotification(receiver_type="business", channel="inApp", notification_type="booked", is_active=False)
    create = CreateNotifications(calendar_id=CUTS, notifications=(reminder, booked))
    made = (await api(create)).notifications
    refuse_differences([plain(each) for each in made], create.wire().body)
    same((await api(look)).notifications, made)
    same((await api(ListNotifications(calendar_id=CUTS, is_active=False))).notifications, made[1:])
    one = GetNotification(calendar_id=CUTS, notification_id=made[0].id or "")
    same([await api(one)], made[:1])
    edit = EditNotification(calendar_id=CUTS, notification_id=made[0].id or "", subject="Today", is_active=False)
    assert (await api(edit)).message
    changed = await api(one)
    agree(changed, edit)
    assert (changed.body, changed.before_time) == ("See you", made[0].before_time)
    for each in made:
        assert (await api(DeleteNotification(calendar_id=CUTS, notification_id=each.id or ""))).message
    assert (await api(look)).notifications == ()
    assert [each.id for each in (await api(ListNotifications(calendar_id=CUTS, deleted=True))).notifications] == [
        each.id for each in made
    ]


STAGES: dict[str, Stage] = {each.__name__: each for each in (calendars, groups, resources, notifications)}
