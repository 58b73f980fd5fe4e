"""What the crash matrix has workers do: for each action a booking, a rule, and what must be seen of it in HighLevel."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.crash_effects import (
    ALAN,
    OTHER_WORKFLOW,
    WORKFLOW,
    Seen,
    alan_is_new,
    assignees,
    become,
    blocks,
    conduct,
    done_to_alan,
    follow_ups,
    given,
    moved_blocks,
    noted,
    notes,
    nothing_counted,
    nothing_there,
    posts,
    raised,
    removed_blocks,
    shared_out,
    singles_become,
    started,
    starts,
    whose,
)
from tests.house import House
from tests.sandboxes import ADA, ALEX, CONSULTATIONS, CUTS, DANA, KIM

GRACE = "cGrc7YwP2kVb9HsD4tQx"


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
    begins: Callable[[House], None] = nothing_there
    """What is there before the worker comes."""
    unknowable: bool = False
    """Nobody can look whether it was done: in doubt it is unknown, and done at most once."""
    single: bool = False
    """What happens is about the first of a series that is booked, and not about what stands for all of it."""
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


def to_alan(word: str, owner: str) -> str:
    return (
        f"{{do: tag_contact, add: {word}}}, {{do: set_owner, to: {owner}}}, "
        f"{{do: create_task, title: {word}, for: kim}}, {{do: stop_workflow, workflow: {WORKFLOW}}}"
    )


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
        action="book",
        then="{do: book, to: next_free, calendar: room, within: {hours: 11:00-16:00}, title: first, notify: false}",
        otherwise="{do: book, to: next_free, calendar: room, within: {hours: 13:00-16:00}, title: anew, notify: false}",
        clock="09:30",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=follow_ups,
        first=(("first", "11:00"),),
        anew=(("anew", "13:00"),),
    ),
    Scenario(
        action="retitle, set_status and cancel",
        then="{do: retitle, text: first}, {do: set_status, to: new}, {do: cancel, notify: false}",
        otherwise="{do: retitle, text: anew}, {do: set_status, to: new}, {do: cancel, notify: false}",
        clock="11:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=become,
        first=(("first", "cancelled"),) * 3,
        anew=(("anew", "cancelled"),) * 3,
        every=3,
    ),
    Scenario(
        action="retitle and set_status (of a series)",
        then="{do: retitle, text: first, scope: series}, {do: set_status, to: new, scope: series}",
        otherwise="{do: retitle, text: anew, scope: series}, {do: set_status, to: new, scope: series}",
        clock="20:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX, "rrule": "RRULE:FREQ=DAILY;COUNT=2"},
        seen=singles_become,
        first=((("first", "new"),) * 2,) * 2,
        anew=((("anew", "new"),) * 2,) * 2,
        conduct="if: {recurring: true}, ",
        single=True,
        every=3,
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
        action="alert",
        then="{do: alert, text: as first decided}",
        otherwise="{do: alert, text: as decided anew}",
        clock="16:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX},
        seen=raised,
        first=("as first decided",),
        anew=("as decided anew",),
    ),
    Scenario(
        action="contact (tags, owner, task, out of a workflow)",
        then=to_alan("first", "kim"),
        otherwise=to_alan("anew", "dana"),
        clock="11:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX, "contactId": ALAN},
        begins=alan_is_new,
        seen=done_to_alan,
        first=("first", KIM, "first", "out"),
        anew=("anew", DANA, "anew", "out"),
        every=4,
    ),
    Scenario(
        action="start_workflow",
        then=f"{{do: start_workflow, workflow: {WORKFLOW}}}",
        otherwise=f"{{do: start_workflow, workflow: {OTHER_WORKFLOW}}}",
        clock="15:00",
        booking={"calendarId": CUTS, "assignedUserId": ALEX, "contactId": ALAN},
        seen=started,
        first=(WORKFLOW,),
        anew=(OTHER_WORKFLOW,),
        unknowable=True,
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
