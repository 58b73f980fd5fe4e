"""Assignment: whom each way chooses among candidates, and what is said of those who were not chosen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.house import LONDON
from tests.rule_files import DANA, KIM, action, faults, of_action
from workers.assignment.candidate import Candidate, Told
from workers.assignment.choice import Choice, choose
from workers.assignment.state import State, account_of
from workers.assignment.ways import FirstFree, LeastBusy, RoundRobin, Way, Weighted
from workers.names import Named, Team
from workers.periods import Period, bounds
from workers.rulebook import read

PEOPLE = [Named(name, name) for name in ("dana", "kim", "alex", "robin", "sam", "toni", "uli", "vic")]
DANNY, KIMMY, ALEXIS = PEOPLE[:3]
TEAM = Team("evening", tuple(PEOPLE[:3]))
ROUND = RoundRobin(round_robin=TEAM)
BUSY = "busy 12:00 to 13:00"
NOON = datetime(2026, 3, 25, 12, tzinfo=LONDON)

WEIGHTS = st.lists(
    st.one_of(st.integers(1, 5), st.sampled_from([97, 100]), st.integers(1, 1000)), min_size=1, max_size=8
)


def free(*people: Named) -> list[Candidate]:
    return [Candidate(person) for person in people]


def weighted(weights: Sequence[int]) -> tuple[Weighted, list[Candidate]]:
    pairs = list(zip(PEOPLE, weights, strict=False))
    return Weighted(weighted=tuple(pairs)), [Candidate(person, weight=weight) for person, weight in pairs]


class Rota:
    """Bookings given one after the other, and by how far each person was ahead of their share, or behind it."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.state = State()
        self.ahead = 0.0
        self.behind = 0.0

    def give(self, candidates: Sequence[Candidate]) -> str:
        before = State.of(self.way, self.state.kept(self.way))
        choice = choose(self.way, candidates, before)
        assert choice == choose(self.way, candidates, before), "the same of the same"
        assert choice.person is not None
        self.state = choice.state
        for person, due in self.state.due.items():
            off = self.state.given.get(person, 0) - due
            self.ahead, self.behind = max(self.ahead, off), max(self.behind, -off)
        return choice.person.id


@settings(max_examples=150, deadline=None)
@given(weights=WEIGHTS, bookings=st.integers(1, 150))
def test_by_weight_each_has_their_share_within_one_booking_at_any_time(weights: list[int], bookings: int) -> None:
    way, candidates = weighted(weights)
    rota = Rota(way)
    for number in range(1, bookings + 1):
        rota.give(candidates)
        for candidate in candidates:
            target = number * candidate.weight / sum(weights)
            assert abs(rota.state.given.get(candidate.person.id, 0) - target) < 1
    assert sum(rota.state.given.values()) == bookings


@settings(max_examples=150, deadline=None)
@given(
    weights=st.lists(st.integers(1, 1000), min_size=3, max_size=3),
    away=st.lists(st.sets(st.integers(0, 2), max_size=2)),
)
def test_of_three_nobody_is_given_more_than_one_above_their_share_of_what_they_could_take(
    weights: list[int], away: list[set[int]]
) -> None:
    way, candidates = weighted(weights)
    rota = Rota(way)
    for absent in away:
        rota.give([replace(each, unfit=BUSY if place in absent else None) for place, each in enumerate(candidates)])
    assert rota.ahead < 1
    assert rota.behind < 1


@settings(max_examples=100, deadline=None)
@given(weights=WEIGHTS, away=st.lists(st.sets(st.integers(0, 7)), max_size=80))
def test_however_many_are_away_nobody_drifts_off_their_share(weights: list[int], away: list[set[int]]) -> None:
    way, candidates = weighted(weights)
    rota = Rota(way)
    for absent in away:
        mixed = [replace(each, unfit=BUSY if place in absent else None) for place, each in enumerate(candidates)]
        if any(each.left_out is None for each in mixed):
            rota.give(mixed)
    assert rota.ahead < 2
    assert rota.behind < 2


def test_fifty_thirty_twenty_comes_out_to_the_booking() -> None:
    way, candidates = weighted([50, 30, 20])
    rota = Rota(way)
    assert [rota.give(candidates) for _ in range(10)].count("dana") == 5
    for _ in range(190):
        rota.give(candidates)
    assert rota.state.given == {"dana": 100, "kim": 60, "alex": 40}


