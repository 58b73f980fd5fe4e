"""The timetable: which moments the rules in force lay for a booking, and by the clock. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from service.store.locations import Location
from service.store.timers import PASSED, Outcome, Timer, Wanted
from service.trigger import Booking
from workers.judge import mode_of
from workers.moments import BookingMoment, ClockMoment, read_moment, too_late
from workers.rule import Rule
from workers.rulebook import Rulebook

BEFOREHAND = "the booking starts before it"


def waiting(rulebook: Rulebook, location: Location) -> tuple[Rule, ...]:
    """The rules that wait for moments there. Raises RulebookFaults."""
    entries = (rulebook.entries[place] for place in rulebook.index.waiting(location))
    return tuple(entry.rule for entry in entries if mode_of(entry, location) != "off")


def laid_for(
    rulebook: Rulebook,
    location: Location,
    booking: Booking,
    now: datetime,
    *,
    since: datetime | None = None,
    made_by_us: bool = False,
) -> tuple[Wanted, ...] | None:
    """What `timers.relay` has to see to; None where no rule waits for a moment, which is the cheap case.

    A moment that had passed at `since` does not come: where nothing is given, that is when the booking was last
    changed, so that one which fell due while the news of it was under way does come, late. For a booking that we made
    no rule waits that books: it would book for ever.
    """
    rules = waiting(rulebook, location)
    passed = since or min(now, booking.updated or now)
    return _laid(rules, location, booking, now, passed, made_by_us) if rules else None


def laid_newly(
    rules: tuple[Rule, ...],
    location: Location,
    booking: Booking,
    now: datetime,
    since: datetime | None = None,
    *,
    made_by_us: bool = False,
) -> tuple[Wanted, ...]:
    """The same when the rules have just come into force: what has passed by now does not come. `since`: when they had,
    if they are laid once more."""
    passed = now if since is None else min(now, max(since, booking.updated or since))
    return _laid(rules, location, booking, now, passed, made_by_us)


def laid_by_clock(
    rules: tuple[Rule, ...], location: Location, now: datetime, standing: Mapping[tuple[str, str], datetime]
) -> Iterator[Wanted]:
    """What the clock is to tell: those that stand stay as long as the clock shows their time then, as after an outage;
    the others begin with the next."""
    for rule in rules:
        for moment in rule.moments:
            if isinstance(moment, ClockMoment):
                due = standing.get((rule.name, moment.words))
                if due is None or moment.next(due - timedelta(microseconds=1), location.zone) != due:
                    due = moment.next(now, location.zone)
                yield Wanted(rule.name, moment.words, due, due + rule.late, ahead=True)


def reach(rules: tuple[Rule, ...]) -> timedelta:
    """How long after its end a booking may have a moment still."""
    lengths = [moment.reach for rule in rules for moment in rule.moments if isinstance(moment, BookingMoment)]
    return max(lengths, default=timedelta())


def outcome(timer: Timer, now: datetime) -> Outcome:
    """What becomes of a timer that is due: asked in time, it fires. The clock's goes on to its next time, though that
    may be past as well: each is asked about, or missed, by itself."""
    try:
        moment = read_moment(timer.moment)
    except PydanticCustomError:
        return Outcome(timer, "this release cannot read the moment, which another laid")
    missed = too_late(timer.due_at, timer.until_at, now)
    if isinstance(moment, BookingMoment):
        return Outcome(timer, missed)
    again = moment.next(timer.due_at, ZoneInfo(timer.time_zone))
    return Outcome(timer, missed, (again, again + (timer.until_at - timer.due_at)))


def _laid(
    rules: tuple[Rule, ...], location: Location, booking: Booking, now: datetime, since: datetime, made_by_us: bool
) -> tuple[Wanted, ...]:
    found = []
    for rule in rules:
        if rule.books and made_by_us:
            continue
        for moment, due in rule.due(booking, location.zone):
            bound = moment.bound(booking)
            until = due + rule.late if bound is None else min(due + rule.late, bound)
            never = BEFOREHAND if until < due else PASSED if due <= since else None
            found.append(Wanted(rule.name, moment.words, due, max(due, until), due > now, never))
    return tuple(found)
