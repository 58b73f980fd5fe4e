"""The choice: one of the candidates by one of the ways, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from workers.assignment.candidate import Candidate, Told
from workers.assignment.shares import give, next_by_weight, split
from workers.assignment.state import State
from workers.assignment.ways import FirstFree, LeastBusy, RoundRobin, Way, Weighted
from workers.names import Named


@dataclass(frozen=True)
class Choice:
    """`why` is for a sentence, of nobody too; `state` is what the next choice goes by."""

    person: Named | None
    why: str
    candidates: tuple[Told, ...]
    state: State


def choose(way: Way, candidates: Sequence[Candidate], state: State) -> Choice:
    """Choose one of them: the same of the same, always. Of two who are even, the one who comes first."""
    reasons = [candidate.left_out for candidate in candidates if candidate.left_out]
    fit = [candidate for candidate in candidates if not candidate.left_out]
    if not fit:
        told = tuple(_told(candidate, None) for candidate in candidates)
        return Choice(None, "; ".join(reasons) or "the team is empty", told, state)
    chosen, words, scores, then = _one_of(way, fit, state)
    told = tuple(_told(candidate, scores.get(candidate.person.id)) for candidate in candidates)
    besides = f" ({'; '.join(reasons)})" if reasons else ""
    return Choice(chosen.person, words + besides, told, then)


def _one_of(way: Way, fit: Sequence[Candidate], state: State) -> tuple[Candidate, str, dict[str, str], State]:
    """Who it is, the words for it, the scores by a person's id, and the state then."""
    match way:
        case Named():
            return fit[0], "as the rule says", {}, state
        case FirstFree():
            return fit[0], "the first who is free", {}, state
        case RoundRobin(round_robin=team):
            chosen = min(fit, key=lambda candidate: state.turns.get(candidate.person.id, 0))
            number = max(state.turns.values(), default=0) + 1
            scores = {person: f"turn {turn}" for person, turn in state.turns.items()}
            then = State(turns={**state.turns, chosen.person.id: number})
            return chosen, f"next in turn of {team}", scores, then
        case LeastBusy(over=period):
            chosen = min(fit, key=lambda candidate: candidate.load)
            scores = {candidate.person.id: str(candidate.load) for candidate in fit}
            return chosen, f"fewest bookings that {period}: {_listed(fit, scores)}", scores, state
        case Weighted(over=period):
            shared = split(fit, state)
            chosen = next_by_weight(fit, shared)
            scores = {
                person: f"{shared.given.get(person, 0)} of {due:.1f}" for person, due in sorted(shared.due.items())
            }
            return chosen, f"next by weight that {period}: {_listed(fit, scores)}", scores, give(chosen, shared)
        case _:
            assert_never(way)


def _listed(fit: Sequence[Candidate], scores: dict[str, str]) -> str:
    return ", ".join(f"{candidate.person} {scores[candidate.person.id]}" for candidate in fit)


def _told(candidate: Candidate, score: str | None) -> Told:
    if candidate.left_out:
        return Told(candidate.person, left_out=candidate.left_out)
    filled = None if candidate.per_day is None else f"{candidate.that_day} of {candidate.per_day} that day"
    return Told(candidate.person, score="; ".join(filter(None, (score, filled))) or "free")
