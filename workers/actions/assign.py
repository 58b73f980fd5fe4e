"""`assign`: the person who keeps the appointment."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Discriminator, Tag

from service.highlevel.appointments import Appointment, EditAppointment
from service.highlevel.calendars import GetCalendar
from service.store.appointments import LastSeen
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Turn, Write
from workers.actions.agenda import Agenda
from workers.actions.present import as_status, before, present
from workers.names import DeclaredTeam, Named, Person, TeamOrPeople
from workers.words import Words, nearest


class RoundRobin(Words):
    """Each of the team in turn."""

    called: ClassVar[str] = "round_robin"

    round_robin: DeclaredTeam


class LeastBusy(Words):
    """Whoever has the fewest bookings over the day, week or month of the booking."""

    called: ClassVar[str] = "least_busy"

    least_busy: TeamOrPeople
    over: Literal["day", "week", "month"] = "day"


WAYS: Mapping[str, type[Words]] = {"round_robin": RoundRobin, "least_busy": LeastBusy}


def _way(value: object) -> str | None:
    """The way meant, by its word; parentheses keep it from being taken for a word of the file."""
    match value:
        case Mapping():
            words = [str(word) for word in value]
            word = next((word for word in words if word in WAYS), None)
            word = word or next((near for word in words if (near := nearest(word, WAYS))), None)
            return f"({word})" if word else None
        case RoundRobin():
            return "(round_robin)"
        case LeastBusy():
            return "(least_busy)"
        case list() | None:
            return None
        case _:
            return "(person)"


To = Annotated[
    Annotated[Person, Tag("(person)")]
    | Annotated[RoundRobin, Tag("(round_robin)")]
    | Annotated[LeastBusy, Tag("(least_busy)")],
    Discriminator(
        _way,
        custom_error_type="rule",
        custom_error_message="{message}",
        custom_error_context={"message": "a person, {round_robin: team} or {least_busy: team} expected"},
    ),
]


class Assign(Action):
    """Give the appointment to a person, named or chosen."""

    called: ClassVar[str] = "assign"

    do: Literal["assign"]
    to: To
    replace: Literal["nobody", "automatic", "anybody"] = "nobody"

    def writes(self) -> frozenset[str]:
        return frozenset({"assignee"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        if kept := self._keeps(appointment, context.seen):
            return LeftAlone(kept)
        agenda = Agenda(context.api, context.booking, context.zone)
        calendar = (await context.api(GetCalendar(calendar_id=context.booking.calendar_id))).calendar
        choice = await self._choose(context, agenda, calendar.team)
        if isinstance(choice, LeftAlone):
            return choice
        person, why, turn = choice
        if person.id == context.booking.assignee:
            return LeftAlone(f"{person} has the booking already: {why}", turn)
        write = EditAppointment(
            event_id=appointment.id,
            appointment_status=as_status(appointment),
            assigned_user_id=person.id,
            to_notify=False,
        )
        return Plan((Write(write, f"assign {person}: {why}", {"before": before(context.booking)}),), turn)

    def _keeps(self, appointment: Appointment, seen: LastSeen) -> str | None:
        """Why the person whose booking it is keeps it; None when they may be replaced."""
        if appointment.assigned_user_id is None or self.replace == "anybody":
            return None
        if self.replace == "nobody":
            return "somebody has the booking, and the rule replaces nobody"
        ours = seen.ours.get("assignee") == appointment.assigned_user_id
        by_hand = appointment.created_by is not None and appointment.created_by.user_id is not None
        if not ours and (seen.assignee_chosen or by_hand):
            return "somebody chose its person, and the rule replaces only what was automatic"
        return None

    async def _choose(
        self, context: ActionContext, agenda: Agenda, calendar_team: Sequence[str]
    ) -> tuple[Named, str, Turn | None] | LeftAlone:
        match self.to:
            case Named() as person:
                candidates: Sequence[Named] = (person,)
            case RoundRobin(round_robin=team) | LeastBusy(least_busy=team):
                candidates = team.members or tuple(context.names.person_with(id_) for id_ in calendar_team)
            case _:
                assert_never(self.to)
        free, left_out = await self._fit(candidates, agenda, calendar_team)
        if not free:
            return LeftAlone("nobody can take it: " + "; ".join(left_out or ["the team is empty"]))
        besides = f" ({'; '.join(left_out)})" if left_out else ""
        match self.to:
            case Named() as person:
                return person, "as the rule says", None
            case RoundRobin(round_robin=team):
                # The calendar's own team is another one on each calendar.
                key = str(team) if team.members else f"calendar {context.booking.calendar_id}"
                turns = await context.turns(key)
                chosen = min(free, key=lambda person: turns.last.get(person.id, 0))
                return chosen, f"next in turn of {team}{besides}", Turn(key, chosen.id, turns.version)
            case LeastBusy(over=period):
                counts = [(await agenda.count(person.id, period), person) for person in free]
                fewest = min(counts, key=lambda counted: counted[0])[1]
                listed = ", ".join(f"{person} {count}" for count, person in counts)
                return fewest, f"fewest bookings that {period}: {listed}{besides}", None
            case _:
                assert_never(self.to)

    async def _fit(
        self, candidates: Sequence[Named], agenda: Agenda, calendar_team: Sequence[str]
    ) -> tuple[list[Named], list[str]]:
        """Who is on the calendar's team and free then, and why each of the others is not."""
        free: list[Named] = []
        left_out: list[str] = []
        for person in candidates:
            if calendar_team and person.id not in calendar_team:
                left_out.append(f"{person} is not on the calendar's team")
            elif not await agenda.free(person.id):
                left_out.append(f"{person} is busy then")
            else:
                free.append(person)
        return free, left_out
