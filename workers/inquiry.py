"""An inquiry: conditions judged, and facts known, with all that must be looked up for it and no more."""

from typing import Any

from workers.conditions import Conditions, Judgement, judge
from workers.facts import Facts
from workers.lookups import Lookup, Reading


async def judged(conditions: Conditions, facts: Facts, reading: Reading | None, looked: dict[Lookup, Any]) -> Judgement:
    """Look up one thing after the other, as long as the conditions may still hold; nothing without a `reading`.
    `looked` is what `facts` see; it grows. Raises HighLevelError."""
    judgement = judge(conditions, facts)
    while reading and (wanting := judgement.wanting):
        looked[wanting[0]] = await wanting[0].read(reading)
        judgement = judge(conditions, facts)
    return judgement


async def look_up(facts: Facts, names: frozenset[str], reading: Reading, looked: dict[Lookup, Any]) -> None:
    """Read what these facts need. Raises HighLevelError."""
    while wanting := facts.wanting(names):
        # What the first finds may make another unnecessary, or ask for one more.
        looked[wanting[0]] = await wanting[0].read(reading)
