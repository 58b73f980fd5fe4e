"""What came of a trial, as people and programs read it: in the words and marks of `slotwright history`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.store.history import plain
from service.store.locations import Location
from service.store.steps import Step
from service.store.verdicts import Verdict
from workers.cli.live import HELD, MARKS, candidates_of, check_of, indented, said, words_of
from workers.conduct_words import write_limit, write_once_per
from workers.judge import Meaning, NoNews, mode_of
from workers.rule import Rule
from workers.rulebook import Rulebook
from workers.trial import Tried, unheard
from workers.values import in_zone, write_moment

WRITES, LEFT = MARKS["shadow"], MARKS["unchanged"]


@dataclass(frozen=True)
class Account:
    """`named` is the delivery, as it was asked for; `offline`: nothing was looked up, so nothing planned."""

    rulebook: Rulebook
    location: Location
    tried: Tried
    named: str
    offline: bool = False
    overrides: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def news(self) -> tuple[list[str], list[str]]:
        """What it is news of, and of what besides for rules that hear of our own changes."""
        found = self.tried.found
        return (sorted(found.triggers), sorted(found.own)) if isinstance(found, Meaning) else ([], [])

    @property
    def why_nothing(self) -> str | None:
        """Why there is nothing that a rule could be asked about."""
        found = self.tried.found
        if isinstance(found, NoNews):
            return found.reason
        if found.triggers | found.own:
            return None
        return "an echo: nothing that a rule can ask about has changed"

    def here(self, verdict: Verdict) -> str | None:
        """The mode in which the location has this rule, where that is not its own."""
        mode = mode_of(self.rulebook.entries[verdict.place], self.location, self.overrides)
        return None if self.offline or mode == verdict.mode else mode

    def silent(self) -> Iterator[tuple[str, str]]:
        """The rules that were not asked, each with why."""
        found = self.tried.found
        if isinstance(found, NoNews):
            return
        asked = {verdict.place for verdict in self.tried.verdicts}
        for place, entry in enumerate(self.rulebook):
            if place not in asked:
                yield entry.rule.name, unheard(found, entry, self.location)


def as_json(account: Account) -> str:
    """One object. A step without `operation` would write nothing, for its `reason`; `mode_here` is where something
    keeps the rule back in the location."""
    delivery, (told, own) = account.tried.delivery, account.news
    value = {
        "delivery": account.named,
        "event": delivery.event,
        "location_id": delivery.location_id,
        "appointment_id": delivery.appointment_id,
        "contact_id": delivery.contact_id,
        "triggers": told,
        "own_changes": own,
        "reason": account.why_nothing,
        "offline": account.offline,
        "rules": [_rule(account, verdict) for verdict in account.tried.verdicts],
        "not_listening": [{"rule": rule, "reason": reason} for rule, reason in account.silent()],
    }
    return json.dumps(value, default=plain, indent=2, ensure_ascii=False)


def _rule(account: Account, verdict: Verdict) -> Mapping[str, Any]:
    rule = account.rulebook.entries[verdict.place].rule
    return {
        "rule": verdict.rule,
        "mode": verdict.mode,
        "mode_here": account.here(verdict),
        "held": verdict.held,
        "checks": verdict.checks,
        "steps": [
            {
                "action": step.action,
                "otherwise": rule.is_otherwise(step.place),
                "sentence": step.sentence,
                "reason": step.reason,
                "operation": step.operation,
                "candidates": step.meant.get("candidates", []),
            }
            for step in account.tried.steps.get(verdict.rule, ())
        ],
    }


def print_account(account: Account, console: Console, *, every: bool) -> None:
    """`every`: with the rules that do not listen."""
    console.print(_heading(account))
    for verdict in account.tried.verdicts:
        _print_rule(account, verdict, console)
    console.print()
    if account.why_nothing:
        console.print(Text(f"No rule is asked: {said(account.why_nothing)}."))
        return
    silent, number = list(account.silent()), len(account.tried.verdicts)
    listen = f"{number} rule{'s' * (number != 1)} listen{'s' * (number == 1)}"
    more = "; --all names them, and says why" if silent and not every else ""
    console.print(Text(f"{listen}, {len(silent)} {'do' if len(silent) != 1 else 'does'} not{more}.", "dim"))
    for rule, reason in silent if every else ():
        console.print(indented(Text.assemble(f"- {said(rule)}", (f": {said(reason)}", "dim"))))
    if account.offline:
        console.print(Text("Offline: nothing is looked up, and no step is planned.", "dim"))


def _heading(account: Account) -> Table:
    delivery, location, (told, own) = account.tried.delivery, account.location, account.news
    back = {"shadow": ", which is in shadow", "off": ", which is off"}.get(location.mode, "")
    ours = f" (our own change: {words_of(own)})" if own else ""
    lines = {
        "delivery": account.named,
        "event": delivery.event,
        "location": (location.name or location.location_id) + back,
        "appointment": delivery.appointment_id,
        "booking": _booking(account),
        "contact": None if delivery.appointment_id else delivery.contact_id,
        "triggers": words_of(told) + ours,
    }
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in lines.items():
        if value:
            grid.add_row(Text(name, "dim"), Text(said(value), overflow="fold"))
    return grid


def _booking(account: Account) -> str:
    found = account.tried.found
    if isinstance(found, NoNews) or found.seen is None:
        return ""
    booking = found.seen.booking
    starts = write_moment(in_zone(booking.starts, account.location.zone))
    return " · ".join(filter(None, (booking.title, starts, "deleted" if booking.deleted else booking.status)))


def _print_rule(account: Account, verdict: Verdict, console: Console) -> None:
    rule, (mark, colour) = account.rulebook.entries[verdict.place].rule, HELD[verdict.held]
    here = account.here(verdict)
    mode = f"{verdict.mode}; {here} here" if here else verdict.mode
    console.print(Text.assemble("\n", (mark, colour), (f" {said(verdict.rule)}", "bold"), f" ({mode})"))
    for check in verdict.checks:
        console.print(indented(check_of(check)))
    if verdict.held and (counted := _counted(rule)):
        console.print(indented(Text(f"not counted in a trial: {counted}", "dim")))
    for step in account.tried.steps.get(verdict.rule, ()):
        _print_step(rule, step, console)


def _print_step(rule: Rule, step: Step, console: Console) -> None:
    mark, colour = WRITES if step.operation else LEFT
    otherwise = "otherwise " if rule.is_otherwise(step.place) else ""
    reason = (f": {said(step.reason)}", "dim") if step.reason else ""
    console.print(indented(Text.assemble(f"→ {otherwise}", (mark, colour), f" {said(step.sentence)}", reason)))
    for candidate in candidates_of(step.meant.get("candidates", ())) if step.operation else ():
        console.print(indented(candidate, by=8))


def _counted(rule: Rule) -> str:
    """What of its conduct hangs on what it did before."""
    once = f"once per {write_once_per(rule.once_per)}" if rule.once_per else ""
    limit = f"at most {write_limit(rule.most)}" if rule.most else ""
    return ", ".join(filter(None, (once, limit)))
