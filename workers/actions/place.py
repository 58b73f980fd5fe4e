"""A place for a booking: the calendar, the person and the offered slot that a rule's words come to."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.availability.hours import first_instant
from service.availability.intervals import Interval
from service.highlevel.calendars import Calendar
from service.highlevel.free_slots import Slot, free_slots_between
from service.store.turns import Turn
from workers.actions.action import ActionContext, LeftAlone, SoAlready
from workers.actions.placement import LOOKS_AHEAD, Placement
from workers.actions.spare_time import spare_time
from workers.names import Named
from workers.rescheduling.search import Proof, Search, Wanted, told
from workers.rescheduling.target import shifted
from workers.values import in_zone, write_duration, write_moment, write_time

ONE_DAY = timedelta(days=1)

FAR = timedelta(days=5 * 365)

NEAREST = 3
"""So many other times of a day are told."""


@dataclass(frozen=True)
class Place:
    """`start` is as HighLevel offered it, to be sent verbatim; `proved`: the length is not the calendar's, and was seen
    to be free by us."""

    start: str
    ends: datetime
    person: Named | None
    proved: bool
    turn: Turn | None

    @property
    def starts(self) -> datetime:
        return datetime.fromisoformat(self.start)


@dataclass(frozen=True)
class Seeker:
    """Looks for a place on a calendar. `people` are asked in groups: the first group that has a time gives it, the
    earliest of its people's. None of them is a calendar without a team. `moved` is the booking that goes there."""

    context: ActionContext
    calendar: Calendar
    people: Sequence[Sequence[Named | None]]
    wanted: Wanted
    moved: str | None = None
    unoffered: bool = False
    """It stays at its own time, which is no slot while it is there."""
    turn: Turn | None = None

    @property
    def proves(self) -> bool:
        """Whether no slot stands for such a time, so that it has to be seen to be free."""
        return self.unoffered or self.wanted.length != slot_length(self.calendar)

    async def next_free(self, earliest: datetime, ahead: timedelta) -> Place | LeftAlone:
        """Raises HighLevelError."""
        earliest, latest = max(earliest, self.context.now), max(earliest, self.context.now) + ahead
        searches: list[Search] = []
        for group in self.people:
            found: tuple[Search, Named | None] | None = None
            for person in group:
                until = latest if found is None else self._not_worse(found[0])
                search = await self._search(person, earliest, until)
                searches.append(search)
                if search.best and (found is None or self._rank(search) < self._rank(found[0])):
                    found = (search, person)
            if found and found[0].best:
                return self._place(found[0].best, found[1])
        refused = sum((search.refused for search in searches), Counter[str]())
        looked = told(sum(search.looked_at for search in searches), refused)
        within = f" {allowed}" if (allowed := self.wanted.within) and str(allowed) else ""
        within += "," if allowed and allowed.left_out else ""
        days = f"{ahead.days} day{'s' * (ahead.days != 1)}" if not ahead % ONE_DAY else write_duration(ahead)
        since = "" if earliest == self.context.now else f" from {write_moment(in_zone(earliest, self.context.zone))}"
        return LeftAlone(f"no free time{self._for()}{within} in {days}{since}: {looked}", otherwise=True)

    async def at(self, moment: datetime) -> Place | LeftAlone:
        """Exactly then, if that is on offer. Raises HighLevelError."""
        when = write_moment(in_zone(moment, self.context.zone))
        if moment <= self.context.now:
            return LeftAlone(f"{when} is past", otherwise=True)
        if moment > self.context.now + FAR:
            return LeftAlone(f"{when} is too far away to be on offer", otherwise=True)
        if why := self.wanted.why_not(moment):
            return LeftAlone(f"{when} will not do: it is {why}", otherwise=True)
        others: set[datetime] = set()
        for person in (person for group in self.people for person in group):
            offered = {slot.time: slot async for slot in self._slots(person, *self._day_of(moment))}
            others.update(offered)
            if moment in offered:
                proof = await self._proof(person, moment, moment)
                why = proof(Interval(moment, moment + self.wanted.length)) if proof else None
                if why is None:
                    return self._place(offered[moment], person)
        if why:
            return LeftAlone(f"{when}{self._for()} will not do: it is {why}", otherwise=True)
        booking = self.context.booking
        if self.moved and booking.starts - self.wanted.length < moment < booking.ends:
            return LeftAlone(f"{when} is not on offer: the booking itself is in the way", otherwise=True)
        nearest = sorted(sorted(others - {moment}, key=lambda start: (abs(start - moment), start))[:NEAREST])
        clocks = ", ".join(write_time(in_zone(start, self.context.zone)) for start in nearest)
        there = f"nearest that day: {clocks}" if clocks else "nothing is that day"
        return LeftAlone(f"{when} is not on offer{self._for()}; {there}", otherwise=True)

    async def where_it_is(self, start: datetime) -> Place | LeftAlone:
        """At its own time, with whoever comes first of those who have it. Raises HighLevelError."""
        when = write_moment(in_zone(start, self.context.zone))
        wanted = Interval(start, start + self.wanted.length)
        why = replace(self.wanted, other_than=None).why_not(start)
        hindrance: str | None = None
        for person in (person for group in self.people for person in group if why is None):
            proof = await self._proof(person, start, start)
            hindrance = proof(wanted) if proof else None
            if hindrance is None:
                return self._place(Slot(start.astimezone(self.context.zone).isoformat()), person)
        return LeftAlone(f"{when}{self._for()} will not do: it is {why or hindrance}", otherwise=True)

    def _place(self, slot: Slot, person: Named | None) -> Place:
        return Place(str(slot), slot.time + self.wanted.length, person, self.proves, self.turn if self.proves else None)

    async def _search(self, person: Named | None, first: datetime, end: datetime) -> Search:
        search = Search(self.wanted)
        proof = await self._proof(person, first, end)
        async for slot in self._slots(person, first, end):
            if not search.goes_on_after(slot, proof):
                break
        return search

    def _slots(self, person: Named | None, first: datetime, end: datetime) -> AsyncIterator[Slot]:
        return free_slots_between(
            self.context.api,
            self.calendar.id,
            first,
            end,
            timezone=self.context.zone.key,
            user_id=person.id if person else None,
        )

    async def _proof(self, person: Named | None, first: datetime, end: datetime) -> Proof | None:
        """None where the slots themselves prove it: they are as long as it is."""
        if not self.proves:
            return None
        between = Interval(first, end + self.wanted.length)
        return (await spare_time(self.context, self.calendar, person, between, moved=self.moved)).why_not

    def _rank(self, search: Search) -> tuple[object, ...]:
        assert search.best is not None
        return self.wanted.rank(search.best.time)

    def _not_worse(self, found: Search) -> datetime:
        """Until when another may have something better."""
        assert found.best is not None
        return found.best.time if self.wanted.near is None else self._day_of(found.best.time)[1]

    def _day_of(self, moment: datetime) -> tuple[datetime, datetime]:
        day = moment.astimezone(self.context.zone).date()
        return first_instant(day, 0, self.context.zone), first_instant(day + ONE_DAY, 0, self.context.zone)

    def _for(self) -> str:
        people = [str(person) for group in self.people for person in group if person]
        words = " or ".join([", ".join(people[:-1]), people[-1]] if len(people) > 1 else people)
        return f" for {words}" if words else ""


