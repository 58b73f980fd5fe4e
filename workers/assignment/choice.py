"""The choice: one of the candidates by one of the ways, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from workers.assignment.candidate import Candidate, Told
from workers.assignment.shares import add, give, next_by_weight, split
from workers.assignment.state import Share, State
from workers.assignment.ways import FirstFree, LeastBusy, RoundRobin, SameAsBefore, Way, Weighted
from workers.names import Named
from workers.references import Reference

CATCHES_UP = 2
"""So many bookings more than another who could take it is the most that anybody is given on one day because they have
fewer in the week or month: who is new, or back from leave, is not given all there is until they are even."""


@dataclass(frozen=True)
class Choice:
    """`why` is for a sentence, of nobody too; `state` is what the next choice goes by. `share`: what the booking did to
    it; `came_back`: that the turn taken is one that had come back to them."""

    person: Named | None
    why: str
    candidates: tuple[Told, ...]
    state: State
    share: Share | None = None
    came_back: bool = False


def in_order(way: Way, people: Sequence[Named], state: State) -> Sequence[Named] | None:
    """In which order they come into question, so that only those before the first who can take it need be looked at;
    None where it hangs on all of them."""
    match way:
        case Weighted() | LeastBusy():
            return None
        case RoundRobin():
            return sorted(people, key=lambda person: _place(person, state))
        case _:
            return people


def choose(way: Way, candidates: Sequence[Candidate], state: State, nobody: str = "the team is empty") -> Choice:
    """Choose one of them: the same of the same, always. Of two who are even, the one who comes first. `nobody` is said
    where there is no candidate at all."""
    reasons = [candidate.left_out for candidate in candidates if candidate.left_out]
    fit = [candidate for candidate in candidates if candidate.asked and not candidate.left_out]
    if not fit:
        told = tuple(_told(candidate, None) for candidate in candidates)
        return Choice(None, "; ".join(reasons) or nobody, told, state)
    chosen, words, scores, choice = _one_of(way, fit, state)
    told = tuple(_told(candidate, scores.get(candidate.person.id)) for candidate in candidates)
    besides = f" ({'; '.join(reasons)})" if reasons else ""
    return replace(choice, person=chosen.person, why=words + besides, candidates=told)


def _one_of(way: Way, fit: Sequence[Candidate], state: State) -> tuple[Candidate, str, dict[str, str], Choice]:
    """Who it is, the words for it, the scores by a person's id, and what becomes of the state."""
    unmoved = Choice(None, "", (), state)
    match way:
        case Named() | Reference():
            return fit[0], "as the rule says", {}, unmoved
        case "contact_owner":
            return fit[0], "the contact's owner", {}, unmoved
        case SameAsBefore():
            return fit[0], "the same as before", {}, unmoved
        case FirstFree():
            return fit[0], "the first who is free", {}, unmoved
        case RoundRobin(round_robin=team):
            return _next_in_turn(str(team), fit, state)
        case LeastBusy(over=period):
            chosen, scores = _least_busy(fit, catching_up=period != "day")
            return chosen, f"fewest bookings that {period}: {_listed(fit, scores)}", scores, unmoved
        case Weighted(over=period):
            shares = split(fit)
            shared = add(shares, state)
            chosen = next_by_weight(fit, shared)
            scores = {
                person: f"{shared.given.get(person, 0)} of {due:.1f}" for person, due in sorted(shared.due.items())
            }
            share = Share(chosen.person.id, shares)
            words = f"next by weight that {period}: {_listed(fit, scores)}"
            return chosen, words, scores, Choice(None, "", (), give(chosen, shared), share)
        case _:
            assert_never(way)


def _place(person: Named, state: State) -> tuple[bool, int]:
    """Who has a turn that came back is first; then who has not had one for longest, and so whoever never had one."""
    return not state.back.get(person.id), state.turns.get(person.id, 0)


def _next_in_turn(team: str, fit: Sequence[Candidate], state: State) -> tuple[Candidate, str, dict[str, str], Choice]:
    chosen = min(fit, key=lambda candidate: _place(candidate.person, state))
    id_ = chosen.person.id
    scores = {person: f"turn {turn}" for person, turn in state.turns.items()}
    share = Share(id_)
    if state.back.get(id_):
        # Their own next turn stays where it is.
        return chosen, f"a turn of {team} that came back", scores, Choice(None, "", (), state, share, came_back=True)
    number = max(state.turns.values(), default=0) + 1
    then = replace(state, turns={**state.turns, id_: number})
    return chosen, f"next in turn of {team}", scores, Choice(None, "", (), then, share)


def _least_busy(fit: Sequence[Candidate], *, catching_up: bool) -> tuple[Candidate, dict[str, str]]:
    """Who it is, and the scores by a person's id."""
    scores = {candidate.person.id: str(candidate.load) for candidate in fit}
    most = min(candidate.that_day for candidate in fit) + CATCHES_UP - 1
    in_question = [candidate for candidate in fit if not catching_up or candidate.that_day <= most]
    if len(in_question) < len(fit):
        for candidate in fit:
            if candidate.that_day > most:
                scores[candidate.person.id] += f" but {candidate.that_day} that day"
    return min(in_question, key=lambda candidate: candidate.load), scores


def _listed(fit: Sequence[Candidate], scores: dict[str, str]) -> str:
    return ", ".join(f"{candidate.person} {scores[candidate.person.id]}" for candidate in fit)


def _told(candidate: Candidate, score: str | None) -> Told:
    if candidate.left_out:
        return Told(candidate.person, left_out=candidate.left_out)
    if not candidate.asked:
        return Told(candidate.person, score="not asked")
    filled = None if candidate.per_day is None else f"{candidate.that_day} of {candidate.per_day} that day"
    return Told(candidate.person, score="; ".join(filter(None, (score, filled))) or "free")
