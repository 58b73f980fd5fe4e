"""The gallery of rules: each trade at work in a house of its own, on days that are always the same."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from service.receiver.kinds import SENT_ALONG
from service.sandbox.webhooks.workflow_body import service_workflow_body
from service.sandbox.world.records import Location
from service.standard_webhooks import new_secret, read_secret, sign
from tests.house import House, event
from workers import timekeeper
from workers.conditions import NOT_LOOKED_UP
from workers.rulebook import Rulebook

ROOT = Path(__file__).parents[1]
RULES, SEEDS = ROOT / "helm" / "rules" / "gallery", ROOT / "service" / "sandbox" / "seeds"

MONDAY = datetime(2027, 3, 15, tzinfo=UTC)
"""Of the week in which every house opens, at nine: two weeks before Easter."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXTERNAL, FLOW, POSTING = read_secret(new_secret()), "the-secret-of-a-workflow-here", new_secret()
ABOUT = {"appointment": "about.appointment", "contact": "about.contact"}
"""Where every source of the gallery names what it is about."""

CRM = "https://crm.example.com/bookings"
ANYWAY = {"ignoreFreeSlotValidation": True, "ignoreDateRange": True}
DID, WOULD = ("done", "sent", "waiting"), "shadow"
FOUND = """
    SELECT step.state, step.sentence, step.reason, step.action, step.meant FROM steps AS step
    JOIN deliveries AS delivery USING (delivery_id)
    WHERE step.rule = $1 AND ($2::text IS NULL OR delivery.appointment_id = $2)
    ORDER BY delivery.received_at, step.place, step.part
"""
JUDGED = """
    SELECT verdict.held, verdict.checks FROM deliveries AS delivery
    LEFT JOIN verdicts AS verdict ON verdict.delivery_id = delivery.delivery_id AND verdict.rule = $1
    WHERE $2::text IS NULL OR delivery.appointment_id = $2
    ORDER BY delivery.received_at
"""


