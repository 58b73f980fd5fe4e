"""Placement: the classes that say where on a day something stands, since a page's policy allows no style of its own."""

from service.sandbox.page.lanes import MOST, Lane, Span

STEP = 5
"""Minutes; times of the day are drawn to the nearest."""
STEPS = 24 * 60 // STEP


def stylesheet() -> str:
    """`t12 h6`: an hour below the first one shown and half an hour long. `l1 of3`: the second lane of three."""
    rules = [f".t{number}{{--top:{number}}}.h{number}{{--height:{number}}}" for number in range(STEPS + 1)]
    rules += [f".l{number}{{--lane:{number}}}.of{number + 1}{{--of:{number + 1}}}" for number in range(MOST)]
    return "\n".join(rules) + "\n"


def placed(span: Span, lane: Lane | None = None) -> str:
    """The classes of something drawn there."""
    place = f"t{span.top} h{span.height}"
    return place if lane is None else f"{place} l{lane.number} of{lane.of}{' beyond' if lane.beyond else ''}"
