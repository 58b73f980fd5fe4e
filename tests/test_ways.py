"""Ways of choosing somebody: how authors write them, how far each has to look, and what keeps them from flooding."""

from datetime import timedelta

import pytest

from tests.rule_files import DANA, KIM, action, faults, of_action
from tests.test_assignment import ALEXIS, DANNY, KIMMY, ROUND, TEAM, free, weighted
from workers.assignment.candidate import Candidate, Told
from workers.assignment.choice import choose, in_order
from workers.assignment.state import State
from workers.assignment.ways import Before, FirstFree, LeastBusy, SameAsBefore
from workers.names import Named
from workers.references import Reference
from workers.rulebook import read

SKILLED = f"""\
people:
  dana: {{id: {DANA}, skills: [Colour, spanish]}}
  kim: {KIM}
sources:
  sick_day: {{person: {{path: data.employee, kind: person}}, day: {{path: data.day, kind: moment}}}}
"""


def sick_day(then: str) -> str:
    return f"{SKILLED}rules:\n- {{name: one, when: external.sick_day, then: [{{do: assign, {then}}}]}}\n"


# How far each has to look


def test_whoever_comes_first_is_asked_first_and_where_it_hangs_on_all_everybody_is() -> None:
    people = (DANNY, KIMMY, ALEXIS)
    state = State(turns={"dana": 3, "kim": 1})
    assert in_order(ROUND, people, state) == [ALEXIS, KIMMY, DANNY]
    back = State(turns={"dana": 3, "kim": 1}, back={"dana": 1})
    assert in_order(ROUND, people, back) == [DANNY, ALEXIS, KIMMY]
    assert in_order(FirstFree(first_free=people), people, state) == people
    assert in_order(weighted([1, 1, 1])[0], people, state) is None
    assert in_order(LeastBusy(least_busy=TEAM), people, state) is None


def test_who_was_not_asked_is_told_so_and_not_chosen() -> None:
    way = FirstFree(first_free=(DANNY, KIMMY))
    choice = choose(way, [Candidate(DANNY), Candidate(KIMMY, asked=False)], State())
    assert (choice.person, choice.why) == (DANNY, "the first who is free")
    assert choice.candidates == (Told(DANNY, "free"), Told(KIMMY, "not asked"))


def test_of_some_who_were_asked_in_turn_the_same_one_is_chosen_as_of_all() -> None:
    state = State(turns={"dana": 3, "kim": 1, "alex": 2})
    busy = Candidate(KIMMY, "busy 12:00 to 13:00")
    of_all = choose(ROUND, [Candidate(DANNY), busy, Candidate(ALEXIS)], state)
    of_some = choose(ROUND, [Candidate(DANNY, asked=False), busy, Candidate(ALEXIS)], state)
    assert of_all.person == of_some.person == ALEXIS
    assert (of_all.why, of_all.state) == (of_some.why, of_some.state)


# What keeps them from flooding


def test_who_is_back_from_leave_catches_up_by_two_bookings_a_day_and_no_more() -> None:
    way = LeastBusy(least_busy=TEAM, over="month")
    month, day = {"dana": 40, "kim": 40, "alex": 4}, dict.fromkeys(("dana", "kim", "alex"), 0)
    given = []
    for _ in range(10):
        candidates = [
            Candidate(person, load=month[person.id], that_day=day[person.id]) for person in (DANNY, KIMMY, ALEXIS)
        ]
        chosen = choose(way, candidates, State()).person
        assert chosen is not None
        month[chosen.id] += 1
        day[chosen.id] += 1
        given.append(chosen.id)
        assert day["alex"] - min(day.values()) <= 2
    assert given[:4] == ["alex", "alex", "dana", "kim"]
    assert day == {"dana": 3, "kim": 3, "alex": 4}


