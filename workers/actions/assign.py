"""`assign`: the person who keeps the appointment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, assert_never

from service.highlevel.appointments import Appointment, EditAppointment
from service.highlevel.calendars import GetCalendar
from service.store.appointments import LastSeen
from service.store.reservations import Reservation
from service.store.turns import Account, Turn, Turns
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.actions.agenda import Agenda, hull
from workers.actions.present import as_status, before, present
from workers.assignment.candidate import Candidate, Told
from workers.assignment.choice import Choice, choose
from workers.assignment.period import Period, bounds
from workers.assignment.state import State, account_of
from workers.assignment.ways import FirstFree, LeastBusy, RoundRobin, Way, Ways, Weighted
from workers.names import Named


class Assign(Action):
    """Give the appointment to a person, named or chosen."""

    called: ClassVar[str] = "assign"
    decides_alone: ClassVar[bool] = True

    do: Literal["assign"]
    to: Ways
    replace: Literal["nobody", "automatic", "anybody"] = "nobody"

    def writes(self) -> frozenset[str]:
        return frozenset({"assignee"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        appointment = await present(context)
        if isinstance(appointment, LeftAlone):
            return appointment
        if kept := self._keeps(appointment, context.seen):
            return LeftAlone(kept)
        choosing = await _Choosing.of(context, self.to)
        told: list[Told] = []
        reasons: list[str] = []
        for way in self.to:
            choice, turn = await choosing.by(way)
            told.extend(choice.candidates)
            if choice.person is None:
                reasons.append(choice.why)
                continue
            why = choice.why + (f"; before that, {'; '.join(dict.fromkeys(reasons))}" if reasons else "")
            return self._given(context, appointment, choice.person, why, turn, told)
        return LeftAlone("nobody can take it: " + "; ".join(dict.fromkeys(reasons)))

    def _given(
        self,
        context: ActionContext,
        appointment: Appointment,
        person: Named,
        why: str,
        turn: Turn,
        told: Iterable[Told],
    ) -> Plan | LeftAlone:
        booking = context.booking
        if person.id == booking.assignee:
            return LeftAlone(f"{person} has the booking already: {why}", turn)
        write = EditAppointment(
            event_id=appointment.id,
            appointment_status=as_status(appointment),
            assigned_user_id=person.id,
            to_notify=False,
        )
        meant: dict[str, Any] = {
            "before": before(booking),
            "candidates": [each.stored() for each in told],
            **Reservation(booking.id, person.id, booking.starts, booking.ends).meant(),
        }
        return Plan((Write(write, f"assign {person}: {why}", meant),), turn)

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


@dataclass(frozen=True)
class _Choosing:
    """What the choice of a person goes by, read in the order in which nothing that is decided beside it is missed: the
    turns, then what is reserved, then HighLevel's lists."""

    context: ActionContext
    turns: Turns
    agenda: Agenda
    calendar_team: Sequence[str]

    @classmethod
    async def of(cls, context: ActionContext, ways: Iterable[Way]) -> "_Choosing":
        booking, starts = context.booking, context.booking.starts.astimezone(context.zone)
        accounts = (account_of(way, booking.calendar_id, starts) for way in ways)
        turns = await context.turns([account[0] for account in accounts if account])
        periods: set[Period] = {"day", *(way.over for way in ways if isinstance(way, LeastBusy))}
        reserved = await context.reserved(*hull(booking, (bounds(starts, period) for period in periods)))
        agenda = Agenda(context.api, booking, context.zone, reserved)
        calendar = (await context.api(GetCalendar(calendar_id=booking.calendar_id))).calendar
        return cls(context, turns, agenda, calendar.team)

    async def by(self, way: Way) -> tuple[Choice, Turn]:
        """The choice, and what it makes of the turns."""
        starts = self.context.booking.starts.astimezone(self.context.zone)
        candidates = [await self._candidate(way, person, weight) for person, weight in self._people(way)]
        named = account_of(way, self.context.booking.calendar_id, starts)
        if named is None:
            return choose(way, candidates, State()), Turn(self.turns.decided)
        name, until = named
        account = self.turns.accounts.get(name, Account(name))
        choice = choose(way, candidates, State.of(way, account.kept))
        return choice, Turn(self.turns.decided, replace(account, kept=choice.state.kept(way), until=until))

    def _people(self, way: Way) -> list[tuple[Named, int]]:
        """Who may be chosen, each with their weight."""
        match way:
            case Named():
                people: Iterable[Named] = (way,)
            case RoundRobin(round_robin=team) | LeastBusy(least_busy=team):
                people = team.members or tuple(self.context.names.person_with(id_) for id_ in self.calendar_team)
            case FirstFree(first_free=some):
                people = some
            case Weighted(weighted=weights):
                return list(weights)
            case _:
                assert_never(way)
        return [(person, 1) for person in dict.fromkeys(people)]

    async def _candidate(self, way: Way, person: Named, weight: int) -> Candidate:
        per_day = self.context.names.limits.get(person.id)
        if self.calendar_team and person.id not in self.calendar_team:
            return Candidate(person, "is not on the calendar's team")
        periods: set[Period] = {way.over} if isinstance(way, LeastBusy) else set()
        engaged = await self.agenda.of(person.id, periods | {"day"} if per_day else periods)
        return Candidate(
            person,
            None if engaged.free else "is busy then",
            load=engaged.counts[way.over] if isinstance(way, LeastBusy) else 0,
            that_day=engaged.counts.get("day", 0),
            per_day=per_day,
            weight=weight,
        )
