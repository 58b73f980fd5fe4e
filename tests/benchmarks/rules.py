"""Ten thousand rules in a hundred thousand lines: how long it takes to check them, to take them up in a worker, and to
judge a delivery by them. In this process; what is judged by a bar is CPU time, and beside it stands the time it took.

Beside ours stands PyYAML's C loader, which reads the same files into plain data, knows no place in them and checks
nothing.
"""

import asyncio
import gc
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import SecretStr

from service.event import Event
from service.store.appointments import LastSeen
from service.store.locations import Location
from service.store.verdicts import Verdict
from service.trigger import Booking
from tests.benchmarks.company import FILES, PLACES, RULES, calendar_id, files
from tests.benchmarks.crowds import half_without_calendar, unused_fields
from workers import rulebook
from workers.conditions import judge
from workers.judge import NO_OVERRIDES, Meaning
from workers.known_facts import facts_of
from workers.rulebook import Rulebook
from workers.scrutiny.scrutiny import looked_through
from workers.verdicts import Judging
from workers.yaml_nodes import compose

ROUNDS = 3
CHECKED, TAKEN_UP = 10.0, 3.0
"""Seconds at most."""
DELIVERY = 1.0
"""Milliseconds at most, where the index leaves some twenty rules."""
JUDGED = 100_000
"""Judgements a second, at least."""

NOW = datetime(2027, 3, 1, tzinfo=UTC)
PLACE = Location("location-50", "place-50", "Europe/Paris", "live", datetime(2027, 1, 1, tzinfo=UTC), SecretStr(""))

QUESTIONS = """\
- name: five
  when: appointment.created
  if:
    calendar: Calendar000000000000
    status: {in: [new, confirmed]}
    starts: {after: "17:00", on: [thu, fri]}
    title: {contains: colour}
  then: [{do: add_note, text: x}]
"""
"""A rule of five conditions, all of which hold."""

BOOKING = Booking(
    id="appointment",
    location_id="location",
    calendar_id="Calendar000000000000",
    starts=datetime(2027, 3, 25, 17, tzinfo=UTC),
    ends=datetime(2027, 3, 25, 18, 30, tzinfo=UTC),
    status="confirmed",
    title="Cut and colour",
)


def judging(times: int) -> float:
    """Judgements a second."""
    [entry] = rulebook.read({"rules.yaml": QUESTIONS}).entries
    facts = facts_of(BOOKING, was=None, at=BOOKING.starts, zone=ZoneInfo("Europe/Paris"), names=entry.names)
    conditions = entry.rule.conditions
    judgement = judge(conditions, facts)
    assert judgement.held
    assert len(judgement.checks) == 5
    began = process_time()
    for _ in range(times):
        judge(conditions, facts)
    return times / (process_time() - began)


def delivery() -> Meaning:
    """A booking that is new and confirmed, in one of the hundred places."""
    booking = BOOKING.changed(location_id=PLACE.location_id, calendar_id=calendar_id(50, 0), contact_id="contact")
    body = {"locationId": PLACE.location_id, "appointment": {"id": booking.id}}
    event = Event(body, "AppointmentCreate", None, None, PLACE.location_id, booking.id, "contact", None)
    triggers = frozenset({"appointment.created", "appointment.confirmed"})
    return Meaning(event, None, LastSeen.first(booking), triggers, NOW)


async def deliveries(times: int, book: Rulebook) -> tuple[float, float, list[Verdict]]:
    """Milliseconds of CPU and of the clock for each, and its verdicts."""
    found = delivery()
    verdicts = await Judging(found, book, PLACE, NO_OVERRIDES, None, {}).verdicts()  # The first, which reads its rules.
    began, clock = process_time(), perf_counter()
    for _ in range(times):
        await Judging(found, book, PLACE, NO_OVERRIDES, None, {}).verdicts()
    return (process_time() - began) / times * 1000, (perf_counter() - clock) / times * 1000, verdicts


def taken_up(made: dict[str, str]) -> Rulebook:
    """As a worker does."""
    book = rulebook.taken_up(made)
    assert book.index
    return book


def timed(call: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Seconds of CPU and of the clock, of each round."""
    times, clock = [], []
    for _ in range(ROUNDS):
        gc.collect()
        began, at = process_time(), perf_counter()
        kept = call()
        times.append(process_time() - began)
        clock.append(perf_counter() - at)
        del kept
    return times, clock


def main() -> None:
    made = files()
    lines = sum(text.count("\n") for text in made.values())
    mixed, unused = half_without_calendar(), unused_fields()
    rows: list[tuple[str, float | None, Callable[[], Any]]] = [
        ("PyYAML's C loader", None, lambda: [yaml.load(text, yaml.CSafeLoader) for text in made.values()]),
        ("nodes with their places", None, lambda: [compose(text) for text in made.values()]),
        ("checked, with every warning", CHECKED, lambda: looked_through(made, NOW)),
        ("taken up by a worker", TAKEN_UP, lambda: taken_up(made)),
        ("checked, half without a calendar", CHECKED, lambda: looked_through(mixed, NOW)),
        ("checked, with 3,000 unused fields", CHECKED, lambda: looked_through(unused, NOW)),
    ]
    print(f"{PLACES * FILES * RULES:,} rules in {lines:,} lines and {len(made)} files; {ROUNDS} rounds\n")
    print(f"{'':40}{'best':>10}{'median':>10}{'of PyYAML':>12}{'by the clock':>14}")
    bare, missed = 0.0, False
    for name, most, call in rows:
        times, clock = timed(call)
        middle = median(times)
        bare, missed = bare or middle, missed or (most is not None and middle > most)
        bar = f"  (at most {most:.0f} s)" if most else ""
        print(f"{name:40}{min(times):8.2f} s{middle:8.2f} s{middle / bare:12.2f}{median(clock):12.2f} s{bar}")

    book = taken_up(made)
    measured = [asyncio.run(deliveries(500, book)) for _ in range(ROUNDS)]
    middle, clocked = median(each[0] for each in measured), median(each[1] for each in measured)
    [verdicts] = {len(each[2]) for each in measured}
    title = f"a delivery, of which {verdicts} rules hear"
    best = min(each[0] for each in measured)
    print(f"\n{title:40}{best:7.2f} ms{middle:7.2f} ms{'':12}{clocked:11.2f} ms  (at most {DELIVERY:.0f} ms)")
    rates = [judging(20_000) for _ in range(ROUNDS)]
    title = "judgements a second, five conditions"
    print(f"{title:40}{max(rates):10,.0f}{median(rates):10,.0f}{'':26}  (at least {JUDGED:,})")
    if missed or middle > DELIVERY or median(rates) < JUDGED:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
