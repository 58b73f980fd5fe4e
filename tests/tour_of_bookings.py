"""Appointments, blocks, notes and contacts, made, changed and deleted through our client, and read after each step."""

from service.highlevel.appointments import CreateAppointment, DeleteEvent, EditAppointment, GetAppointment, ListEvents
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot, ListBlockedSlots
from service.highlevel.contacts import (
    AddContactTags,
    AddContactToWorkflow,
    ChangeContactOwner,
    ContactFilter,
    CreateTask,
    GetContact,
    ListContactAppointments,
    ListTasks,
    RemoveContactFromWorkflow,
    RemoveContactTags,
    SearchContacts,
)
from service.highlevel.locations import GetLocation, ListCustomFields
from service.highlevel.notes import CreateNote, DeleteNote, EditNote, ListNotes
from service.highlevel.operation import Api
from service.highlevel.users import ListUsers, SearchUsers
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION, ROOM, at
from tests.tour import WINDOW, Stage, agree, gone, same


async def appointments(api: Api) -> None:
    create = CreateAppointment(
        calendar_id=CUTS,
        location_id=LOCATION,
        contact_id=ADA,
        start_time=at("10:00"),
        end_time=at("11:00"),
        title="Cut for Ada",
        assigned_user_id=KIM,
        description="Short",
        address="Hollyhock Lane 7",
        appointment_status="new",
    )
    made = await api(create)
    agree(made, create, "start_time", "end_time", "assigned_user_id", "description")
    read = (await api(GetAppointment(event_id=made.id))).appointment
    agree(read, create)
    same((await api(ListEvents(calendar_id=CUTS, **WINDOW))).events, [read])
    assert (await api(ListEvents(user_id=DANA, **WINDOW))).events == ()

    edit = EditAppointment(
        event_id=made.id,
        appointment_status="confirmed",
        title="Moved",
        start_time=at("12:00"),
        end_time=at("13:00"),
        assigned_user_id=DANA,
    )
    await api(edit)
    moved = (await api(GetAppointment(event_id=made.id))).appointment
    agree(moved, edit)
    assert (moved.date_added, moved.description) == (read.date_added, "Short")
    same((await api(ListEvents(user_id=DANA, **WINDOW))).events, [moved])

    assert (await api(DeleteEvent(event_id=made.id))).succeeded
    deleted = (await api(GetAppointment(event_id=made.id))).appointment
    same([deleted], [moved.model_copy(update={"deleted": True})])


async def blocks(api: Api) -> None:
    create = CreateBlockSlot(
        location_id=LOCATION, assigned_user_id=DANA, title="Lunch", start_time=at("12:00"), end_time=at("13:00")
    )
    made = await api(create)
    agree(made, create)
    (listed,) = (await api(ListBlockedSlots(user_id=DANA, **WINDOW))).events
    agree(listed, create)
    edit = EditBlockSlot(
        event_id=made.id, location_id=LOCATION, calendar_id=ROOM, start_time=at("15:00"), end_time=at("16:00")
    )
    agree(await api(edit), edit)
    assert (await api(ListBlockedSlots(user_id=DANA, **WINDOW))).events == ()
    (moved,) = (await api(ListBlockedSlots(calendar_id=ROOM, **WINDOW))).events
    agree(moved, edit)
    assert (moved.id, moved.title, moved.assigned_user_id) == (made.id, "Lunch", None)
    assert (await api(DeleteEvent(event_id=made.id))).succeeded
    assert (await api(ListBlockedSlots(calendar_id=ROOM, **WINDOW))).events == ()


