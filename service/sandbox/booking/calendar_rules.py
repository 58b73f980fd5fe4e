"""What holds of a calendar, new or changed: its team, its places, its numbers."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from service.highlevel.calendar_settings import NEED_A_TEAM, NOT_ON_EVENT_CALENDARS
from service.highlevel.calendars import Calendar
from service.highlevel.schedules import ScheduleInterval, ScheduleRule
from service.sandbox import refusals
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

MINUTE, MINUTES_A_DAY = timedelta(minutes=1), 24 * 60
MOST = 1_000_000
"""Of whatever is counted: far above what anybody means, far below what a calendar's arithmetic can bear."""

OPENINGS, DATES, STARTS = 24, 1000, 5 * MINUTES_A_DAY
"""Openings of one day, single dates, and slots that can start on one day with anybody of the team: with more of them
one call for free slots would keep everybody else waiting."""
HOURS = frozenset({"openHours", "availabilities", "teamMembers", "slotInterval", "slotIntervalUnit"})

LENGTHS = (("slotDuration", "slotDurationUnit", 30), ("slotInterval", "slotIntervalUnit", 30))
BUFFERS = (("slotBuffer", "slotBufferUnit", 0), ("preBuffer", "preBufferUnit", 0))
"""Amount, unit, and what the amount is when it is not said (the specification)."""
COUNTS = ("appoinmentPerSlot", "appoinmentPerDay", "allowBookingAfter", "allowBookingFor")


def check(world: World, location: Location, calendar: dict[str, Any], said: dict[str, Any]) -> None:
    """A calendar as it would become, by the wire's names; of what was not said just now nothing is asked. Raises
    Refusal."""
    _check_numbers(calendar, said)
    if "teamMembers" in said or "enableRecurring" in said:
        _check_team(world, location, calendar)
    if "locationConfigurations" in said or "teamMembers" in said:
        _check_places(calendar)
    if "groupId" in calendar and "groupId" in said and world.groups.find(location.id, calendar["groupId"]) is None:
        raise refusals.bad_request("The group id is not valid.")
    slug = calendar.get("slug")
    if slug is not None and "slug" in said and slug in _slugs(world, location, but=calendar["id"]):
        raise refusals.bad_request("The slug is already taken.")


def check_hours(calendar: dict[str, Any], said: dict[str, Any]) -> None:
    """Of a calendar as it would become, with all of its single dates. Raises Refusal."""
    if not HOURS & said.keys():
        return
    week: dict[Any, list[dict[str, int]]] = {}
    for opened in calendar.get("openHours") or []:
        for day in opened["daysOfTheWeek"]:
            week.setdefault(day, []).extend(opened["hours"])
    dates: dict[Any, list[dict[str, int]]] = {}
    for single in calendar.get("availabilities") or []:
        dates.setdefault(single["date"][:10], []).extend(single["hours"])
    wrong = [f"availabilities must contain no more than {DATES} dates"] if len(dates) > DATES else []
    for name, days in (("openHours", week), ("availabilities", dates)):
        if any(len(hours) > OPENINGS for hours in days.values()):
            wrong.append(f"{name} must contain no more than {OPENINGS} hours of one day")
    if wrong:
        raise refusals.unprocessable(*wrong)
    step = calendar.get("slotInterval", 30) * (60 if calendar.get("slotIntervalUnit") == "hours" else 1)
    people = len(calendar.get("teamMembers") or [None])
    if any(sum(map(_minutes, hours)) / step * people > STARTS for hours in [*week.values(), *dates.values()]):
        raise refusals.unprocessable(f"slotInterval is too short: it makes more than {STARTS} slots a day for the team")


def check_rules(rules: Iterable[ScheduleRule] | None) -> None:
    """Of a schedule, of which the same is asked. Raises Refusal."""
    days: dict[Any, list[ScheduleInterval]] = {}
    for rule in rules or ():
        days.setdefault(rule.date or rule.day, []).extend(rule.intervals)
    if len(days) > DATES:
        raise refusals.unprocessable(f"rules must contain no more than {DATES} days")
    if any(len(intervals) > OPENINGS for intervals in days.values()):
        raise refusals.unprocessable(f"rules must contain no more than {OPENINGS} intervals of one day")
    if any(sum(map(_length, intervals)) > MINUTES_A_DAY for intervals in days.values()):
        raise refusals.unprocessable("rules must not open one day for more than 24 hours")