def test_who_was_away_has_nothing_to_catch_up_on_and_neither_has_a_newcomer() -> None:
    way, candidates = weighted([50, 30, 20])
    rota = Rota(way)
    for _ in range(100):
        rota.give([replace(candidates[0], unfit=BUSY), *candidates[1:]])
    back = [rota.give(candidates) for _ in range(10)]
    assert [back.count(person) for person in ("dana", "kim", "alex")] == [5, 3, 2]
    four, more = weighted([50, 30, 20, 100])
    late = Rota(four)
    late.state = rota.state
    assert [late.give(more) for _ in range(10)].count("robin") == 5


def test_round_robin_gives_a_newcomer_one_turn_and_passes_over_who_cannot() -> None:
    rota = Rota(ROUND)
    assert [rota.give(free(DANNY, KIMMY)) for _ in range(5)] == ["dana", "kim", "dana", "kim", "dana"]
    busy = [Candidate(DANNY), Candidate(KIMMY, BUSY), Candidate(ALEXIS)]
    assert [rota.give(busy) for _ in range(3)] == ["alex", "dana", "alex"]
    assert [rota.give(free(DANNY, KIMMY, ALEXIS)) for _ in range(4)] == ["kim", "dana", "alex", "kim"]


def test_least_busy_is_who_has_the_fewest_and_of_two_the_first() -> None:
    way = LeastBusy(least_busy=TEAM, over="week")
    loads = [Candidate(DANNY, load=3), Candidate(KIMMY, load=1), Candidate(ALEXIS, load=1)]
    choice = choose(way, loads, State())
    assert (choice.person, choice.why) == (KIMMY, "fewest bookings that week: dana 3, kim 1, alex 1")
    assert choice.candidates == (Told(DANNY, "3"), Told(KIMMY, "1"), Told(ALEXIS, "1"))


def test_first_free_is_the_first_in_the_list_who_can() -> None:
    way = FirstFree(first_free=(DANNY, KIMMY))
    choice = choose(way, [Candidate(DANNY, BUSY), Candidate(KIMMY)], State())
    assert (choice.person, choice.why) == (KIMMY, f"the first who is free (dana: {BUSY})")


@pytest.mark.parametrize(
    "way", [DANNY, ROUND, LeastBusy(least_busy=TEAM), weighted([1])[0], FirstFree(first_free=(DANNY,))]
)
def test_nobody_is_chosen_where_nobody_can_and_every_reason_is_told(way: Way) -> None:
    state = State(turns={"dana": 1}, given={"dana": 1}, due={"dana": 1.0})
    full = [Candidate(DANNY, that_day=4, per_day=4), Candidate(KIMMY, "not on the calendar's team")]
    choice = choose(way, full, state)
    reasons = ("dana: 4 of 4 that day", "kim: not on the calendar's team")
    told = tuple(Told(person, left_out=reason) for person, reason in zip((DANNY, KIMMY), reasons, strict=True))
    assert choice == Choice(None, "; ".join(reasons), told, state)
    assert choose(way, (), state).why == "the team is empty"


def test_a_day_that_is_not_full_yet_is_told_with_the_score() -> None:
    way, candidates = weighted([50, 50])
    choice = choose(way, [replace(candidates[0], that_day=3, per_day=4), candidates[1]], State())
    assert choice.why == "next by weight that month: dana 0 of 0.5, kim 0 of 0.5"
    assert [told.stored() for told in choice.candidates] == [
        {"id": "dana", "name": "dana", "score": "0 of 0.5; 3 of 4 that day", "left_out": None},
        {"id": "kim", "name": "kim", "score": "0 of 0.5", "left_out": None},
    ]


