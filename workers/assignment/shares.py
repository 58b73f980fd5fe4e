"""Shares: who is next when bookings go to people by weight.

One booking is split among those who could take it, each by their weight; whoever gets it was given one. Nobody is due
anything of a booking that they could not take, so that a newcomer, or somebody back from leave, has nothing to catch
up on. What is kept are two numbers for each: bookings given, and the sum of the shares, which is what was due.

A booking that nothing came of can be taken back: its shares go from what was due, and it itself from what was given,
so that it counts as if it had never come.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from workers.assignment.candidate import Candidate
from workers.assignment.state import Share, State

DIGITS = 12
"""Of what is due: sums of shares are rounded, so that the same sums are equal however they came about."""

NEARLY = 10**-6


def split(fit: Sequence[Candidate]) -> dict[str, float]:
    """Each one's share of a booking, by their id."""
    whole = sum(candidate.weight for candidate in fit)
    return {candidate.person.id: candidate.weight / whole for candidate in fit}


def add(shares: Mapping[str, float], state: State) -> State:
    """With a booking's shares added to what is due."""
    due = {id_: round(state.due.get(id_, 0.0) + share, DIGITS) for id_, share in shares.items()}
    return replace(state, due={**state.due, **due})


def take_back(shares: Iterable[Share], state: State) -> State:
    """Without bookings that nothing came of."""
    given, due = dict(state.given), dict(state.due)
    for share in shares:
        given[share.given] = given.get(share.given, 0) - 1
        for id_, part in share.due.items():
            due[id_] = round(due.get(id_, 0.0) - part, DIGITS)
    return replace(state, given=given, due=due)


def next_by_weight(fit: Sequence[Candidate], state: State) -> Candidate:
    """Who gets a booking whose shares are added already.

    As long as the same people can take every booking, each is given what is due to within less than one, whatever the
    weights: of those who would not get ahead by a whole booking, the one who would first fall behind by one. (It is
    Tijdeman's answer to the chairman assignment problem, with its margin; simply to take whoever is owed most is off by
    more than one where weights are far apart.) Where some were away the shares do not come out even among those who are
    there, and whoever is owed most is next.
    """
    owed = [_owed(candidate, state) for candidate in fit]
    even = abs(sum(owed) - 1) < NEARLY
    if len(fit) == 1 or not even:
        return fit[max(range(len(fit)), key=lambda place: (owed[place], -place))]
    whole, margin = sum(candidate.weight for candidate in fit), 1 / (2 * len(fit) - 2)

    def falls_behind(place: int) -> tuple[int, float, int]:
        bookings = (1 - margin - owed[place]) * whole / fit[place].weight
        return math.ceil(round(bookings, 6)), -owed[place], place

    return fit[min((place for place in range(len(fit)) if owed[place] > margin - NEARLY), key=falls_behind)]


def give(candidate: Candidate, state: State) -> State:
    id_ = candidate.person.id
    return replace(state, given={**state.given, id_: state.given.get(id_, 0) + 1})


def _owed(candidate: Candidate, state: State) -> float:
    id_ = candidate.person.id
    return round(state.due.get(id_, 0.0) - state.given.get(id_, 0), DIGITS)
