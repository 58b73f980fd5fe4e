"""The books of a location's calls: never more than a window holds, whoever spends it and however slow the way is."""

from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.highlevel.books import HOUR, SECOND, Allowance, Books
from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Wait
from tests.traffic import NOON, Fate, Traffic

MICROSECONDS = st.integers(0, SECOND)


@settings(max_examples=150, deadline=None)
@given(
    latencies=st.lists(MICROSECONDS, min_size=1, max_size=12),
    fates=st.lists(st.sampled_from(["answered", "answered", "answered", "lost", "unsent", "silent"]), min_size=1),
    pauses=st.lists(MICROSECONDS, min_size=1, max_size=12),
    processes=st.integers(1, 4),
    shared=st.booleans(),
    fixed=st.booleans(),
)
def test_however_calls_come_and_go_no_window_ever_holds_too_many(
    latencies: list[int], fates: list[Fate], pauses: list[int], processes: int, shared: bool, fixed: bool
) -> None:
    allowance = Allowance(calls=12, interval=1.0, longest=2.0)
    books = [Books(allowance, 1 if shared else processes) for _ in range(1 if shared else processes)]
    traffic = Traffic(books, latencies, fates, most=12, interval=SECOND, fixed=fixed)
    moment, pause = NOON, cycle(pauses)
    for number in range(60):
        traffic.at(moment, traffic.call, books[number % len(books)])
        moment += next(pause) if number % 20 else 0
    traffic.run(60)
    assert traffic.refused == 0
    assert traffic.done == 60


def backlog(traffic: Traffic, calls: int) -> float:
    """Work off so many, ten at once; seconds."""
    begun = NOON + 20 * SECOND
    traffic.backlog = calls - 10
    for _ in range(10):
        traffic.at(begun, traffic.call, traffic.books[0])
    traffic.run(calls)
    return (traffic.now - begun) / SECOND


SLOW = [20_000, 35_000, 90_000, 10_000, 50_000, 28_000, 61_000]
"""Microseconds, as HighLevel's answers take them."""


def test_alone_nearly_the_whole_rate_is_used() -> None:
    traffic = Traffic([Books(Allowance())], SLOW)
    assert 500 / (100 + 10 * backlog(traffic, 500)) >= 0.95
    assert traffic.refused == 0