async def notes(api: Api) -> None:
    booking = CreateAppointment(calendar_id=CUTS, location_id=LOCATION, contact_id=ADA, start_time=at("17:00"))
    appointment_id = (await api(booking)).id
    look = ListNotes(appointment_id=appointment_id, limit=20, offset=0)
    create = CreateNote(appointment_id=appointment_id, body="Brings her dog", user_id=KIM)
    made = (await api(create)).note
    agree(made, create)
    assert made.contact_id == ADA
    assert made.created_by is not None
    assert (made.created_by.id, made.created_by.name) == (KIM, "Kim")
    other = (await api(CreateNote(appointment_id=appointment_id, body="And a cat"))).note
    same((await api(look)).notes, [made, other])
    edit = EditNote(appointment_id=appointment_id, note_id=made.id, body="Brings two dogs", user_id=DANA)
    changed = (await api(edit)).note
    agree(changed, edit)
    assert (changed.id, changed.date_added) == (made.id, made.date_added)
    same((await api(look)).notes, [changed, other])
    assert (await api(DeleteNote(appointment_id=appointment_id, note_id=made.id))).success
    same((await api(look)).notes, [other])
    await api(DeleteEvent(event_id=appointment_id))


async def contacts(api: Api) -> None:
    look = GetContact(contact_id=ADA)
    before = (await api(look)).contact
    assert (before.name, before.location_id) == ("Ada Example", LOCATION)
    assert (await api(ChangeContactOwner(contact_id=ADA, assigned_to=KIM))).succeeded
    assert (await api(look)).contact.assigned_to == KIM
    first, second = "vip", "likes tea"
    assert (await api(AddContactTags(contact_id=ADA, tags=(first, second)))).tags[-2:] == (first, second)
    search = SearchContacts(
        location_id=LOCATION, page_limit=20, filters=(ContactFilter(field="tags", operator="eq", value=first),)
    )
    assert [contact.id for contact in (await api(search)).contacts] == [ADA]
    assert first not in (await api(RemoveContactTags(contact_id=ADA, tags=(first,)))).tags
    assert (await api(search)).contacts == ()
    assert second in ((await api(look)).contact.tags or ())
    task = CreateTask(
        contact_id=ADA, title="Call", body="About the dog", due_date=at("12:00"), completed=False, assigned_to=DANA
    )
    set_ = (await api(task)).task
    agree(set_, task)
    assert (await api(ListTasks(contact_id=ADA))).tasks == (set_,)
    workflow = "wF4lRm7TqZ2xKcV9NbJe"
    assert (
        await api(AddContactToWorkflow(contact_id=ADA, workflow_id=workflow, event_start_time=at("12:00")))
    ).succeeded
    assert (await api(RemoveContactFromWorkflow(contact_id=ADA, workflow_id=workflow))).succeeded

    assert (await api(ListContactAppointments(contact_id=ADA))).events == ()
    booking = CreateAppointment(calendar_id=ROOM, location_id=LOCATION, contact_id=ADA, start_time=at("17:00"))
    made = await api(booking)
    (listed,) = (await api(ListContactAppointments(contact_id=ADA))).events
    assert (listed.id, listed.calendar_id) == (made.id, ROOM)
    assert listed.start_time.root.isoformat() == "2026-03-23T17:00:00"
    await api(DeleteEvent(event_id=made.id))
    await gone(api, GetContact(contact_id="unknown"))


async def people(api: Api) -> None:
    location = (await api(GetLocation(location_id=LOCATION))).location
    assert (location.name, location.timezone) == ("Leeds Salon", "Europe/London")
    (field,) = (await api(ListCustomFields(location_id=LOCATION, model="contact"))).custom_fields
    assert (field.name, field.field_key) == ("Preferred language", "contact.preferred_language")
    assert (await api(ListCustomFields(location_id=LOCATION, model="opportunity"))).custom_fields == ()
    (said,) = (await api(GetContact(contact_id=ADA))).contact.custom_fields or ()
    assert (said.id, said.value) == (field.id, "French")
    users = (await api(ListUsers(location_id=LOCATION))).users
    assert {user.id: user.name for user in users} == {DANA: "Dana", KIM: "Kim", ALEX: "Alex"}
    search = SearchUsers(company_id=location.company_id or "", location_id=LOCATION, text="kim")
    found = await api(search)
    assert (found.users, found.count) == (tuple(user for user in users if user.id == KIM), 1)


STAGES: dict[str, Stage] = {each.__name__: each for each in (appointments, blocks, notes, contacts, people)}
