"""Lanes: what overlaps on a day stands side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST = 5
"""Where more than so many overlap, the last lane says how many more there are."""


@dataclass(frozen=True)
class Span:
    """A stretch of a day, in any unit: where it begins and how long it is."""

    top: int
    height: int

    @property
    def bottom(self) -> int:
        return self.top + self.height


@dataclass(frozen=True)
class Lane:
    """The how manieth of how many, from 0. Of those `beyond` none is drawn."""

    number: int
    of: int
    beyond: bool = False


@dataclass(frozen=True)
class More:
    """In the last lane, in place of those beyond it."""

    span: Span
    lanes: int
    count: int


def side_by_side(spans: Sequence[Span]) -> tuple[list[Lane], list[More]]:
    """The lane of each, in their order, and what stands for those that have no room."""
    lanes: list[Lane] = [Lane(0, 1)] * len(spans)
    more: list[More] = []
    for cluster in _clusters(spans):
        numbers = _numbers([spans[index] for index in cluster])
        of = max(numbers) + 1
        full = of > MOST
        for index, number in zip(cluster, numbers, strict=True):
            lanes[index] = Lane(number, min(of, MOST), beyond=full and number >= MOST - 1)
        if full:
            more += _more(spans[index] for index in cluster if lanes[index].beyond)
    return lanes, more


def _clusters(spans: Sequence[Span]) -> Iterator[list[int]]:
    """What hangs together by overlapping, by its indices, earliest first."""
    cluster: list[int] = []
    bottom = 0
    for index in sorted(range(len(spans)), key=lambda index: (spans[index].top, -spans[index].height)):
        if cluster and spans[index].top >= bottom:
            yield cluster
            cluster = []
        bottom = max(bottom, spans[index].bottom) if cluster else spans[index].bottom
        cluster.append(index)
    if cluster:
        yield cluster


def _numbers(spans: Iterable[Span]) -> list[int]:
    """For each the first lane that is free."""
    bottoms: list[int] = []
    numbers = []
    for span in spans:
        number = next((lane for lane, bottom in enumerate(bottoms) if bottom <= span.top), len(bottoms))
        bottoms[number : number + 1] = [span.bottom]
        numbers.append(number)
    return numbers


def _more(spans: Iterable[Span]) -> Iterator[More]:
    """Each stretch of the last lane with what is in it; by their beginning, as a cluster has them."""
    held: list[Span] = []
    for span in spans:
        if held and span.top >= max(each.bottom for each in held):
            yield _together(held)
            held = []
        held.append(span)
    if held:
        yield _together(held)


def _together(spans: Sequence[Span]) -> More:
    top = spans[0].top
    return More(Span(top, max(span.bottom for span in spans) - top), MOST, len(spans))
