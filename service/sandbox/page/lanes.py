"""Lanes: what overlaps on a day stands side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST = 3
"""Where more than so many overlap, beside the last lane but one is said how many more there are. A name can be read in
a third of a day's width on a usual screen, not in less."""


@dataclass(frozen=True)
class Span:
    """A stretch of a day, in any unit: where it begins and how long it is."""

    top: int
    height: int

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def steps(self) -> range:
        return range(self.top, self.bottom)

    def overlaps(self, other: "Span") -> bool:
        return self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True)
class Lane:
    """The how manieth of how many, from 0. Of those `beyond` none is drawn."""

    number: int
    of: int
    beyond: bool = False
    strip: bool = False
    """Something is free meanwhile: there is a strip for it beside the lanes, and a lane less."""
    full: bool = False
    """There are some beyond."""


@dataclass(frozen=True)
class More:
    """Beside the last lane, in place of those beyond it."""

    span: Span
    lane: Lane
    count: int


def side_by_side(spans: Sequence[Span], free: Sequence[Span] = ()) -> tuple[list[Lane], list[More]]:
    """The lane of each, in their order, and what stands for those that have no room."""
    lanes: list[Lane] = [Lane(0, 1)] * len(spans)
    more: list[More] = []
    for cluster in _clusters(spans):
        numbers = _numbers([spans[index] for index in cluster])
        whole = _together([spans[index] for index in cluster])
        strip = any(whole.overlaps(each) for each in free)
        of, most = max(numbers) + 1, MOST - 1 if strip else MOST
        full = of > most
        if full:
            of = most - 1
        for index, number in zip(cluster, numbers, strict=True):
            lanes[index] = Lane(min(number, of - 1), of, number >= of, strip, full)
        beyond = [spans[index] for index in cluster if lanes[index].beyond]
        more += [More(span, Lane(of - 1, of, strip=strip, full=True), count) for span, count in _stretches(beyond)]
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


def _stretches(spans: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    """Each stretch of them with how many are in it; by their beginning, as a cluster has them."""
    held: list[Span] = []
    bottom = 0
    for span in spans:
        if held and span.top >= bottom:
            yield _together(held), len(held)
            held = []
        bottom = max(bottom, span.bottom) if held else span.bottom
        held.append(span)
    if held:
        yield _together(held), len(held)


def _together(spans: Sequence[Span]) -> Span:
    top = spans[0].top
    return Span(top, max(span.bottom for span in spans) - top)
