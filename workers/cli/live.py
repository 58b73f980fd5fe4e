"""What is shown on a terminal: words, marks, tables, and the table that is redrawn while things happen."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

MARKS = {
    "done": ("✓", "green"),
    "unchanged": ("=", "dim"),
    "shadow": ("~", "cyan"),
    "failed": ("✗", "red"),
    "unknown": ("?", "red"),
    "parked": ("!", "yellow"),
    "skipped": ("»", "dim"),
    "ignored": ("-", "dim"),
}
UNDER_WAY = ("…", "yellow")

HELD = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}

FOLLOW = "follow"
"""The action of steps that no rule planned: a block goes with its booking."""

BLANKS = re.compile(" +$", re.MULTILINE)

ROWS = 16
NARROWEST = 100
"""Columns where the output is no terminal."""

# What somebody else wrote may hold what a terminal would obey.
CONTROL = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\N{REPLACEMENT CHARACTER}")


def terminal() -> Console:
    """Standard output; where it is nobody's screen, wide enough to be read later."""
    if sys.stdout.isatty():
        return Console(emoji=False, highlight=False)
    width = max(NARROWEST, shutil.get_terminal_size((NARROWEST, 24)).columns)
    return Console(file=Trimmed(), width=width, emoji=False, highlight=False)


class Trimmed(StringIO):
    """Standard output without the blanks that tables end their lines with: a narrower screen would wrap them."""

    def write(self, text: str) -> int:
        return sys.stdout.write(BLANKS.sub("", text))

    def flush(self) -> None:
        sys.stdout.flush()


def plain_table(*headers: str, title: str | None = None) -> Table:
    """Columns with a line under their headers and nothing else around them; what is too long is folded, never cut."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    table.box, table.show_edge, table.padding = box.SIMPLE_HEAD, False, (0, 1, 0, 0)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def said(text: object) -> str:
    """Text from elsewhere, fit to be shown."""
    return str(text).translate(CONTROL)


def state_of(delivery: Mapping[str, Any]) -> Text:
    """How a delivery stands, and why."""
    mark, colour = MARKS.get(delivery["state"], UNDER_WAY)
    held = f"held back: {delivery['held_by']}" if delivery.get("held_by") else None
    reason = held or delivery["waits_for"] or delivery["reason"]
    return Text.assemble((f"{mark} {delivery['state']}", colour), (f": {said(reason)}", "dim") if reason else "")


def step_of(step: Mapping[str, Any]) -> Text:
    """How a step stands, what it is, and why it stands so."""
    mark, colour = MARKS.get(step["state"], UNDER_WAY)
    reason = (f": {said(step['reason'])}", "dim") if step["reason"] else ""
    return Text.assemble((f"{mark} {step['state']}", colour), f"  {said(step['sentence'])}", reason)


def check_of(check: Mapping[str, Any]) -> Text:
    """One check, and the value seen."""
    # The mark is of the line as it reads: a test under `not` is as wanted when it did not hold.
    wanted = check["under"].count("not") % 2 == 0
    mark, colour = HELD[check["held"] if wanted or check["held"] is None else not check["held"]]
    words = " ".join([*check["under"], check["fact"], check["test"], check["expected"]])
    return Text.assemble((mark, colour), f" {said(words)}   ", (f"was {said(check['actual'])}", "dim"))


def candidates_of(candidates: Iterable[Mapping[str, Any]]) -> Iterator[Text]:
    """A line for each of those who could have been chosen: their score, or why they were left out."""
    for candidate in candidates:
        if candidate["left_out"]:
            yield Text.assemble("left out: ", (said(candidate["left_out"]), "dim"))
        else:
            yield Text(f"{said(candidate['name'])}: {said(candidate['score'])}")


def indented(text: Text, by: int = 4) -> Padding:
    return Padding(text, (0, 0, 0, by))


def steps_by_rule(held: Iterable[str], steps: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The steps under each rule that held, and what follows the booking under a heading of its own."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {rule: [] for rule in held}
    for step in steps:
        heading = "a block that follows" if step["action"] == FOLLOW else step["rule"]
        by_rule.setdefault(heading, []).append(step)
    return by_rule


def words_of(triggers: Iterable[str]) -> str:
    return ", ".join(trigger.removeprefix("appointment.") for trigger in triggers)


def deliveries_table(deliveries: Iterable[Mapping[str, Any]], today: date) -> Table:
    """Newest first, as history lists them. Whose booking it is, is not shown."""
    table = plain_table("received", "booking", "what happened", title="Deliveries, newest first")
    table.columns[0].no_wrap, table.columns[1].width = True, len("rescheduled,")
    for delivery in deliveries:
        booking = [Text(f"{said(delivery['appointment_id'] or '')[:9]}…", "dim")]
        if delivery["triggers"]:
            booking.append(Text(words_of(delivery["triggers"])))
        at = delivery["received_at"].astimezone()
        received = f"{at:%H:%M:%S}" if at.date() == today else f"{at:%H:%M:%S\n%d %b}"
        table.add_row(received, Group(*booking), Group(*_happened(delivery)))
    if not table.rows:
        table.add_row("", "", Text("nothing has come yet", "dim"))
    return table


def _happened(delivery: Mapping[str, Any]) -> list[RenderableType]:
    """Each rule that held with its steps; how the delivery stands where that does not say it all."""
    by_rule = steps_by_rule(delivery["held"], delivery["steps"])
    lines: list[RenderableType] = [] if by_rule and delivery["state"] == "done" else [state_of(delivery)]
    for rule, steps in by_rule.items():
        lines.append(Text(said(rule), "bold"))
        lines += [Padding(step_of(step), (0, 0, 0, 2)) for step in steps]
    return lines


@dataclass(frozen=True)
class Cropped:
    """The first lines of something, as many as a terminal shows, and a line below them."""

    whole: RenderableType
    below: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One line stays free for the ^C that terminals echo: it would push the first one out of reach.
        lines = console.render_lines(self.whole, options, pad=False)[: console.height - 2]
        for line in lines:
            yield from line
            yield Segment.line()
        yield self.below


class Screen:
    """The newest deliveries: redrawn in place and cut to a terminal's height; printed once, at the end, elsewhere."""

    def __init__(self, console: Console, clock: Callable[[], datetime]) -> None:
        self._console = console
        self._clock = clock
        self._shown: Sequence[Mapping[str, Any]] = ()
        self._drawn: object = None
        self._live = Live(console=console, auto_refresh=False) if console.file.isatty() else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def show(self, deliveries: Sequence[Mapping[str, Any]]) -> None:
        """Draw them, unless that is how the terminal looks already."""
        self._shown = deliveries
        if self._live and self._drawn != (deliveries, self._console.size):
            self._drawn = deliveries, self._console.size
            below = Text("Ctrl-C ends; slotwright history shows more", "dim")
            self._live.update(Cropped(self._table(), below), refresh=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(self._table())
            self._live.stop()
        else:
            self._console.print(self._table())

    def _table(self) -> Table:
        return deliveries_table(self._shown, self._clock().astimezone().date())
