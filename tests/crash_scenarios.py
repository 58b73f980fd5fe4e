"""What the crash matrix has workers do: for each action a booking, a rule, and what must be seen of it in HighLevel."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.crash_statements import COUNTED, GIVEN
from tests.house import LONDON, House
from tests.sandboxes import ADA, ALEX, CONSULTATIONS, CUTS, DANA, KIM

GRACE = "cGrc7YwP2kVb9HsD4tQx"

Posts = list[tuple[str, bytes]]
"""What another system took: the id of each post, and its body."""

Seen = Callable[[House, str, Posts], Awaitable[list[Any]]]


async def nothing_counted(house: House, booked: Sequence[str]) -> Counter[str]:
    return Counter()


@dataclass(frozen=True)
class Scenario:
    """`then` is what the rule says at first, `otherwise` once the worker has died: who decides anew shows it.

    `seen` is every effect in HighLevel, one for each write that was carried out; `first` and `anew` are what it must
    be. `change` befalls the booking after the rule was carried out in peace: the worker that is struck answers it.

    `together`: so many are booked, an hour apart, before the worker comes: it has all their lanes at once, and commits
    them together. `shared`: of so many that follow each other, `seen` is of all; `contacts` has the contact of each.
    `counted` is what the store counts of a rule, `owed` how much it must have counted of these bookings.
    """

    action: str
    then: str
    otherwise: str
    clock: str
    booking: dict[str, Any]
    seen: Seen
    first: tuple[Any, ...]
    anew: tuple[Any, ...]
    change: dict[str, Any] | None = None
    conduct: str = ""
    together: int = 1
    shared: int = 1
    contacts: Sequence[str] = (ADA,)
    counted: Callable[[House, str], Awaitable[Counter[str]]] | None = None
    owed: Callable[[House, Sequence[str]], Awaitable[Counter[str]]] = nothing_counted
    every: int = 1
    """Of its awaits every so many-th is tried: several lanes have several times the same."""

    def rule(self, name: str, text: str, url: str) -> str:
        """`url`: of the other system."""
        # Twenty times an hour is what a rule that reschedules may do where nothing is said.
        conduct = "limit: 10000 per hour, " if "reschedule" in text else self.conduct
        then = f"{conduct}then: [{text.replace('URL', url)}]"
        return f"\n  - {{name: {name}, mode: live, when: appointment.created, {then}}}\n"

    def bookings(self) -> list[tuple[str, dict[str, Any]]]:
        """When each begins, and what it is."""
        first = int(self.clock[:2])
        whose = [self.contacts[number * len(self.contacts) // self.together] for number in range(self.together)]
        return [
            (f"{first + number}{self.clock[2:]}", {"contactId": contact, **self.booking})
            for number, contact in enumerate(whose)
        ]


async def carried_out(house: House, method: str, ending: str) -> int:
    """How often a call took, whatever was answered."""
    calls = await house.call("GET", "/_sandbox/calls")
    return sum(c["method"] == method and c["path"].endswith(ending) and c["carried_out"] for c in calls)


async def assignees(house: House, id_: str, _: Posts) -> list[Any]:
    return [(await house.appointment(id_))["assignedUserId"]] * await carried_out(house, "PUT", f"/{id_}")


async def starts(house: House, id_: str, _: Posts) -> list[Any]:
    at = datetime.fromisoformat((await house.appointment(id_))["startTime"]).astimezone(LONDON)
    return [f"{at:%H:%M}"] * await carried_out(house, "PUT", f"/{id_}")


async def notes(house: House, id_: str, _: Posts) -> list[Any]:
    return await house.notes(id_)


async def blocks(house: House, id_: str, _: Posts) -> list[Any]:
    """Minutes of each block, and whether it begins where the booking ends."""
    ends = datetime.fromisoformat((await house.appointment(id_))["endTime"])
    return [(int((until - begin) / timedelta(minutes=1)), begin == ends) for begin, until in await house.blocks(ALEX)]


async def moved_blocks(house: House, id_: str, _: Posts) -> list[Any]:
    there = await blocks(house, id_, _)
    return there if len(there) > 1 else there * await carried_out(house, "PUT", written(await house.steps(id_)))


async def removed_blocks(house: House, id_: str, _: Posts) -> list[Any]:
    removed = await carried_out(house, "DELETE", written(await house.steps(id_)))
    return [] if await house.blocks(ALEX) else ["removed"] * removed


async def posts(house: House, id_: str, got: Posts) -> list[Any]:
    """In the order in which they came first. Whoever gets one again knows it by its id, as long as it is the same."""
    return [json.loads(body)["text"] for _, body in dict.fromkeys(got)]


async def shared_out(house: House, id_: str, _: Posts) -> list[Any]:
    """Given once to one of those who take turns."""
    given = await assignees(house, id_, _)
    return ["shared out" if each in (KIM, ALEX) else each for each in given]


async def given(house: House, _: str) -> Counter[str]:
    """How often whose turn it was."""
    return Counter({row["person"]: row["number"] for row in await house.pool.fetch(GIVEN)})


async def whose(house: House, booked: Sequence[str]) -> Counter[str]:
    return Counter([(await house.appointment(id_))["assignedUserId"] for id_ in booked])


async def conduct(house: House, rule: str) -> Counter[str]:
    [row] = await house.pool.fetch(COUNTED, rule)
    return Counter(dict(row))


async def noted(house: House, booked: Sequence[str]) -> Counter[str]:
    number = sum([len(await house.notes(id_)) for id_ in booked])
    return Counter(marks=number, uses=number)


def written(steps: list[Any]) -> str:
    """The path's end of what these steps made."""
    return "/" + str(next(step["written_id"] for step in steps if step["written_id"]))


