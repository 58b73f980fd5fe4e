"""What a calendar of the sandbox offers, by HTTP: whose hours count, what is in the way, who gets a booking."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.sandboxes import Sandbox, milliseconds, running

PLACE = "lFk3vTj0cQxW8mPzR2bN"
ANA, BEN = "uAnaQ8rTz5LmXw2KvN4c", "uBenD3pFk9RsYh7JqT1g"
EVE = "cEveQ4kVt7mYp1Wz6Sxd"
CALENDAR, OTHER = "kCalM6tWq1ZrPx8VnS3e", "kOthR2yBd7LfHj5GmC9k"
ELSEWHERE = "eLs3wh3reOfTheseTest"
MONDAY = datetime(2026, 3, 23, tzinfo=UTC)

HEAD = f"""
locations:
  - id: {PLACE}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {ANA}, name: Ana}}, {{id: {BEN}, name: Ben}}]
    contacts: [{{id: {EVE}, name: Eve Example, email: eve@example.com}}]
    calendars:
"""
HOURS = "open_hours: [{days: [Mon, Tue, Wed, Thu, Fri], opens: 09:00, closes: 12:00}]"


def calendar(settings: str, *, calendar_id: str = CALENDAR, team: tuple[str, ...] = (ANA, BEN)) -> str:
    return f"      - {{id: {calendar_id}, name: Visits, team: [{', '.join(team)}], {HOURS}, {settings}}}\n"


@asynccontextmanager
async def offering(*calendars: str) -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=HEAD + "".join(calendars)) as sandbox:
        yield sandbox


async def free(sandbox: Sandbox, day: datetime = MONDAY, calendar_id: str = CALENDAR, **query: Any) -> list[str]:
    """Clock times as they are written."""
    return [slot[11:16] for slot in await sandbox.free(day, calendar_id, **query)]


async def book(sandbox: Sandbox, clock: str, *, calendar_id: str = CALENDAR, status: int = 200, **fields: Any) -> Any:
    body = {
        "calendarId": calendar_id,
        "locationId": PLACE,
        "contactId": EVE,
        "startTime": f"2026-03-23T{clock}:00+00:00",
        **fields,
    }
    return await sandbox.call("POST", "/calendars/events/appointments", body, status=status)


async def block(sandbox: Sandbox, person: str, start: str, end: str) -> None:
    body = {
        "locationId": PLACE,
        "assignedUserId": person,
        "startTime": f"2026-03-23T{start}:00+00:00",
        "endTime": f"2026-03-23T{end}:00+00:00",
    }
    await sandbox.call("POST", "/calendars/events/block-slots", body, status=201)


async def test_buffers_keep_bookings_apart_and_not_blocks() -> None:
    settings = "type: personal, slot_minutes: 30, interval_minutes: 15, minutes_before: 15, minutes_after: 15"
    async with offering(calendar(settings, team=(ANA,))) as sandbox:
        await book(sandbox, "10:00")
        assert await free(sandbox) == ["09:00", "09:15", "10:45", "11:00", "11:15", "11:30"]
        await block(sandbox, ANA, "11:15", "11:30")
        assert await free(sandbox) == ["09:00", "09:15", "10:45", "11:30"]


async def test_a_booking_on_one_calendar_is_in_the_way_on_all_of_that_persons() -> None:
    one, other = calendar("type: round_robin"), calendar("type: personal", calendar_id=OTHER, team=(BEN,))
    async with offering(one, other) as sandbox:
        await book(sandbox, "09:00", calendar_id=OTHER)
        assert "09:00" in await free(sandbox)
        assert "09:00" not in await free(sandbox, userId=BEN)
        assert "09:00" in await free(sandbox, userId=ANA)
        await book(sandbox, "09:00", assignedUserId=BEN, status=400)
        await book(sandbox, "09:00", assignedUserId=ANA)
        assert "09:00" not in await free(sandbox)


async def test_several_people_are_asked_about_with_brackets_or_without() -> None:
    async with offering(calendar("type: round_robin")) as sandbox:
        await block(sandbox, ANA, "09:00", "10:00")
        assert "09:00" not in await free(sandbox, userIds=ANA)
        for query in (f"userIds={ANA}&userIds={BEN}", f"userIds[]={ANA}&userIds[]={BEN}"):
            window = f"startDate={milliseconds(MONDAY)}&endDate={milliseconds(MONDAY + timedelta(days=1))}"
            answer = await sandbox.call(
                "GET", f"/calendars/{CALENDAR}/free-slots?{query}&{window}&enableLookBusy=false"
            )
            assert answer["2026-03-23"]["slots"][0] == "2026-03-23T09:00:00+00:00"


async def test_a_class_has_seats_and_its_slots_are_shared_whole() -> None:
    settings = "type: class_booking, slot_minutes: 60, interval_minutes: 30, per_slot: 2"
    async with offering(calendar(settings, team=(ANA,))) as sandbox:
        await book(sandbox, "10:00")
        assert await free(sandbox) == ["09:00", "10:00", "11:00"]
        await book(sandbox, "10:00")
        assert await free(sandbox) == ["09:00", "11:00"]
        refused = await book(sandbox, "10:00", status=400)
        assert refused["message"] == "The slot you have selected is no longer available."


async def test_a_collective_calendar_wants_everybody_and_takes_everybodys_time() -> None:
    async with offering(
        calendar("type: collective"), calendar("type: personal", calendar_id=OTHER, team=(BEN,))
    ) as sandbox:
        await block(sandbox, BEN, "09:00", "10:00")
        assert await free(sandbox) == ["10:00", "10:30", "11:00", "11:30"]
        booked = await book(sandbox, "10:00")
        shown = await sandbox.read(booked["id"])
        assert (shown["assignedUserId"], shown["users"]) == (ANA, [BEN])
        assert "10:00" not in await free(sandbox, calendar_id=OTHER)
        bens = await sandbox.call("GET", "/calendars/events", locationId=PLACE, userId=BEN, startTime=0, endTime=4e12)
        assert [event["id"] for event in bens["events"]] == [booked["id"]]


async def test_the_most_a_day_are_counted_over_the_whole_team() -> None:
    async with offering(calendar("type: round_robin, per_day: 2")) as sandbox:
        await book(sandbox, "09:00")
        second = await book(sandbox, "09:00")
        assert await free(sandbox) == []
        assert await free(sandbox, MONDAY + timedelta(days=1))
        await sandbox.call("PUT", f"/calendars/events/appointments/{second['id']}", {"appointmentStatus": "cancelled"})
        assert await free(sandbox)


async def test_notice_and_horizon_hide_slots_that_ignoring_the_date_range_still_books() -> None:
    async with offering(calendar("type: round_robin, notice_hours: 3, horizon_days: 2")) as sandbox:
        sandbox.clock.now = MONDAY + timedelta(hours=8)
        assert await free(sandbox) == ["11:00", "11:30"]
        assert await free(sandbox, MONDAY + timedelta(days=3)) == []
        await book(sandbox, "10:00", status=400)
        await book(sandbox, "10:00", ignoreDateRange=True)


async def test_a_calendar_that_looks_busy_hides_the_same_slots_each_time_and_books_them() -> None:
    async with offering(calendar("type: round_robin, look_busy: 50")) as sandbox:
        shown = await free(sandbox)
        assert len(shown) == 3
        assert await free(sandbox) == shown
        hidden = sorted({"09:00", "09:30", "10:00", "10:30", "11:00", "11:30"} - set(shown))
        await book(sandbox, hidden[0])


async def test_hours_of_a_date_stand_in_place_of_its_weekdays() -> None:
    dates = "dates: {2026-03-23: [{opens: 15:00, closes: 16:00}], 2026-03-24: []}"
    async with offering(calendar(f"type: round_robin, {dates}")) as sandbox:
        assert await free(sandbox) == ["15:00", "15:30"]
        assert await free(sandbox, MONDAY + timedelta(days=1)) == []
        assert len(await free(sandbox, MONDAY + timedelta(days=2))) == 6


async def test_a_schedule_counts_for_its_person_in_its_own_time_zone() -> None:
    async with offering(calendar("type: round_robin"), calendar("type: event", calendar_id=OTHER, team=())) as sandbox:
        rules = [{"type": "wday", "day": "monday", "intervals": [{"from": "08:00", "to": "09:00"}]}]
        said = {"timezone": "America/New_York", "rules": rules}
        schedule = {"name": "Mornings", "locationId": PLACE, "userId": ANA, "calendarIds": [CALENDAR], **said}
        await sandbox.call("POST", "/calendars/schedules", schedule, status=201)
        # New York is four hours behind London in the weeks between the two changes of the clocks.
        assert await free(sandbox, userId=ANA) == ["12:00", "12:30"]
        assert len(await free(sandbox, userId=BEN)) == 6
        await sandbox.call("POST", f"/calendars/schedules/event-calendar/{OTHER}", said, status=201)
        assert await free(sandbox, calendar_id=OTHER) == ["12:00", "12:30"]
        assert await free(sandbox, MONDAY + timedelta(days=7), OTHER) == ["13:00", "13:30"]


async def test_a_round_robin_takes_turns_or_prefers() -> None:
    async with offering(calendar("type: round_robin, turns: equal")) as sandbox:
        people = [
            (await sandbox.read((await book(sandbox, clock))["id"]))["assignedUserId"]
            for clock in ("09:00", "09:30", "10:00")
        ]
        assert people == [ANA, BEN, ANA]
    async with offering(calendar("type: round_robin, turns: availability")) as sandbox:
        team = [{"userId": ANA, "priority": 0.5}, {"userId": BEN, "priority": 1}]
        await sandbox.call("PUT", f"/calendars/{CALENDAR}", {"teamMembers": team})
        people = [
            (await sandbox.read((await book(sandbox, clock))["id"]))["assignedUserId"]
            for clock in ("09:00", "09:30", "09:30")
        ]
        assert people == [BEN, BEN, ANA]


async def test_a_calendar_may_give_the_contact_to_who_gets_the_booking() -> None:
    async with offering(calendar("type: round_robin")) as sandbox:
        await book(sandbox, "09:00", assignedUserId=BEN)
        assert await owner(sandbox) is None
        await sandbox.call("PUT", f"/calendars/{CALENDAR}", {"shouldAssignContactToTeamMember": True})
        await book(sandbox, "09:30", assignedUserId=BEN)
        assert await owner(sandbox) == BEN
        await sandbox.call("PUT", f"/calendars/{CALENDAR}", {"shouldSkipAssigningContactForExisting": True})
        await book(sandbox, "10:00", assignedUserId=ANA)
        assert await owner(sandbox) == BEN


async def owner(sandbox: Sandbox) -> Any:
    return (await sandbox.call("GET", f"/contacts/{EVE}"))["contact"].get("assignedTo")


async def test_an_event_calendars_schedule_holds_for_each_of_its_team_without_one_of_their_own() -> None:
    async with offering(calendar("type: event", team=(ANA, BEN))) as sandbox:
        own = [{"type": "wday", "day": "monday", "intervals": [{"from": "14:00", "to": "15:00"}]}]
        said: dict[str, Any] = {"timezone": "Europe/London", "rules": own}
        await sandbox.call("POST", f"/calendars/schedules/event-calendar/{CALENDAR}", said, status=201)
        assert await free(sandbox) == ["14:00", "14:30"] == await free(sandbox, userId=BEN)
        await book(sandbox, "09:00", status=400)
        rules = [{"type": "wday", "day": "monday", "intervals": [{"from": "08:00", "to": "09:00"}]}]
        said |= {"name": "Mornings", "locationId": PLACE, "userId": ANA, "calendarIds": [CALENDAR], "rules": rules}
        await sandbox.call("POST", "/calendars/schedules", said, status=201)
        assert await free(sandbox, userId=ANA) == ["08:00", "08:30"]
        assert await free(sandbox) == ["08:00", "08:30", "14:00", "14:30"]


async def test_a_calendar_that_looks_busy_shows_the_same_slots_in_every_window() -> None:
    async with offering(
        calendar("type: round_robin, slot_minutes: 15, interval_minutes: 15, look_busy: 50")
    ) as sandbox:
        whole = await free(sandbox)
        assert len(whole) == 6  # of 12

        async def pieces(length: timedelta) -> list[str]:
            found = []
            for number in range(timedelta(days=1) // length):
                start, end = (milliseconds(MONDAY + times * length) for times in (number, number + 1))
                path = f"/calendars/{CALENDAR}/free-slots"
                answer = await sandbox.call("GET", path, startDate=start, endDate=end)
                found += [slot[11:16] for slot in answer.get("2026-03-23", {}).get("slots", [])]
            return found

        assert whole == await pieces(timedelta(hours=1)) == await pieces(timedelta(minutes=15))
        midnight = await sandbox.free(MONDAY - timedelta(hours=14), CALENDAR)
        assert [slot[11:16] for slot in midnight if slot.startswith("2026-03-23")] == [
            clock for clock in whole if clock < "10:00"
        ]
        sandbox.clock.now = MONDAY + timedelta(hours=10)
        assert await free(sandbox) == [clock for clock in whole if clock >= "10:00"]


async def test_one_id_at_two_locations_is_two_people() -> None:
    there = f"""
  - id: {ELSEWHERE}
    timezone: Europe/London
    tokens: [pit-elsewhere]
    users: [{{id: {ANA}, name: Ana}}]
    contacts: [{{id: {EVE}, name: Eve Example}}]
    calendars:
"""
    mine, theirs = calendar("type: personal", team=(ANA,)), calendar("type: personal, per_day: 1", team=(ANA,))
    async with offering(mine, there, theirs) as sandbox:
        await book(sandbox, "09:00")
        headers = {"Authorization": "Bearer pit-elsewhere", "Version": "2021-07-28"}
        body = {"calendarId": CALENDAR, "locationId": ELSEWHERE, "contactId": EVE}
        for clock, status in (("09:00", 200), ("10:00", 400)):
            body["startTime"] = f"2026-03-23T{clock}:00+00:00"
            async with sandbox.client.post("/calendars/events/appointments", json=body, headers=headers) as answer:
                assert answer.status == status
        assert await free(sandbox) == ["09:30", "10:00", "10:30", "11:00", "11:30"]
