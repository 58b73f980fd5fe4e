"""Choosing somebody for a booking: what the choice goes by is read here, and `workers.assignment` makes it.

Where it hangs on everybody whom a way is about (`weighted`, `least_busy`), all are looked at: up to three calls each,
for their bookings, their blocks and their schedule, and none for who is out without one. Where the order is known (all
other ways) it ends with the first who can take it, and of those behind it is kept that they were not asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from service.highlevel.calendars import GetCalendar
from service.store.turns import Account, Share, Turn, Turns
from workers.actions.action import ActionContext
from workers.actions.agenda import Agenda, around, hull
from workers.actions.ties import owner, served_before
from workers.assignment.candidate import Candidate
from workers.assignment.choice import Choice, choose, in_order
from workers.assignment.hindrances import NOT_ON_THE_TEAM, lacking
from workers.assignment.shares import take_back
from workers.assignment.state import Share as Part
from workers.assignment.state import State, account_of
from workers.assignment.ways import FirstFree, LeastBusy, RoundRobin, SameAsBefore, Way, Weighted
from workers.names import Named
from workers.periods import Period, bounds
from workers.references import Reference
from workers.templates import MissingFact
from workers.values import in_zone

CREDITED_FOR = timedelta(days=31)
"""How long after its end a booking may be marked cancelled or as a no-show for its turn to come back; shares of a
period are counted no longer than that."""


@dataclass(frozen=True)
class Choosing:
    """What the choice of a person goes by, read in the order in which nothing that is decided beside it is missed: the
    turns, then what is reserved, then HighLevel's lists."""

    context: ActionContext
    needs: Sequence[str]
    credit: tuple[str, ...]
    turns: Turns
    agenda: Agenda
    calendar_team: Sequence[str]

    @classmethod
    async def of(
        cls, context: ActionContext, ways: Iterable[Way], needs: Sequence[str] = (), credit: tuple[str, ...] = ()
    ) -> "Choosing":
        """`needs`: skills; `credit`: the states in which a booking is taken back from what was given."""
        booking, starts = context.booking, in_zone(context.booking.starts, context.zone)
        accounts = (account_of(way, booking.calendar_id, starts) for way in ways)
        turns = await context.turns([account[0] for account in accounts if account])
        periods: set[Period] = {"day", *(way.over for way in ways if isinstance(way, LeastBusy))}
        stretches = [around(booking), *(bounds(starts, period) for period in periods)]
        reserved = await context.reserved(*hull(booking, stretches))
        calendar = (await context.api(GetCalendar(calendar_id=booking.calendar_id))).calendar
        agenda = Agenda(context.api, booking, context.zone, calendar, reserved)
        return cls(context, needs, credit, turns, agenda, calendar.team)

    async def by(self, way: Way) -> tuple[Choice, Turn]:
        """The choice, and what it makes of the turns. Raises HighLevelError."""
        people = await self._people(way)
        if isinstance(people, str):
            return Choice(None, people, (), State()), Turn(self.turns.decided)
        named = account_of(way, self.context.booking.calendar_id, self.agenda.wanted.starts)
        if named is None:
            return choose(way, await self._candidates(way, people, State()), State()), Turn(self.turns.decided)
        name, until = named
        account = self.turns.accounts.get(name, Account(name))
        lost = [each for each in self.turns.lost if each.account == name]
        parts = [Part.of(each.kept) for each in lost]
        state = State.of(way, account.kept)
        if isinstance(way, Weighted):
            state = take_back(parts, state)
        else:
            state = replace(state, back={part.given: 1 for part in parts})
        choice = choose(way, await self._candidates(way, people, state), state)
        if isinstance(way, RoundRobin):
            # Of the turns that came back one is taken at most, by the one whose it is.
            theirs = [each for each, part in zip(lost, parts, strict=True) if choice.came_back and _whose(choice, part)]
            lost = theirs[:1]
        account = replace(account, kept=choice.state.kept(way), until=until)
        share = self._share(name, choice)
        return choice, Turn(self.turns.decided, account, share, tuple(each.share_id for each in lost))

    def _share(self, account: str, choice: Choice) -> Share | None:
        if not self.credit or choice.share is None:
            return None
        booking = self.context.booking
        return Share(booking.id, account, self.credit, choice.share.kept(), booking.ends + CREDITED_FOR)

    async def _people(self, way: Way) -> list[tuple[Named, int]] | str:
        """Who may be chosen, each with their weight; or why there is nobody."""
        match way:
            case Named():
                people: Iterable[Named] = (way,)
            case Reference():
                try:
                    people = (self.context.known(way),)
                except MissingFact:
                    return f"{way.fact.name} is nobody"
            case "contact_owner" | SameAsBefore():
                known = await self._known(way)
                if isinstance(known, str):
                    return known
                people = (known,)
            case RoundRobin(round_robin=team) | LeastBusy(least_busy=team):
                people = team.members or tuple(self.context.names.person_with(id_) for id_ in self.calendar_team)
            case FirstFree(first_free=some):
                people = some
            case Weighted(weighted=weights):
                return list(weights)
            case _:
                assert_never(way)
        return [(person, 1) for person in dict.fromkeys(people)]

    async def _known(self, way: SameAsBefore | str) -> Named | str:
        if isinstance(way, SameAsBefore):
            return await served_before(self.context, way.same_as_before.within)
        return await owner(self.context)

    async def _candidates(self, way: Way, people: Sequence[tuple[Named, int]], state: State) -> list[Candidate]:
        """All of them, in the order in which they are named."""
        order = in_order(way, [person for person, _ in people], state)
        weights, found = dict(people), dict[Named, Candidate]()
        for person in order or weights:
            found[person] = await self._candidate(way, person, weights[person])
            if order is not None and not found[person].left_out:
                break
        return [found.get(person) or Candidate(person, asked=False) for person in weights]

    async def _candidate(self, way: Way, person: Named, weight: int) -> Candidate:
        profile = self.context.names.profile(person)
        if self.calendar_team and person.id not in self.calendar_team:
            return Candidate(person, NOT_ON_THE_TEAM)
        if unfit := lacking(self.needs, profile) or self.agenda.off_by_file(profile):
            return Candidate(person, unfit)
        periods: set[Period] = {"day", way.over} if isinstance(way, LeastBusy) else set()
        engaged = await self.agenda.of(person.id, profile, periods)
        return Candidate(
            person,
            engaged.hindrance,
            load=engaged.counts[way.over] if isinstance(way, LeastBusy) else 0,
            that_day=engaged.counts.get("day", 0),
            per_day=profile.per_day,
            weight=weight,
        )


def _whose(choice: Choice, part: Part) -> bool:
    return choice.person is not None and choice.person.id == part.given