def test_who_stands_back_for_that_day_is_told_with_the_reason() -> None:
    way = LeastBusy(least_busy=TEAM, over="week")
    candidates = [Candidate(DANNY, load=9, that_day=1), Candidate(KIMMY, load=2, that_day=3)]
    choice = choose(way, candidates, State())
    assert (choice.person, choice.why) == (DANNY, "fewest bookings that week: dana 9, kim 2 but 3 that day")
    assert choice.candidates == (Told(DANNY, "9"), Told(KIMMY, "2 but 3 that day"))
    alone = choose(way, [Candidate(DANNY, "off that day"), candidates[1]], State())
    assert alone.person == KIMMY, "nobody else could take it"


def test_who_was_away_takes_one_turn_and_then_waits_for_the_next() -> None:
    state = State(turns={"dana": 98, "kim": 99, "alex": 2})
    given = []
    for _ in range(4):
        choice = choose(ROUND, free(DANNY, KIMMY, ALEXIS), state)
        assert choice.person is not None
        given.append(choice.person.id)
        state = choice.state
    assert given == ["alex", "dana", "kim", "alex"]


# As an author writes them


def test_ties_and_facts_may_stand_where_a_person_may() -> None:
    ways = action("{do: assign, to: [{same_as_before: {within: 180d}}, same_as_before, contact_owner, kim]}").to
    since, ever, owner, kim = ways
    assert since == SameAsBefore(same_as_before=Before(within=timedelta(days=180)))
    assert ever == SameAsBefore(same_as_before=Before())
    assert (owner, kim) == ("contact_owner", Named(KIM, "kim"))
    [was] = action('{do: assign, to: "{{ was.assignee }}"}').to
    assert isinstance(was, Reference)
    assert was.fact.name == "was.assignee"


def test_what_a_rule_says_of_a_person_elsewhere_is_a_person_here() -> None:
    [entry] = read({"rules.yaml": sick_day('to: "{{ event.person }}"')}).entries
    assert entry.rule.then[0].facts == {"event.person"}
    assert faults(sick_day('to: "{{ event.day }}"'))[0].endswith("event.day is a moment, and a person is expected here")


def test_skills_and_credits_are_read_in_an_authors_words() -> None:
    assign = action("{do: assign, to: kim, needs: COLOUR}", SKILLED)
    assert assign.needs == ("colour",)
    assign = action("{do: assign, to: {round_robin: evening}, credit: [cancelled, no_show]}")
    assert assign.credit == ("cancelled", "no_show")
    assert action("{do: assign, to: {round_robin: evening}, credit: no_show}").credit == ("no_show",)


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        ("to: same_as_befor", "10:22: no person named 'same_as_befor'; did you mean 'same_as_before'?"),
        ("to: contact_ownr", "10:22: no person named 'contact_ownr'; did you mean 'contact_owner'?"),
        ("to: {same_as_before: {within: soon}}", "10:48: 'soon' is not a duration such as 90m, 2h, 1h30m, 3d or 2w"),
        ("to: {same_as_before: {over: 3d}}", "10:40: 'over' is not known in same_as_before; known: within"),
        ("to: kim, needs: [colour]", "10:35: nobody under people has the skill 'colour'"),
        ("to: kim, credit: cancelled", "10:27: credit is for round_robin and weighted, and no other way counts what "
         "was given"),
        ("to: {round_robin: evening}, credit: late", "10:54: 'late' is not known here; known: cancelled, no_show"),
        ('to: "{{ was.starts }}"', "10:22: was.starts is a moment, and a person is expected here"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    assert of_action(f"{{do: assign, {then}}}") == [f"rules.yaml:{refused}"]


def test_a_skill_that_is_misspelt_is_told_with_the_nearest() -> None:
    text = (
        f"{SKILLED}rules:\n- {{name: one, when: appointment.created, then: [{{do: assign, to: kim, needs: color}}]}}\n"
    )
    assert faults(text)[0].endswith("nobody under people has the skill 'color'; did you mean 'colour'?")
