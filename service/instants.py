"""Instants that are reckoned with: those of the years that a booking may be of.

Beyond them is what a machine writes for no date at all (.NET for one writes 0001-01-01), and at the ends of the
calendar no time can be told on another clock.
"""

from datetime import UTC, datetime
from typing import Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200

EARLIEST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(LAST_YEAR, 12, 31, 23, 59, tzinfo=UTC)


def reckoned(year: int) -> bool:
    return FIRST_YEAR <= year <= LAST_YEAR


def bounded(instant: datetime) -> datetime:
    """The first or the last that is reckoned with, where it lies beyond; it has an offset."""
    if reckoned(instant.year):
        return instant
    return EARLIEST if instant.year < FIRST_YEAR else LATEST
