"""Upcoming: where the next booking is, when the week that is shown has none ahead."""

from dataclasses import dataclass
from datetime import UTC, datetime

from service.availability.intervals import Interval
from service.sandbox.page.entries import first_after
from service.sandbox.page.view import View
from service.sandbox.page.week import Week
from service.sandbox.page.words import day_and_clock
from service.sandbox.world.world import World

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Upcoming:
    name: str
    when: str
    address: str
    """Of its week."""


def upcoming_of(world: World, view: View, week: Week) -> Upcoming | None:
    now = world.now()
    shown = (box.entry for day in week.days for box in day.boxes)
    if any(entry.takes_place and entry.interval.starts >= now for entry in shown):
        return None
    found = first_after(world, view, Interval(max(now, view.window.ends), END_OF_TIME))
    if found is None:
        return None
    starts = found.interval.starts
    return Upcoming(found.name, day_and_clock(starts, view.zone), f"{view.day_link(starts)}#booking-{found.id}")
