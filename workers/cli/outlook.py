"""The outlook of an intervention: which deliveries it can be done to, and what it would do to each of their steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rich.padding import Padding
from rich.text import Text

from service.store.held import Held
from service.store.interventions import Intervention
from workers.cli.live import said, state_of, step_of, terminal

MOST = 10_000
"""Deliveries of one command."""

TAKEN_UP = ("parked", "failed", "unknown", "skipped")
"""States of steps that `retry` brings back."""

WITHOUT_STEPS: Mapping[Intervention, str] = {
    "retry": "goes on where it stopped",
    "skip": "nothing is done for it any more",
    "park": "is kept as it is",
}
"""What is done to a delivery none of whose steps is concerned."""

ANEW = "decides anew"
IN_VAIN = "is parked again, as its rule is held"
CALLED_AGAIN = "sends it again with the same webhook-id"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """Deliveries that it can be done to, newest first; `more`: there are more than MOST."""

    rows: Sequence[Row]
    more: bool = False
    held: Sequence[Held] = ()
    """What holds some of them back, were they taken up."""

    def holds_rule(self, row: Row, rule: str) -> bool:
        return any(
            each.hold.rule == rule and each.hold.location_id in ("", row["location_id"])
            for each in self.held
            if each.hold.scope == "rule"
        )


def deliveries(number: int) -> str:
    return f"{number:,} {'delivery' if number == 1 else 'deliveries'}"


def concerned(holding: Sequence[Held], rows: Sequence[Row]) -> list[Held]:
    """Those that hold back one of these deliveries, or one of their rules."""
    about = {(row["location_id"], step["rule"]) for row in rows for step in row["steps"]}
    about |= {(row["location_id"], "") for row in rows}
    places = {"", *(location for location, _ in about)}
    rules = {("", rule) for _, rule in about} | about
    return [
        each
        for each in holding
        if each.hold.kind != "budget"
        and each.hold.location_id in places
        and (each.hold.scope != "rule" or (each.hold.location_id, each.hold.rule) in rules)
    ]


def tell(what: Intervention, found: Found, decided: Mapping[UUID, Sequence[Row]]) -> None:
    """What it would do to each."""
    console = terminal()
    for row in found.rows:
        console.print(Text.assemble(str(row["delivery_id"]), "  ", state_of(row)))
        steps = decided[row["delivery_id"]]
        again = {step["rule"] for step in steps if step["state"] in TAKEN_UP}
        told = [(words, step) for step in steps if (words := _would(what, step, again))]
        for words, step in told:
            if words == ANEW and found.holds_rule(row, step["rule"]):
                words = IN_VAIN
            console.print(Padding(Text.assemble((f"{words}: ", "bold"), step_of(step)), (0, 0, 0, 4)))
        if not told:
            console.print(Padding(Text(WITHOUT_STEPS[what], "dim"), (0, 0, 0, 4)))
    more = f"; there are more, and a command takes {MOST:,} at most" if found.more else ""
    console.print(said(f"{deliveries(len(found.rows))} to {what}{more}. Nothing was done."))


def _would(what: Intervention, step: Row, again: set[str]) -> str | None:
    """What becomes of a step; `again` are the rules of which one is taken up. None where nothing does."""
    state, is_open = step["state"], step["state"] in ("planned", "sent", "waiting")
    # Of what was posted to another system nobody can look whether it came there.
    called = step["action"] == "call"
    match what:
        case "retry" if state in TAKEN_UP:
            if not step["decided"] and state != "unknown":
                return ANEW
            if step["sent"] and state in ("parked", "unknown"):
                return CALLED_AGAIN if called else "looks for it, and sends it only if it is not there"
            return "sends it as it was decided"
        case "retry" if step["not_reached"] and step["rule"] in again:
            return "runs it afterwards"
        case "skip" if is_open or state == "parked":
            if step["sent"]:
                return "does not send it again" if called else "asks no more whether it was done"
            return "never sends it"
        case "park" if is_open:
            if step["sent"] and called:
                return "keeps it; retry sends it again with the same webhook-id"
            return "keeps it, to be looked for before it is sent again" if step["sent"] else "keeps it for later"
        case _:
            return None
