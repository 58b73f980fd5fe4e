"""The live table: deliveries as they come, the rules that held, and what was done."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from workers.cli.history import coloured, state_of

ROWS = 16


def table(deliveries: list[dict[str, Any]], title: str) -> Table:
    """Newest first; `deliveries` as history lists them, each with its `sentences`."""
    shown = Table(title=title, title_justify="left", expand=True)
    shown.add_column("received", no_wrap=True)
    shown.add_column("appointment", no_wrap=True)
    shown.add_column("triggers")
    shown.add_column("rules that held")
    shown.add_column("effects", ratio=1)
    for row in deliveries[:ROWS]:
        shown.add_row(
            f"{row['received_at'].astimezone():%H:%M:%S}",
            escape(row["appointment_id"] or ""),
            ", ".join(word.removeprefix("appointment.") for word in row["triggers"]),
            escape(", ".join(row["held"] or ())),
            "\n".join(f"{coloured(state)} {escape(sentence)}" for state, sentence in row["effects"] or ())
            or state_of(row),
        )
    return shown
