"""Which scope a call asks for, by its method and path (HighLevel's reference pages)."""

import re
from typing import Final

READING: Final = ".readonly"
WRITING: Final = ".write"

FAMILIES: Final = (
    (r"/calendars/groups(/.*)?", "calendars/groups"),
    (r"/calendars/resources(/.*)?", "calendars/resources"),
    (r"/calendars/(events|blocked-slots|appointments|services/bookings)(/.*)?", "calendars/events"),
    (r"/calendars/[^/]+/notifications(/.*)?", "calendars/events"),
    (r"/calendars(/.*)?", "calendars"),
    (r"/contacts(/.*)?", "contacts"),
    (r"/users(/.*)?", "users"),
    (r"/locations/[^/]+/customFields(/.*)?", "locations/customFields"),
    (r"/locations(/.*)?", "locations"),
    (r"/oauth/.*", "oauth"),
)
"""The first that fits."""
KNOWN: Final = frozenset(family + kind for _, family in FAMILIES for kind in (READING, WRITING))
READS_BY_POST: Final = frozenset({"/contacts/search"})


def scope_of(method: str, path: str) -> str:
    """Raises LookupError for a path that belongs to no family."""
    for pattern, family in FAMILIES:
        if re.fullmatch(pattern, path):
            return family + (READING if method == "GET" or path in READS_BY_POST else WRITING)
    raise LookupError(path)