async def find_place(
    words: Placement, context: ActionContext, calendar: Calendar, *, moved: bool, must: bool, usual: timedelta
) -> Place | LeftAlone:
    """Where these words put the booking (`moved`), or one that follows it. `must`: with its person or not at all;
    `usual` is how long it is where nothing is said. Raises HighLevelError, CannotAct, or TextError for a fact that is
    missing."""
    booking, at = context.booking, words.at(context)
    here = moved and calendar.id == booking.calendar_id
    clock = in_zone(booking.starts, context.zone).time()
    wanted = Wanted(
        context.zone,
        words.length(context, usual),
        words.within,
        booking.starts if here else None,
        clock if "time_of_day" in words.same else None,
        clock if "time_of_day" in words.prefer else None,
    )
    person = context.names.person_with(booking.assignee) if booking.assignee else None
    people = people_asked(calendar, person, must=must, team=[context.names.person_with(id_) for id_ in calendar.team])
    if isinstance(people, LeftAlone):
        return people
    stays = moved and at == booking.starts
    seeker = Seeker(context, calendar, people, wanted, booking.id if moved else None, stays)
    if seeker.proves:
        # So that of two that are decided at once, each for the same time, the later is decided again.
        seeker = replace(seeker, turn=Turn((await context.turns(())).decided))
    if at is None:
        soonest = booking.starts if moved else booking.ends
        if words.after is not None:
            soonest = shifted(booking.starts, words.after, context.zone)
        return await seeker.next_free(soonest, words.ahead or LOOKS_AHEAD)
    if here and stays and wanted.length == booking.ends - booking.starts:
        return SoAlready("it is at that time already")
    return await (seeker.where_it_is(at) if stays else seeker.at(at))


def slot_length(calendar: Calendar) -> timedelta:
    return timedelta(minutes=calendar.slot_minutes)


def people_asked(
    calendar: Calendar, person: Named | None, *, must: bool, team: Sequence[Named]
) -> Sequence[Sequence[Named | None]] | LeftAlone:
    """Who is asked for a time, whoever has the booking first; `must`: nobody else."""
    if not team:
        return ((None,),)
    if person is None:
        return (team,)
    if person in team:
        others = tuple(each for each in team if each != person)
        return ((person,),) if must or not others else ((person,), others)
    if must:
        on = f"the calendar {calendar.name}" if calendar.name else "the calendar"
        return LeftAlone(f"{person} is not on the team of {on}", otherwise=True)
    return (team,)
