"""Hindrances: why somebody cannot take a booking, in words that follow their name, as `busy 09:30 to 10:30`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from service.availability.intervals import Interval, merged
from workers.assignment.diary import Diary, Taken
from workers.names import Profile
from workers.values import WEEKDAYS, write_duration, write_time

NOT_ON_THE_TEAM: Final = "not on the calendar's team"

LONGEST_BUFFER: Final = timedelta(hours=24)
"""Further away than this no booking's buffer is asked about."""

ZERO: Final = timedelta()
INSTANT: Final = timedelta(microseconds=1)


class Buffers(NamedTuple):
    """Time to be kept free before and after a calendar's bookings."""

    before: timedelta = ZERO
    after: timedelta = ZERO


NO_BUFFERS: Final = Buffers()


@dataclass(frozen=True)
class Wanted:
    """The time that is to be taken, on the location's clock. `per_slot`: how many bookings of its calendar share one
    slot of one person, as a class does."""

    starts: datetime
    ends: datetime
    calendar_id: str
    buffers: Buffers = NO_BUFFERS
    per_slot: int = 1

    @cached_property
    def interval(self) -> Interval:
        """An instant is as long as the shortest time there is."""
        starts, ends = self.starts.astimezone(UTC), self.ends.astimezone(UTC)
        return Interval(starts, max(ends, starts + INSTANT))

    @cached_property
    def seconds(self) -> tuple[float, float]:
        """When it starts and ends, since 1970."""
        return self.interval.starts.timestamp(), self.interval.ends.timestamp()

    def clock(self, moment: datetime) -> str:
        """`14:00`, with the day where it is another one: `Fri 27 14:00`."""
        moment = moment.astimezone(self.starts.tzinfo)
        day = "" if moment.date() == self.starts.date() else f"{WEEKDAYS[moment.weekday()].title()} {moment.day} "
        return day + write_time(moment)


def lacking(needs: Sequence[str], profile: Profile) -> str | None:
    missing = [skill for skill in needs if skill not in profile.skills]
    return f"lacks {' and '.join(missing)}" if missing else None


def off(wanted: Wanted, openings: Iterable[Interval]) -> str | None:
    """`openings`: their hours around that time, several of which may touch."""
    hours, time = merged(openings), wanted.interval
    if any(opening.contains(time) for opening in hours):
        return None
    for opening in hours:
        if opening.starts <= time.starts < opening.ends:
            return f"off from {wanted.clock(opening.ends)}"
    days = [(opening, opening.starts.astimezone(wanted.starts.tzinfo).date()) for opening in hours]
    today = [opening for opening, day in days if day == wanted.starts.date()]
    for opening in today:
        if opening.starts > time.starts:
            return f"off until {wanted.clock(opening.starts)}"
    return f"off from {wanted.clock(today[-1].ends)}" if today else "off that day"


def busy(wanted: Wanted, diary: Diary, buffers: Mapping[str, Buffers], buffer: timedelta = ZERO) -> str | None:
    """`buffers` of calendars, by their ids; `buffer` is what the person needs between any two bookings."""
    starts, ends = wanted.seconds
    reach = max(buffer, *wanted.buffers, *map(max, buffers.values())).total_seconds()
    sharing = 0
    for taken in diary.around(starts - reach, ends + reach):
        here = taken.calendar_id == wanted.calendar_id
        if here and (taken.starts, taken.ends) == (starts, ends) and wanted.per_slot > 1:
            sharing += 1
            continue
        between = max(starts - taken.ends, taken.starts - ends)
        if between < 0:
            return f"busy {_times(wanted, taken)}"
        others = wanted.buffers if here else buffers.get(taken.calendar_id, NO_BUFFERS)
        # Of the two buffers between neighbours the larger one counts, as where slots are offered.
        ahead = (others.after, wanted.buffers.before) if taken.ends <= starts else (wanted.buffers.after, others.before)
        needed = max(*ahead, buffer)
        if between < needed.total_seconds():
            return f"busy {_times(wanted, taken)}, and {write_duration(needed)} have to lie between"
    return f"{sharing} of {wanted.per_slot} in that slot" if sharing >= wanted.per_slot > 1 else None


def blocked(wanted: Wanted, blocks: Iterable[Interval]) -> str | None:
    """Blocks need not leave room for buffers."""
    for block in merged(blocks):
        if block.overlaps(wanted.interval):
            if block.starts <= wanted.interval.starts:
                return f"blocked until {wanted.clock(block.ends)}"
            return f"blocked from {wanted.clock(block.starts)}"
    return None


def calendars_near(wanted: Wanted, diary: Diary) -> frozenset[str]:
    """Other calendars whose buffers may matter."""
    starts, ends = wanted.seconds
    reach = LONGEST_BUFFER.total_seconds()
    return frozenset(taken.calendar_id for taken in diary.around(starts - reach, ends + reach)) - {wanted.calendar_id}


def _times(wanted: Wanted, taken: Taken) -> str:
    return " to ".join(wanted.clock(datetime.fromtimestamp(each, UTC)) for each in (taken.starts, taken.ends))
