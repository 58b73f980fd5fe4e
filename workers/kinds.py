"""Kinds: what a fact is, which decides how it may be tested."""

from enum import Enum


class Kind(Enum):
    """The value is what an author calls it; below it, how one is written."""

    TEXT = "text"
    """Text; neither capitals nor spaces around it count."""
    STATUS = "a status"
    """`new`, `confirmed`, `cancelled`, `showed`, `noshow` (or `no_show`), `invalid`, `completed` or `active`."""
    MOMENT = "a moment"
    """A clock time, `"17:00"`; a date with one, `2027-03-26 17:00`; a date alone is its first moment. On the location's
    clock, unless an offset is said."""
    DURATION = "a duration"
    """`90m`, `2h`, `1h30m`, `3d` or `2w`; m is minutes, and a day is 24 hours. `-15m`, in a test, is
    15 minutes before."""
    NUMBER = "a number"
    """A number, `5` or `2.5`."""
    PERSON = "a person"
    """A name under `people`, or an id."""
    CALENDAR = "a calendar"
    """A name under `calendars`, or an id."""
    FLAG = "true or false"
    """`true` or `false`."""
    LIST = "a list"
    """Texts, of which it has none, one or several."""
