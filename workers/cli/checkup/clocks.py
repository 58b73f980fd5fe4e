"""Clocks: how far another's is from ours. Tokens, leases and windows of replay lean on them."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from workers.cli.checkup.finding import Finding, failed, ok, warning

NOTICEABLE, TOO_FAR = 2.0, 30.0
"""Seconds."""

ADVICE = "let NTP set the clock of each machine"


def compared(name: str, theirs: datetime, before: datetime, after: datetime, *, exact_to: float = 0.0) -> Finding:
    """`theirs` was read between our `before` and `after`, and is cut off to `exact_to` seconds."""
    theirs += timedelta(seconds=exact_to / 2)
    off = (theirs - (before + (after - before) / 2)).total_seconds()
    surely = max(0.0, abs(off) - exact_to / 2 - (after - before).total_seconds() / 2)
    told = "the same as ours" if surely < 0.1 else f"{abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} ours"
    if surely > TOO_FAR:
        return failed(name, told, ADVICE)
    if surely > NOTICEABLE:
        return warning(name, told, ADVICE)
    return ok(name, told)


def read_date(header: str | None) -> datetime | None:
    """An HTTP date; None for what is none."""
    try:
        moment = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