def test_shares_are_kept_by_people_and_period_and_turns_by_team() -> None:
    def name(way: Way, starts: datetime = NOON) -> str:
        account = account_of(way, "calendar-1", starts)
        assert account is not None
        return account[0]

    def over(period: Period, *people: Named) -> Weighted:
        return Weighted(weighted=tuple((person, 1) for person in people), over=period)

    month = over("month", DANNY, KIMMY)
    assert name(month) == name(over("month", KIMMY, DANNY)) == name(month, NOON.replace(day=1))
    others = [over("week", DANNY, KIMMY), over("month", DANNY), over("month", DANNY, KIMMY, ALEXIS)]
    assert len({name(month), name(month, NOON.replace(month=4)), *map(name, others)}) == 5
    assert account_of(month, "", NOON) == (name(month), datetime(2026, 4, 1, tzinfo=LONDON))
    assert account_of(ROUND, "", NOON) == ("evening", None)
    assert account_of(RoundRobin(round_robin=Team("calendar", None)), "calendar-1", NOON) == (
        "calendar calendar-1",
        None,
    )
    assert account_of(DANNY, "", NOON) is None
    assert State.of(ROUND, {"dana": 3}).kept(ROUND) == {"dana": 3}, "as the release before keeps it"


@pytest.mark.parametrize(
    ("period", "first", "end"),
    [("day", "2026-03-29", "2026-03-30"), ("week", "2026-03-23", "2026-03-30"), ("month", "2026-03-01", "2026-04-01")],
)
def test_a_period_is_whole_across_a_change_of_the_clocks(period: Period, first: str, end: str) -> None:
    """London's clocks go forward in the night to 29 March 2026."""
    found = bounds(datetime(2026, 3, 29, 23, 30, tzinfo=LONDON), period)
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in found] == [f"{first} 00:00", f"{end} 00:00"]


# As an author writes it


def test_every_way_may_be_written_alone_or_in_a_list() -> None:
    [way] = action("{do: assign, to: {weighted: {dana: 50, kim: 30}, over: week}}").to
    assert way == Weighted(weighted=((Named(DANA, "dana"), 50), (Named(KIM, "kim"), 30)), over="week")
    assert action("{do: assign, to: {weighted: {dana: 1}}}").to[0].over == "month"
    [way] = action("{do: assign, to: {first_free: [kim, dana]}}").to
    assert way == FirstFree(first_free=(Named(KIM, "kim"), Named(DANA, "dana")))
    ways = action("{do: assign, to: [kim, {round_robin: evening}, {first_free: [dana]}]}").to
    assert [type(way) for way in ways] == [Named, RoundRobin, FirstFree]


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        ("to: {weighted: [dana]}", "10:33: people and their weights expected, as in {dana: 50, kim: 30}, found a list"),
        ("to: {weighted: {}}", "10:33: at least one person expected"),
        ("to: {weighted: {dana: 0}}", "10:40: a whole number from 1 to 1000 expected, found the number 0"),
        ("to: {weighted: {dana: 1, kimm: 1}}", "10:43: no person named 'kimm'; did you mean 'kim'?"),
        (f"to: {{weighted: {{dana: 1, {DANA}: 1}}}}", f"10:43: '{DANA}' stands here twice: it is dana too"),
        ("to: {weighted: {dana: 1}, over: year}", "10:50: 'year' is not known here; known: day, week, month"),
        ("to: {first_free: kim}", "10:35: a list ([this, that], or lines that begin with -) expected, found 'kim'"),
        ("to: {first_free: []}", "10:35: it must not be empty"),
        ("to: []", "10:22: it must not be empty"),
        ("to: [kim, {first_free: [kimm]}]", "10:42: no person named 'kimm'; did you mean 'kim'?"),
    ],
)
def test_a_way_that_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    assert of_action(f"{{do: assign, {then}}}") == [f"rules.yaml:{refused}"]


@pytest.mark.parametrize("said", ["0", "201", "true", "'5'", "null"])
def test_a_day_takes_from_1_to_200_bookings(said: str) -> None:
    [told] = faults(f"people: {{dana: {{id: {DANA}, per_day: {said}}}}}")
    assert told.startswith("rules.yaml:1:52: a whole number from 1 to 200 expected, found ")


def test_a_limit_travels_with_the_person_by_whatever_name() -> None:
    files = {
        "names.yaml": f"people: {{dana: {{id: {DANA}, per_day: 5}}, kim: {{id: {KIM}, per_day: 200}}}}",
        "salon/rules.yaml": f"people: {{danny: {DANA}, kim: {{id: {KIM}, per_day: 3}}}}\nrules:\n"
        "- {name: one, when: appointment.created, then: [{do: assign, to: danny}]}\n",
    }
    [entry] = read(files)
    assert {id_: profile.per_day for id_, profile in entry.names.profiles.items()} == {DANA: 5, KIM: 3}
