"""Areas: parts of the country by postcode, as a file declares them under `areas`."""

import re
from collections.abc import Iterable, Mapping

POSTCODE = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,11}", re.ASCII)
"""Of a whole postcode, or of how one begins."""

INWARD = re.compile(r"(?<=.)[0-9][A-Z]{2}$", re.ASCII)
"""The end of a whole British postcode, which often comes without the blank before it. A first part alone never looks
so; a Dutch code does, and is found by its figures before."""


def plain(postcode: str) -> str:
    """In capitals, without blanks and hyphens."""
    return re.sub(r"[\s-]", "", postcode.upper())


def area_of(postcode: str, areas: Mapping[str, Iterable[str]]) -> str | None:
    """The area that has the longest entry which matches; of two as long, the one that comes first."""
    matching = [
        (len(plain(entry)), area) for area, entries in areas.items() for entry in entries if _of(entry, postcode)
    ]
    longest = max((length for length, _ in matching), default=0)
    return next((area for length, area in matching if length == longest), None)


def _of(entry: str, postcode: str) -> bool:
    """`L` is not of LS1 4AB, `DN1` not of DN14 5AA and `DN14` not of DN1 4AA: letters match all letters, and the
    figures after letters match all figures of the first part. Figures alone match what begins with them."""
    wanted, whole = plain(entry), plain(postcode)
    if not whole.startswith(wanted):
        return False
    if not whole[:1].isalpha():
        return True
    first, begun = _first_part(postcode), _first_written(entry)
    if begun is not None:
        return begun == first
    rest = first[len(wanted) :]
    if not rest:
        return wanted in (first, whole)
    return wanted[-1].isalpha() is not rest[0].isalpha()


def _first_written(entry: str) -> str | None:
    """`LS1` of an entry `LS1 4`, which goes on behind the first part; None of one that does not."""
    parts = entry.upper().split()
    return plain(parts[0]) if len(parts) > 1 and not plain(parts[0]).isalpha() else None


def _first_part(postcode: str) -> str:
    """`DN14` of DN14 5AA, DN145AA and DN14."""
    parts = postcode.upper().split()
    return plain(parts[0]) if len(parts) > 1 else INWARD.sub("", plain(postcode))