@pytest.mark.parametrize(("others", "share"), [(30, 0.85), (90, 0.7)])
def test_what_others_spend_is_left_to_them_and_most_of_the_rest_is_used(others: int, share: float) -> None:
    traffic = Traffic([Books(Allowance())], SLOW)
    traffic.at(NOON, traffic.spend, 10 * SECOND // others)
    calls = 3 * (95 - others)
    seconds = backlog(traffic, calls)
    assert traffic.refused <= calls // 100
    assert calls / ((100 - others) * (1 + seconds / 10)) >= share
    assert traffic.others >= others * (seconds / 10)


def told(left: int, most: int = 100, **more: int) -> Limits:
    return Limits(burst_left=left, burst_limit=most, **more)


def take(books: Books, now: int, *, urgent: bool = False) -> Grant:
    leave = books.take(now, urgent=urgent)
    assert isinstance(leave, Grant)
    return leave


def wait(books: Books, now: int, *, urgent: bool = False) -> float:
    leave = books.take(now, urgent=urgent)
    assert isinstance(leave, Wait)
    return leave.seconds


def known(allowance: Allowance | None = None, *, left: int = 99, most: int = 100, **more: int) -> Books:
    """Books that a first answer was told to, at NOON."""
    books = Books(allowance or Allowance())
    books.answered(NOON, take(books, NOON), told(left, most, **more))
    return books


def granted(books: Books, now: int, *, urgent: bool = False) -> int:
    """How many have leave at once."""
    for number in range(1000):
        if isinstance(books.take(now, urgent=urgent), Wait):
            return number
    raise AssertionError("no limit")


def test_a_few_go_ahead_before_anything_is_known() -> None:
    books = Books(Allowance())
    assert granted(books, NOON) == 10
    assert wait(books, NOON) == 0.05
    assert granted(known(), NOON) == 99


def test_a_place_is_free_one_interval_after_the_answer() -> None:
    books = known(Allowance(calls=2), left=1, most=2)
    second = take(books, NOON + SECOND)
    assert wait(books, NOON + SECOND) == 9
    books.answered(NOON + 3 * SECOND, second, told(0, 2))
    take(books, NOON + 10 * SECOND)
    assert wait(books, NOON + 10 * SECOND) == 3


def test_a_call_of_which_nothing_is_told_holds_its_place_until_it_cannot_be_under_way() -> None:
    books = known(Allowance(calls=1, longest=30.0), left=0, most=1)
    take(books, NOON + 10 * SECOND)
    assert wait(books, NOON + 49 * SECOND) == 1
    take(books, NOON + 50 * SECOND)


def test_a_call_that_never_left_gives_its_place_back() -> None:
    books = known(Allowance(calls=2), left=1, most=2)
    grant = take(books, NOON)
    assert isinstance(books.take(NOON, urgent=False), Wait)
    books.unsent(NOON, grant)
    take(books, NOON)


def test_only_urgent_calls_use_what_is_kept_for_them() -> None:
    books = known(Allowance(kept=20))
    assert granted(books, NOON) == 79
    assert granted(books, NOON, urgent=True) == 20
    assert granted(known(Allowance(kept=90)), NOON) == 49, "half at most"


def test_size_and_length_of_the_window_are_learnt() -> None:
    books = known(left=49, most=50, interval=4000)
    assert granted(books, NOON) == 49
    assert wait(books, NOON + SECOND) == 3


def test_what_others_have_used_is_learnt_and_forgotten() -> None:
    books = known(left=69)
    assert granted(books, NOON) == 100 - 1 - 30 - 2, "a margin, while others spend"
    later = known(left=69)
    later.answered(NOON + SECOND, take(later, NOON + SECOND), told(98))
    assert granted(later, NOON + SECOND) == 98


def test_others_that_begin_to_spend_are_noticed() -> None:
    books = known()
    books.answered(NOON + 2 * SECOND, take(books, NOON + SECOND), told(58))
    assert granted(books, NOON + 2 * SECOND) == 100 - 2 - 40 - 3


def test_calls_of_ours_that_fell_free_while_one_was_answered_are_not_taken_for_those_of_others() -> None:
    books = known()
    for left in range(98, 88, -1):
        books.answered(NOON, take(books, NOON), told(left))
    slow = take(books, NOON + 9 * SECOND)
    books.answered(NOON + 11 * SECOND, slow, told(88))
    assert granted(books, NOON + 11 * SECOND) == 99


def test_what_is_believed_of_others_stays_while_answers_do_not_contradict_it() -> None:
    books = known(left=69)
    rush = [take(books, NOON) for _ in range(20)]
    for number, grant in enumerate(rush):
        books.answered(NOON + SECOND + number, grant, told(69 - 20))
    assert granted(books, NOON + 2 * SECOND) == 100 - 21 - 30 - 2


def test_where_others_use_everything_one_call_asks_now_and_then() -> None:
    books = known(left=0)
    assert wait(books, NOON + 5 * SECOND) == 5
    take(books, NOON + 10 * SECOND)
    assert wait(books, NOON + 10 * SECOND) == 2.5, "it may be lost"


def test_a_refusal_stops_all_and_each_further_one_for_longer() -> None:
    books, now, pauses = known(), NOON, []
    for _ in range(8):
        now += 10 * SECOND
        books.refused(now, take(books, now), None, None)
        pauses.append(wait(books, now))
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 10, 10]
    books.answered(now + 10 * SECOND, take(books, now + 10 * SECOND), told(99))
    books.refused(now + 20 * SECOND, take(books, now + 20 * SECOND), None, None)
    assert wait(books, now + 20 * SECOND) == 0.25, "an answer in between makes it the first again"