def text_of(trade: str) -> str:
    return (RULES / f"{trade}.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shop:
    """A trade at work: its rules are all in force, and who and what they name goes by these names. Clients go by their
    first names."""

    house: House
    place: Location
    rules: Rulebook
    people: Mapping[str, str]
    calendars: Mapping[str, str]
    contacts: Mapping[str, str]

    @property
    def zone(self) -> ZoneInfo:
        return self.place.timezone

    def at(self, when: str) -> datetime:
        """`thu 18:00` is that of the week in which the house opens, `thu+2 18:00` the one two weeks later; or with a
        date, `2027-01-11 10:00`."""
        day, clock = when.split()
        name, _, weeks = day.partition("+")
        if name in DAYS:
            date = MONDAY.date() + timedelta(days=DAYS.index(name), weeks=int(weeks or 0))
            return datetime.combine(date, time.fromisoformat(clock), self.zone)
        return datetime.fromisoformat(when).replace(tzinfo=self.zone)

    def now_is(self, when: str | datetime) -> None:
        moment = self.at(when) if isinstance(when, str) else when
        self.house.clock.ahead = moment - datetime.now(UTC)

    async def before(self, calendar: str, contact: str, when: str, status: str = "showed", **fields: Any) -> str:
        """What was booked before we were there, and how it ended."""
        now = self.house.clock()
        self.now_is(self.at(when) - timedelta(hours=1))
        booked = await self.book(calendar, contact, when, **fields)
        await self.change(booked, status=status)
        self.now_is(now)
        return booked

    async def book(self, calendar: str, contact: str, when: str, minutes: int | None = None, **fields: Any) -> str:
        """Through HighLevel's API, which tells us; `person` by name, who has it even if that is no time on offer. The
        appointment's id, once all has settled."""
        starts = self.at(when)
        said: dict[str, Any] = {"endTime": (starts + timedelta(minutes=minutes)).isoformat()} if minutes else {}
        if person := fields.pop("person", None):
            said |= {"assignedUserId": self.people[person], **ANYWAY}
        body = {
            "calendarId": self.calendars[calendar],
            "locationId": self.place.id,
            "contactId": self.contacts[contact],
            "startTime": starts.isoformat(),
            **said,
            **fields,
        }
        booked = await self.house.call("POST", "/calendars/events/appointments", body)
        await self.settled()
        return str(booked["id"])

    async def online(self, calendar: str, contact: str, when: str, *, status: str = "confirmed") -> str:
        """As the client does it on HighLevel's own page: there all is as with `book`, but for its source."""
        starts = self.at(when)
        now = self.house.clock().replace(microsecond=0).isoformat()
        told = {
            "id": f"online{starts:%d%H%M}00000000",
            "title": contact.title(),
            "calendarId": self.calendars[calendar],
            "contactId": self.contacts[contact],
            "appointmentStatus": status,
            "startTime": starts.isoformat(),
            "endTime": (starts + timedelta(minutes=30)).isoformat(),
            "dateAdded": now,
            "dateUpdated": now,
        }
        place = {"locationId": self.place.id}
        by = {"createdBy": {"source": "booking_widget"}}
        await self.house.call("PUT", f"/_sandbox/appointments/{told['id']}", {**told, **place, **by})
        await self.house.post(event({**told, "source": "booking_widget"}, timestamp=now, **place))
        await self.settled()
        return told["id"]

    async def change(self, booked: str, **fields: Any) -> None:
        """As somebody does it at HighLevel: `to` is when it is moved to, `person` whom it is given to."""
        now = await self.house.appointment(booked)
        said: dict[str, Any] = {"appointmentStatus": now["appointmentStatus"]}
        if to := fields.pop("to", None):
            length = datetime.fromisoformat(now["endTime"]) - datetime.fromisoformat(now["startTime"])
            said |= {"startTime": self.at(to).isoformat(), "endTime": (self.at(to) + length).isoformat()}
            said |= {"assignedUserId": now.get("assignedUserId"), **ANYWAY}
        if person := fields.pop("person", None):
            said["assignedUserId"] = self.people[person]
        if status := fields.pop("status", None):
            said["appointmentStatus"] = status
        await self.house.call("PUT", f"/calendars/events/appointments/{booked}", {**said, **fields})
        await self.settled()

    async def delete(self, booked: str) -> None:
        await self.house.call("DELETE", f"/calendars/events/{booked}", {})
        await self.settled()

    async def until(self, when: str | datetime) -> None:
        """Let that time come, and what waits for it."""
        await timekeeper.lay(self.house.work)
        self.now_is(when)
        await timekeeper.fire(self.house.work)
        await self.settled()

    async def tell(self, source: str, about: Mapping[str, str] | None = None, **data: Any) -> None:
        """Another system posts."""
        raw = json.dumps({"about": about or {}, "data": data}).encode()
        id_ = f"{source}-{len(raw)}-{hash(raw)}"
        headers = sign(EXTERNAL, id_, self.house.clock(), raw)
        async with self.house.door.post(f"/triggers/{source}", data=raw, headers=headers) as response:
            assert response.status == 202, await response.text()
        await self.settled()

    async def tell_of_service(self, booking_id: str) -> None:
        """A workflow of HighLevel's posts about a service booking: its own webhooks tell of none."""
        [booking] = [
            each for each in self.house.world.service_bookings.of(self.place.id) if each.booking_id == booking_id
        ]
        body = service_workflow_body(self.house.world, booking)
        headers = {SENT_ALONG: FLOW, "Content-Type": "application/json"}
        async with self.house.door.post("/hooks/workflow/flow", data=body, headers=headers) as response:
            assert response.status == 202
        await self.settled()

    async def settled(self) -> None:
        # It takes at least so long, and to look costs more than to wait.
        await asyncio.sleep(0.03)
        await self.house.settled()

    async def did(self, rule: str, booked: str | None = None) -> list[str]:
        """What the rule has done (or would do, in shadow) about this booking, or at all: it has, or this fails."""
        mode = next(entry.rule.mode for entry in self.rules if entry.rule.name == rule)
        rows = await self.house.pool.fetch(FOUND, rule, booked)
        done = [str(row["sentence"]) for row in rows if row["state"] in ((WOULD,) if mode == "shadow" else DID)]
        assert done, [(row["state"], row["sentence"], row["reason"]) for row in rows] or await self.why(rule, booked)
        return done

    async def left(self, rule: str, booked: str | None = None) -> str:
        """Why the rule has left this booking alone, of which it was told: the checks that did not hold, by fact, or
        the reason of a step."""
        rows = await self.house.pool.fetch(FOUND, rule, booked)
        assert not [row["sentence"] for row in rows if row["state"] in (*DID, WOULD)]
        if reasons := [str(row["reason"]) for row in rows if row["reason"]]:
            return "; ".join(reasons)
        return await self.why(rule, booked)

    async def why(self, rule: str, booked: str | None) -> str:
        """The checks that did not hold, by fact."""
        told = await self.house.pool.fetch(JUDGED, rule, booked)
        assert told or booked is None, "nothing was told of it"
        judged = [row for row in told if row["held"] is not None or row["checks"] is not None]
        if not judged:
            return "not asked"
        checks = [
            check
            for row in judged
            for check in row["checks"]
            if (check["held"] is not True) != ("not" in check["under"]) and check["actual"] != NOT_LOOKED_UP
        ]
        return ", ".join(dict.fromkeys(check["fact"] for check in checks))

    async def person(self, booked: str) -> str | None:
        """Who has it, by name."""
        return _name(self.people, (await self.house.appointment(booked)).get("assignedUserId"))

    async def starts(self, booked: str) -> datetime:
        return datetime.fromisoformat((await self.house.appointment(booked))["startTime"]).astimezone(self.zone)

    async def title(self, booked: str) -> str:
        return str((await self.house.appointment(booked))["title"])

    async def contact(self, name: str) -> Any:
        return (await self.house.call("GET", f"/contacts/{self.contacts[name]}"))["contact"]

    async def tasks(self, contact: str) -> list[tuple[str, str | None]]:
        """What is to be done about them, and by whom."""
        listed = await self.house.call("GET", f"/contacts/{self.contacts[contact]}/tasks")
        return [(task["title"], _name(self.people, task.get("assignedTo"))) for task in listed["tasks"]]

    async def workflows(self, contact: str) -> set[str]:
        """Those that the contact is in, by their names in the file."""
        known = {id_: name for entry in self.rules for name, id_ in entry.names.workflows.items()}
        every = self.house.world.enrolments.of(self.contacts[contact])
        return {known[each.workflow_id] for each in every}

    async def blocks(self, person: str) -> list[tuple[str, str]]:
        """Each as `thu 18:00` and the clock time of its end."""
        answer = await self.house.call(
            "GET",
            "/calendars/blocked-slots",
            locationId=self.place.id,
            userId=self.people[person],
            startTime=0,
            endTime=4102444800000,
        )
        times = [
            [datetime.fromisoformat(each[end]).astimezone(self.zone) for end in ("startTime", "endTime")]
            for each in answer["events"]
        ]
        return [(f"{starts:%a %H:%M}".lower(), f"{ends:%H:%M}") for starts, ends in sorted(times)]

    async def alerts(self, rule: str) -> list[str]:
        """What was said to whoever is on call."""
        return [str(row["text"]) for row in await self.house.pool.fetch("SELECT * FROM alerts WHERE rule = $1", rule)]


def _name(known: Mapping[str, str], id_: str | None) -> str | None:
    return next((name for name, known_id in known.items() if known_id == id_), id_)
