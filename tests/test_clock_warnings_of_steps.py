"""What authors are told of moments and actions at clock times that a night has not, or has twice."""

import pytest

from tests.test_clock_warnings import warnings

TWICE = "comes twice, and the first is meant"
FORWARD, BACK = (f"the clocks change in Europe/London on {day} 2027" for day in ("28 March", "31 October"))
SHORTER = f"{FORWARD}, and 01:30 comes at 02:00 then"
CLUB = "within the hours `club`, except on 2027-03-28, 2027-10-31"
FREE = "to: next_free, notify: false"


@pytest.mark.parametrize(
    ("zone", "when", "warned"),
    [
        ("America/New_York", "every day at 02:30", "on 14 March 2027, and 02:30 comes at 03:30 then"),
        ("America/New_York", "every sunday at 01:30", f"on 7 November 2027, and 01:30 {TWICE}"),
        ("Europe/London", "1 day before start at 01:30", "on 28 March 2027, and 01:30 comes at 02:30 then"),
        ("Australia/Sydney", "1 day after booked at 02:30", f"on 4 April 2027, and 02:30 {TWICE}"),
        ("America/Santiago", "every day at 00:30", "on 5 September 2027, and 00:30 comes at 01:30 then"),
        ("Atlantic/Azores", "every day at 00:30", "on 28 March 2027, and 00:30 comes at 01:30 then"),
        ("America/Nuuk", "every day at 23:30", "on 27 March 2027, and 23:30 comes at 00:30 then"),
        ("Africa/Cairo", "every friday at 00:30", "on 30 April 2027, and 00:30 comes at 01:30 then"),
        ("Africa/Cairo", "every sunday at 00:30", None),
        ("America/New_York", "every weekday at 02:30", None),
        ("Europe/London", "every day at 07:00", None),
        ("Europe/London", "every day at 02:30", None),
        ("Europe/London", "every day at 01:00", None),  # the change itself, and the first of two
        ("America/Santiago", "every day at 00:00", None),
        ("Europe/London", "1 day before start at 16:00", None),
        ("Europe/London", "90m before start", None),
    ],
)
def test_a_moment_is_warned_of_that_comes_at_another_time_or_might_come_twice(
    zone: str, when: str, warned: str | None
) -> None:
    step = "{do: alert, text: x}"
    expected = [f"{when}: the clocks change in {zone} {warned}"] if warned else []
    assert warnings(when=when, then=step, zones=[zone]) == [f"8:9: {each}" for each in expected]
    listed = f"[appointment.created, {when}]"
    assert warnings(when=listed, then=step, zones=[zone]) == [f"8:31: {each}" for each in expected]


def test_how_late_a_moment_may_come_and_the_like_are_no_clock_times() -> None:
    more = '"30m before start"\n  late: 90m\n  not_after: 90m before start\n  limit: 1 per day\n  once_per: day'
    assert warnings(when=more) == []


@pytest.mark.parametrize(
    ("step", "warned"),
    [
        ("block_slot, from: '01:30', until: '24:00'", f"28: from 01:30: {SHORTER}"),
        ("block_slot, from: '00:00', until: '01:30', on: sun", f"44: until 01:30: {SHORTER}"),
        ("block_slot, from: '22:00', until: '01:30', on: [sat]", f"44: until 01:30: {SHORTER}"),
        (
            "block_slot, from: '01:30', until: '09:00', on: [sun, mon], except: [2027-03-28]",
            f"28: from 01:30: {BACK}, and 01:30 {TWICE}",
        ),
        ("block_slot, from: '22:00', until: '01:30', on: [sun]", None),  # until the Monday
        ("block_slot, from: '01:30', until: '09:00', on: mon-fri", None),
        ("block_slot, from: '00:00', until: '24:00', ahead: 30d", None),
        ("block_slot, from: '01:00', until: '02:00'", None),
        ("block_slot, from: '2027-03-28', until: '2027-03-29'", None),
        ("block_slot, after: 90m, follow: true", None),
        (f"reschedule, {FREE}, within: {{hours: '01:30-05:00'}}", f"68: within 01:30-05:00: {SHORTER}"),
        (f"reschedule, {FREE}, within: {{hours: club}}", f"68: within the hours `club`: {SHORTER}"),
        (
            f"book, {FREE}, title: x, calendar: jc01T5GOBUSZGi6HWGK1, within: {{hours: ['09:00-12:00', '22:00-1:30']}}",
            f"104: within 09:00-12:00, 22:00-01:30: {SHORTER}",
        ),
        (f"reschedule, {FREE}, within: {{hours: '01:30-05:00', days: mon-fri}}", None),
        (f"reschedule, {FREE}, within: {{hours: '01:30-05:00', except: sun}}", None),
        (f"reschedule, {FREE}, within: {{hours: club, except: [2027-03-28, 2027-10-31]}}", f"68: {CLUB}: {SHORTER}"),
        (f"reschedule, {FREE}, within: {{hours: club, except: [2027-03-27, 2027-10-30]}}", None),
        (f"reschedule, {FREE}, within: {{hours: shop}}", None),
        ("reschedule, to: {shift: 90m}, notify: false", None),
        (
            "create_task, title: x, for: nobody, due: '01:30'",
            f"51: due 01:30: {FORWARD}, and 01:30 comes at 02:30 then",
        ),
        ("create_task, title: x, for: nobody, due: '09:30'", None),
        ("create_task, title: x, for: nobody, due: 90m", None),
    ],
)
def test_an_action_is_warned_of_that_begins_or_ends_at_such_a_time(step: str, warned: str | None) -> None:
    expected = [f"11:{warned}"] if warned else []
    assert warnings(then=f"{{do: {step}}}", zones=["Europe/London"]) == expected


def test_a_whole_day_is_blocked_from_midnight_until_midnight_whatever_is_shown_then() -> None:
    assert warnings(then="{do: block_slot, from: '00:00', until: '24:00'}") == []