def _length(interval: ScheduleInterval) -> int:
    opens, closes = (int(clock[:-3]) * 60 + int(clock[-2:]) for clock in (interval.start, interval.end))
    return (closes or MINUTES_A_DAY) - opens


def _minutes(hours: dict[str, int]) -> int:
    closes = hours["closeHour"] * 60 + hours["closeMinute"]
    return (closes or MINUTES_A_DAY) - hours["openHour"] * 60 - hours["openMinute"]


def _check_numbers(calendar: dict[str, Any], said: dict[str, Any]) -> None:
    """In whole minutes, so that a slot's length is the same wherever it is reckoned; of a day at most: no opening is
    longer."""
    wrong = []
    for name, unit, unsaid in (*LENGTHS, *BUFFERS):
        if {name, unit} & said.keys():
            wrong += _wrong_length(name, calendar.get(name, unsaid), calendar.get(unit), may_be_none=not unsaid)
    busy = said.get("lookBusyConfig") or {}
    counts = {name: said.get(name) for name in COUNTS} | {
        "lookBusyConfig.LookBusyPercentage": busy.get("LookBusyPercentage")
    }
    for name, count in counts.items():
        if count is not None and not 0 <= count <= MOST:
            wrong.append(f"{name} must not be {'less than 0' if count < 0 else f'greater than {MOST}'}")
    if wrong:
        raise refusals.unprocessable(*wrong)


def _wrong_length(name: str, amount: float, unit: str | None, *, may_be_none: bool) -> list[str]:
    most = 24 if unit == "hours" else MINUTES_A_DAY
    if amount < 0 or (amount == 0 and not may_be_none):
        return [f"{name} must {'not be less' if may_be_none else 'be greater'} than 0"]
    if amount > most:  # what is absurd would be too large for a timedelta
        return [f"{name} must not be greater than {most}"]
    length = timedelta(hours=amount) if unit == "hours" else timedelta(minutes=amount)
    return [f"{name} must be whole minutes"] if length % MINUTE or bool(amount) != bool(length) else []


def _check_team(world: World, location: Location, calendar: dict[str, Any]) -> None:
    kind, team = calendar.get("calendarType", "round_robin"), calendar.get("teamMembers") or []
    if calendar.get("enableRecurring") and len(team) > 1:
        raise refusals.unprocessable("enableRecurring needs that there is only one of teamMembers")
    if any(count > 1 for count in Counter(member["userId"] for member in team).values()):
        raise refusals.unprocessable("teamMembers must be unique by userId")
    if any(world.user(location, member["userId"]) is None for member in team):
        raise refusals.bad_request("The user id is not valid.")
    if kind in NEED_A_TEAM and not team:
        raise refusals.unprocessable(f"a calendarType of {kind} needs teamMembers")
    if kind == "personal" and len(team) != 1:
        raise refusals.unprocessable("a calendarType of personal needs exactly one of teamMembers")
    if kind == "collective" and sum(bool(member.get("isPrimary")) for member in team) != 1:
        raise refusals.unprocessable("a calendarType of collective needs exactly one of teamMembers to be isPrimary")


def _check_places(calendar: dict[str, Any]) -> None:
    """As the specification's texts say."""
    kind, team = calendar.get("calendarType", "round_robin"), calendar.get("teamMembers") or []
    kinds = {place["kind"] for place in calendar.get("locationConfigurations") or []} & NOT_ON_EVENT_CALENDARS
    if kind == "event" and kinds:
        raise refusals.unprocessable(f"a calendarType of event has no {', '.join(sorted(kinds))}")
    alone = len(team) == 1 and kind not in ("class_booking", "collective")
    if not alone and any(len(member.get("locationConfigurations") or []) > 1 for member in team):
        raise refusals.unprocessable(
            "several locationConfigurations are for a team of one only, and for no class_booking or collective"
        )


def _slugs(world: World, location: Location, *, but: str) -> set[str]:
    calendars: tuple[Calendar, ...] = world.calendars.of(location.id)
    return {calendar.slug for calendar in calendars if calendar.slug and calendar.id != but}