BLOCK = "{do: block_slot, after: 15m, follow: true}"
BLOCKED: dict[str, Any] = {
    "then": BLOCK,
    "otherwise": "{do: block_slot, after: 45m, follow: true}",
    "booking": {"calendarId": CUTS, "assignedUserId": ALEX},
}

SCENARIOS = (
    Scenario(
        action="assign",
        then="{do: assign, to: kim, replace: anybody}",
        otherwise="{do: assign, to: alex, replace: anybody}",
        clock="10:00",
        booking={"calendarId": CUTS, "assignedUserId": DANA},
        seen=assignees,
        first=(KIM,),
        anew=(ALEX,),
    ),
    Scenario(
        action="reschedule",
        then='{do: reschedule, to: next_free, within: {hours: "11:00-16:00"}, notify: false}',
        otherwise='{do: reschedule, to: next_free, within: {hours: "13:00-16:00"}, notify: false}',
        clock="09:30",
        booking={"calendarId": CONSULTATIONS, "assignedUserId": DANA},
        seen=starts,
        first=("11:00",),
        anew=("13:00",),
    ),
    Scenario(
        action="block_slot",
        clock="13:00",
        seen=blocks,
        first=((15, True),),
        anew=((45, True),),
        **BLOCKED,
    ),
    Scenario(
        action="block_slot (moved)",
        clock="14:00",
        seen=moved_blocks,
        first=((15, True),),
        anew=((15, True),),
        change={"startTime": "17:00", "endTime": "18:00"},
        **BLOCKED,
    ),
    Scenario(
        action="block_slot (cancelled)",
        clock="13:00",
        seen=removed_blocks,
        first=("removed",),
        anew=("removed",),
        change={"appointmentStatus": "cancelled"},
        **BLOCKED,
    ),
    Scenario(
        action="add_note",
        then='{do: add_note, text: "as first decided"}',
        otherwise='{do: add_note, text: "as decided anew"}',
        clock="16:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=notes,
        first=("as first decided",),
        anew=("as decided anew",),
    ),
    Scenario(
        action="call",
        then="{do: call, url: 'URL', body: {text: as first decided}}, {do: call, url: 'URL', body: {text: and then}}",
        otherwise="{do: call, url: 'URL', body: {text: as decided anew}}, {do: call, url: 'URL', body: {text: then}}",
        clock="16:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=posts,
        first=("as first decided", "and then"),
        anew=("as decided anew", "then"),
    ),
    Scenario(
        action="assign (three at once, by weight)",
        then="{do: assign, to: {weighted: {kim: 1, alex: 1}, over: day}, replace: anybody}",
        otherwise="{do: assign, to: {weighted: {alex: 1, kim: 1}, over: day}, replace: anybody}",
        clock="10:00",
        booking={"calendarId": CUTS, "assignedUserId": DANA},
        seen=shared_out,
        first=("shared out",),
        anew=("shared out",),
        together=3,
        counted=given,
        owed=whose,
        every=12,
    ),
    Scenario(
        action="add_note (four at once, once per contact)",
        then='{do: add_note, text: "as first decided"}',
        otherwise='{do: add_note, text: "as decided anew"}',
        clock="12:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=notes,
        first=("as first decided",),
        anew=("as decided anew",),
        conduct="once_per: contact, limit: 2 per hour, ",
        together=4,
        shared=2,
        contacts=(ADA, GRACE),
        counted=conduct,
        owed=noted,
        every=8,
    ),
)
