"""Placement: the classes that say where on a day something stands, since a page's policy allows no style of its own."""

from markupsafe import Markup

from service.sandbox.page.lanes import MOST, Lane, Span

STEP = 5
"""Minutes; times of the day are drawn to the nearest."""
STEPS = 24 * 60 // STEP


def stylesheet() -> str:
    """`t12 h6`: an hour below the first one shown and half an hour long. `l1 of3`: the second lane of three."""
    rules = [f".t{number}{{--top:{number}}}.h{number}{{--height:{number}}}" for number in range(STEPS + 1)]
    rules += [f".l{number}{{--lane:{number}}}.of{number + 1}{{--of:{number + 1}}}" for number in range(1, MOST)]
    return "\n".join(rules) + "\n"


def placed(span: Span, lane: Lane | None = None, *, beside: bool = False) -> Markup:
    """The classes of something drawn there; `beside` what is on meanwhile."""
    place = f"t{span.top} h{span.height}"
    if lane is not None:
        if lane.of > 1:
            place += f" l{lane.number} of{lane.of}"
        place += " strip" * lane.strip + " full" * lane.full + " beyond" * lane.beyond
    return Markup(place + " aside" * beside)  # noqa: S704 (numbers and words of ours)
