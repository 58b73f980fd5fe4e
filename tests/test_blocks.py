"""Blocks: which time is meant on which days, what several share out among themselves, and what a rule may say of it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.availability.intervals import Interval, merged
from tests.rule_files import DANA, KIM, NAMES, action, faults, rule
from tests.test_contact_actions import at
from workers.actions import BlockSlot
from workers.actions.action import Plan
from workers.actions.block_words import OfCalendar, OfTeam
from workers.actions.blocked_time import MOST_BLOCKS, Wanted, plan
from workers.actions.blocked_whom import Whose
from workers.blocking.days import MIDNIGHT, Daily, by_day
from workers.blocking.shares import rank, share, without
from workers.names import Named, Team
from workers.references import Reference
from workers.rulebook import read
from workers.values import Days

LONDON, NEW_YORK, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
LONGER = (
    NAMES
    + "holidays: {bank: [2027-03-26, 2027-03-29]}\n"
    + "sources: {sick: {person: {path: a, kind: person}, from: {path: b, kind: moment}}}\n"
)
NOON = datetime(2027, 3, 25, 12, tzinfo=UTC)


def local(stretches: list[Interval], zone: ZoneInfo) -> list[str]:
    return [
        f"{each.starts.astimezone(zone):%a %d %H:%M %z} - {each.ends.astimezone(zone):%H:%M %z}" for each in stretches
    ]


def minutes(start: int, end: int) -> Interval:
    return Interval(NOON + timedelta(minutes=start), NOON + timedelta(minutes=end))


# Days


@pytest.mark.parametrize(
    ("start", "end", "first", "zone", "stretches"),
    [
        (
            time(12),
            time(13),
            date(2027, 3, 27),
            LONDON,
            ["Sat 27 12:00 +0000 - 13:00 +0000", "Sun 28 12:00 +0100 - 13:00 +0100"],
        ),
        # The clocks go forward: half past one never comes, and is the moment of the change.
        (
            time(1, 30),
            time(3),
            date(2027, 3, 28),
            LONDON,
            ["Sun 28 02:00 +0100 - 03:00 +0100", "Mon 29 01:30 +0100 - 03:00 +0100"],
        ),
        (time(2), time(2, 45), date(2027, 3, 14), NEW_YORK, ["Mon 15 02:00 -0400 - 02:45 -0400"]),
        # They go back: what comes twice is its first coming.
        (
            time(1, 30),
            time(3),
            date(2027, 10, 31),
            LONDON,
            ["Sun 31 01:30 +0100 - 03:00 +0000", "Mon 01 01:30 +0000 - 03:00 +0000"],
        ),
        (
            time(22),
            time(6),
            date(2027, 4, 3),
            SYDNEY,
            ["Sat 03 22:00 +1100 - 06:00 +1000", "Sun 04 22:00 +1000 - 06:00 +1000"],
        ),
        (
            time(0),
            MIDNIGHT,
            date(2028, 2, 29),
            LONDON,
            ["Tue 29 00:00 +0000 - 00:00 +0000", "Wed 01 00:00 +0000 - 00:00 +0000"],
        ),
    ],
)
def test_a_clock_time_is_the_locations_also_where_its_clocks_change(
    start: time, end: time, first: date, zone: ZoneInfo, stretches: list[str]
) -> None:
    assert local(list(Daily(start, end).stretches(first, 2, zone)), zone) == stretches


def test_days_are_those_meant_but_the_ones_taken_out() -> None:
    lunch = Daily(time(12), time(13), Days(frozenset(range(5))), Days(frozenset(), frozenset({date(2027, 3, 26)})))
    days = [each.starts.day for each in lunch.stretches(date(2027, 3, 24), 8, LONDON)]
    assert days == [24, 25, 29, 30, 31], "neither the weekend nor the holiday"


def test_a_night_belongs_to_the_day_that_it_begins_on() -> None:
    night = Daily(time(22), time(6), Days(frozenset({4})))
    assert local(list(night.stretches(date(2027, 3, 25), 3, UTC_ZONE)), UTC_ZONE) == [
        "Fri 26 22:00 +0000 - 06:00 +0000"
    ]


def test_time_between_moments_is_cut_at_midnight_of_the_location() -> None:
    begin, end = datetime(2027, 3, 27, 15, tzinfo=LONDON), datetime(2027, 3, 29, 0, 0, tzinfo=LONDON)
    assert local(list(by_day(begin, end, LONDON)), LONDON) == [
        "Sat 27 15:00 +0000 - 00:00 +0000",
        "Sun 28 00:00 +0000 - 00:00 +0100",
    ]
    assert list(by_day(begin, begin, LONDON)) == []


UTC_ZONE = ZoneInfo("UTC")

# Shares


@pytest.mark.parametrize(
    ("covered", "left"),
    [
        ([], [(0, 60)]),
        ([(-10, 0), (60, 70)], [(0, 60)]),
        ([(-10, 20)], [(20, 60)]),
        ([(20, 30), (25, 40)], [(0, 20), (40, 60)]),
        ([(0, 60)], []),
        ([(-5, 30), (30, 65)], []),
    ],
)
def test_what_is_left_of_a_stretch(covered: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    assert without(minutes(0, 60), [minutes(*each) for each in covered]) == [minutes(*each) for each in left]


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 40)), min_size=1, max_size=8))
def test_several_blocks_cover_together_what_each_should_and_nothing_twice(spans: list[tuple[int, int]]) -> None:
    wanted = [minutes(start, start + length) for start, length in spans]
    order = sorted(range(len(wanted)), key=lambda each: rank(wanted[each].ends - wanted[each].starts, each))
    standing: list[Interval] = []
    for each in order:
        left = without(wanted[each], standing)
        assert len(left) <= 1, "each has its share in one piece"
        standing += [part] if (part := share(wanted[each], standing)) else []
    assert merged(standing) == merged(wanted)
    length = sum((each.ends - each.starts for each in standing), timedelta())
    assert length == sum((each.ends - each.starts for each in merged(standing)), timedelta())


# Words


def test_a_block_of_its_own_time_is_read_with_its_days_and_people() -> None:
    block = action(
        "{do: block_slot, from: '12:00', until: '13:00', on: mon-fri, except: bank, ahead: 30d, for: [dana, kim]}",
        LONGER,
    )
    assert isinstance(block, BlockSlot)
    assert (block.start, block.end, block.ahead) == (time(12), time(13), timedelta(days=30))
    assert block.on == Days(frozenset(range(5)))
    assert block.excluded == Days(frozenset(), frozenset({date(2027, 3, 26), date(2027, 3, 29)}))
    assert block.people == (Named(DANA, "dana"), Named(KIM, "kim"))
    assert not block.needs_booking
    assert block.decides_alone
    assert block.writes() == frozenset()
    assert block.if_taken == "block", "which leaves no time free"


def test_whose_time_may_be_a_persons_a_teams_a_calendars_or_that_of_whom_a_fact_names() -> None:
    def whose(said: str) -> object:
        return action(f"{{do: block_slot, from: '12:00', until: '24:00', for: {said}}}", LONGER).people

    assert (
        whose("evening")
        == whose("{team: evening}")
        == (OfTeam(Team("evening", (Named(DANA, "dana"), Named(KIM, "kim")))),)
    )
    assert isinstance(whose("cuts")[0], OfCalendar)  # type: ignore[index]
    assert whose("[assignee, dana]") == ("assignee", Named(DANA, "dana"))
    assert whose(KIM) == (Named(KIM, "kim"),)


def test_a_lone_fact_may_be_from_when_and_whose() -> None:
    text = rule(
        when="external.sick",
        then="{do: block_slot, from: '{{ event.from }}', until: 2027-03-29 18:00, for: '{{ event.person }}'}",
    )
    [block] = read({"a.yaml": f"{LONGER}rules:\n{text}"}).entries[0].rule.then
    assert isinstance(block, BlockSlot)
    assert isinstance(block.start, Reference)
    assert isinstance(block.people[0], Reference)
    assert block.facts == {"event.from", "event.person"}


def test_what_needs_no_booking_is_told_by_its_words() -> None:
    def needs(said: str) -> bool:
        return bool(action(f"{{do: block_slot, {said}}}").needs_booking)

    own = "from: '12:00', until: '13:00'"
    assert [needs("after: 15m"), needs("after: 15m, for: dana"), needs(own), needs(f"{own}, for: assignee")] == [
        True
    ] * 4
    assert [needs(f"{own}, for: calendar"), needs(f"{own}, for: dana"), needs(f"{own}, for: cuts")] == [
        True,
        False,
        False,
    ]
    for_dana = rule(when="every day at 03:00", then=f"{{do: block_slot, {own}, for: {DANA}, ahead: 30d}}")
    assert len(read({"a.yaml": for_dana})) == 1
    for_nobody = rule(when="every day at 03:00", then=f"{{do: block_slot, {own}, ahead: 30d}}")
    assert faults(for_nobody) == [
        "rules.yaml:3:10: block_slot has nothing to act on: the rule listens to times of the clock only"
    ]


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("", "5: block_slot must say before or after: how long, as in after: 15m; or from and until"),
        ("after: 25h", "29: 1d1h is too long: a block beside a booking is 1d at most"),
        ("after: 5m, on: fri", "33: on is for blocks with from and until, and this one has a booking to lie beside"),
        (
            "after: 5m, ahead: 9d",
            "33: ahead is for blocks with from and until, and this one has a booking to lie beside",
        ),
        ("after: 5m, follow: true, for: dana", "47: a block that follows is of whoever has the booking"),
        ("from: '12:00'", "22: from without until: a block has a beginning and an end"),
        ("until: '12:00'", "22: until without from: a block has a beginning and an end"),
        (
            "from: '12:00', until: '13:00', before: 5m",
            "53: before cannot stand beside from: a block is beside the booking or at a time of its own",
        ),
        (
            "from: '12:00', until: '13:00', follow: true",
            "53: follow cannot stand beside from: only a block beside the booking goes along with it",
        ),
        ("from: '12:00', until: '13:00', except: fri", "53: except takes days out of `on`, which is not said"),
        (
            "from: '12:00', until: '12:00'",
            "44: until is the same as from: nothing lies between them; a whole day is 00:00 until 24:00",
        ),
        ("from: '12:00', until: 2027-03-26 12:00", "44: from and until are both clock times, or both moments"),
        ("from: 2027-03-26, until: 2027-03-25", "47: until is not after from: nothing lies between them"),
        ("from: 2027-03-26, until: 2027-05-25", "47: more than 31 days are too long for a block"),
        (
            "from: 2027-03-26, until: 2027-03-27 12:00Z",
            "47: from and until must both have an offset, or neither: then they are on the location's clock",
        ),
        ("from: 2027-03-26, until: 2027-03-27, ahead: 3d", "59: ahead is for clock times, and from is a moment"),
        ("from: '12:00', until: '13:00', ahead: 36h", "60: a number of days such as 30d expected, 366d at most"),
        (
            "from: '12:00', until: '13:00', ahead: 70d, for: evening",
            "60: these are 140 blocks at once, and 100 is the most: fewer days or people expected",
        ),
        (
            "from: '12:00', until: '13:00', for: dan",
            "58: no person, team or calendar named 'dan'; did you mean 'dana'?",
        ),
        ("from: '12:00', until: '13:00', for: []", "58: at least one person expected"),
        (
            "from: '12:00', until: '13:00', for: {whom: dana}",
            "58: a person, {team: evening} or {calendar: room} expected, found a mapping of something else",
        ),
        ("from: '{{ starts }}', until: '{{ assignee }}'", "51: assignee is a person, and a moment is expected here"),
        ("after: 5m, if_taken: no", "43: 'no' is not known here; known: skip, alert, block"),
    ],
)
def test_a_block_that_cannot_be_meant_is_refused_where_it_stands(said: str, refused: str) -> None:
    then = f"{{do: block_slot{', ' * bool(said)}{said}}}"
    [found] = faults(f"{NAMES}rules:\n- name: one\n  when: appointment.created\n  then: \n  - {then}\n")
    assert found == f"rules.yaml:10:{refused}"


def test_a_name_that_may_be_two_things_is_refused() -> None:
    names = NAMES.replace("{cuts:", "{dana:")
    then = "{do: block_slot, from: '12:00', until: '13:00', for: dana}"
    [found] = faults(f"{names}rules:\n- name: one\n  when: appointment.created\n  then: [{then}]\n")
    assert found.endswith("'dana' is a person and a calendar: say which, as in {calendar: dana}")


# Plans


async def test_one_step_writes_no_more_than_it_may_and_says_how_many_are_left() -> None:
    lunch = Daily(time(12), time(13)).stretches(date(2027, 4, 1), MOST_BLOCKS + 20, LONDON)
    wanted = [Wanted(Whose(DANA, "dana"), each, "Lunch") for each in lunch]
    made = await plan(wanted, at(), "block", look=False)
    assert isinstance(made, Plan)
    assert len(made.writes) == MOST_BLOCKS
    assert made.writes[0].sentence == "block Thursday 1 April 2027, 12:00 to 13:00 for dana"
    assert made.writes[-1].sentence.endswith("for dana; 20 more are for the next time")
