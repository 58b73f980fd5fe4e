"""Appointments, blocks and notes by plain HTTP."""

from tests.plain_calls import Call, Stage, expect
from tests.sandboxes import ADA, CUTS, DANA, FOREVER, HEADERS, KIM, LOCATION, ROOM, at, milliseconds
from tests.sandboxes import MONDAY as TODAY
from tests.tour import HAIR

WINDOW = {"locationId": LOCATION, "startTime": "0", "endTime": str(FOREVER["endTime"])}
APPOINTMENTS, APPOINTMENT = "/calendars/events/appointments", "/calendars/events/appointments/{eventId}"


async def appointments(call: Call) -> None:
    said = {
        "title": "Cut",
        "meetingLocationType": "custom",
        "meetingLocationId": "custom_0",
        "overrideLocationConfig": True,
        "appointmentStatus": "new",
        "assignedUserId": KIM,
        "description": "Short",
        "address": "Hollyhock Lane 7",
        "ignoreDateRange": False,
        "toNotify": False,
        "ignoreFreeSlotValidation": True,
        "rrule": "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=2",
        "calendarId": CUTS,
        "locationId": LOCATION,
        "contactId": ADA,
        "startTime": at("10:00"),
        "endTime": at("11:30"),
    }
    kept = ("title", "appointmentStatus", "address", "calendarId", "locationId", "contactId")
    made = await call("POST", APPOINTMENTS, body=said)
    expect(made, {name: said[name] for name in kept})
    read = (await call("GET", APPOINTMENT, made["id"]))["appointment"]
    expect(read, {name: said[name] for name in (*kept, "startTime", "endTime", "assignedUserId", "description")})
    both = (await call("GET", "/calendars/events", **WINDOW, userId=KIM, calendarId=CUTS, groupId=HAIR))["events"]
    assert [each["masterEventId"] for each in both] == [made["id"]] * 2
    assert both[0]["id"] == f"{made['id']}_{milliseconds(TODAY.replace(hour=10))}_5400"
    said = {name: value for name, value in said.items() if name not in ("locationId", "contactId")}
    said |= {"title": "Moved", "appointmentStatus": "confirmed", "assignedUserId": DANA, "startTime": at("11:00")}
    assert (await call("PUT", APPOINTMENT, made["id"], body=said))["title"] == "Moved"
    read = (await call("GET", APPOINTMENT, made["id"]))["appointment"]
    expect(read, {name: said[name] for name in ("startTime", "endTime", "assignedUserId", "appointmentStatus")})
    assert (await call("DELETE", "/calendars/events/{eventId}", made["id"], body={}))["succeeded"] is True
    assert (await call("GET", APPOINTMENT, made["id"]))["appointment"]["deleted"] is True


async def blocks(call: Call) -> None:
    """Each is of a calendar or of a person; the documents name both fields."""
    path = "/calendars/events/block-slots"
    said = {"title": "Lunch", "locationId": LOCATION, "startTime": at("12:00"), "endTime": at("13:00")}
    later = said | {"title": "Late lunch", "endTime": at("14:00")}
    of_calendar, of_person = {"calendarId": ROOM}, {"assignedUserId": KIM}
    for first, second, asked in (
        (of_calendar, of_person, [{"userId": KIM}]),
        (of_person, of_calendar, [of_calendar, {"groupId": HAIR}]),
    ):
        made = await call("POST", path, body=said | first, but=second)
        expect(made, said | first)
        moved = await call("PUT", f"{path}/{{eventId}}", made["id"], body=later | second, but=first)
        expect(moved, later | second | {"id": made["id"]})
        for subject in asked:
            others = {"userId", "calendarId", "groupId"} - subject.keys()
            (listed,) = (await call("GET", "/calendars/blocked-slots", **WINDOW, **subject, but=others))["events"]
            expect(listed, moved, "traceId")
        await call("DELETE", "/calendars/events/{eventId}", made["id"], body={})


async def notes(call: Call) -> None:
    path = "/calendars/appointments/{appointmentId}/notes"
    said = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("17:00")}
    async with call.session.post(APPOINTMENTS, json=said, headers=HEADERS) as answer:
        booked = (await answer.json())["id"]
    made = (await call("POST", path, booked, body={"userId": KIM, "body": "Brings a dog"}))["note"]
    edited = await call("PUT", f"{path}/{{noteId}}", booked, made["id"], body={"userId": DANA, "body": "Two dogs"})
    expect(edited["note"], {"id": made["id"], "userId": DANA, "body": "Two dogs"})
    assert (await call("GET", path, booked, limit=20, offset=0))["notes"] == [edited["note"]]
    assert (await call("DELETE", f"{path}/{{noteId}}", booked, made["id"]))["success"] is True
    assert (await call("GET", path, booked, limit=20, offset=0))["notes"] == []


STAGES: dict[str, Stage] = {each.__name__: each for each in (appointments, blocks, notes)}