def test_calls_refused_together_are_one_refusal() -> None:
    books = known()
    for grant in [take(books, NOON) for _ in range(10)]:
        books.refused(NOON + SECOND, grant, told(0), None)
    assert wait(books, NOON + SECOND) == 0.25
    assert wait(books, NOON + 2 * SECOND) == 8, "until one of ours is free: others use all the rest"


def test_the_wait_that_a_refusal_tells_is_kept() -> None:
    books = known()
    books.refused(NOON, take(books, NOON), None, 7.5)
    assert wait(books, NOON) == 7.5
    books.refused(NOON, Grant("another"), None, 1.0)
    assert wait(books, NOON) == 7.5, "not shortened"
    books.refused(NOON, Grant("another"), None, 1e9)
    assert wait(books, NOON) == 3600


def test_the_day_is_counted_down_and_whole_again_when_its_answers_said() -> None:
    books = known(day_left=3, day_limit=1000, day_reset=120_000)
    assert granted(books, NOON) == 3
    assert wait(books, NOON) == 120
    assert granted(books, NOON + 120 * SECOND) == 10
    books = known(Allowance(day=11), left=99)
    assert granted(books, NOON) == 10
    assert wait(books, NOON) == 3600, "asked again within the hour, however long the day"


def test_calls_under_way_may_not_be_counted_in_what_is_left_of_the_day() -> None:
    books = known()
    first, *_ = [take(books, NOON) for _ in range(5)]
    books.answered(NOON, first, told(98, day_left=10))
    assert granted(books, NOON) == 10 - 4


def test_a_call_that_was_not_carried_out_is_none_of_the_day() -> None:
    books = known(day_left=2)
    books.unsent(NOON, take(books, NOON))
    books.refused(NOON, take(books, NOON), None, 0)
    later = NOON + 10 * SECOND
    books.answered(later, take(books, later), told(99))
    assert granted(books, later) == 1
    books = Books(Allowance(), processes=4)
    books.answered(NOON, take(books, NOON), told(99, day_left=11))
    assert granted(books, NOON) == 2, "a process's part of it"


def test_a_day_said_to_be_spent_without_saying_until_when_is_tried_again_after_an_hour() -> None:
    books = known(day_left=0)
    assert wait(books, NOON) == 3600
    take(books, NOON + HOUR)


def test_processes_that_do_not_know_of_each_other_grant_their_part() -> None:
    books = [Books(Allowance(day=40), processes=4) for _ in range(4)]
    for each in books:
        each.answered(NOON, take(each, NOON), told(99))
    assert [granted(each, NOON) for each in books] == [9] * 4, "of the day"
    books = [Books(Allowance(kept=20), processes=4) for _ in range(4)]
    for each in books:
        each.answered(NOON, take(each, NOON), told(96))
    assert [granted(each, NOON) for each in books] == [19] * 4
    assert [granted(each, NOON, urgent=True) for each in books] == [5] * 4


def test_calls_of_which_nothing_is_told_hold_up_an_idle_location_for_a_moment_only() -> None:
    books = Books(Allowance())
    assert granted(books, NOON) == 10, "a tenth goes ahead"
    assert wait(books, NOON + 2 * SECOND) < 0.1
    assert granted(books, NOON + 3 * SECOND) == 10


def test_calls_lost_sight_of_beside_a_busy_neighbour_do_not_stop_all_others() -> None:
    books = known()
    lost = NOON + 10 * SECOND
    for _ in range(3):
        take(books, lost)
    books.refused(lost + SECOND, take(books, lost), told(0), 0.0)
    assert wait(books, lost + 2 * SECOND) <= 2.5
    assert granted(books, lost + 4 * SECOND) == 1, "one finds out"


@pytest.mark.parametrize(("said", "kept"), [(10, 1), (10_000_000, 60), (20_000, 20)])
def test_an_interval_that_cannot_be_meant_neither_lifts_the_limit_nor_stops_all(said: int, kept: int) -> None:
    books = Books(Allowance())
    books.answered(NOON, take(books, NOON), told(99, interval=said))
    assert granted(books, NOON) == 99
    assert wait(books, NOON) == kept
