"""Constraints of a schema before and after a migration, as the database words them."""

import re
from collections.abc import Set

CONSTRAINTS = """
    SELECT conrelid::regclass::text AS table_name, pg_get_constraintdef(oid) AS words FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION
    SELECT indrelid::regclass::text, 'unique index ' || pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indisunique AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""

LISTED = re.compile(r"CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)( NOT VALID)?")
"""A column and the words that may stand in it; those that are there need not be looked at when there are only more."""


def demanded_otherwise(before: Set[tuple[str, str]], after: Set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What came or went, each with its table, but for lists of words that only grew."""
    gone, new = set(before - after), set(after - before)
    for table, words in sorted(gone):
        grown = {(table, other) for other in (words for where, words in new if where == table) if _grew(words, other)}
        if len(grown) == 1:
            gone.discard((table, words))
            new -= grown
    return gone | new


def _grew(before: str, after: str) -> bool:
    one, other = LISTED.fullmatch(before), LISTED.fullmatch(after)
    return one is not None and other is not None and one[1] == other[1] and _words(one[2]) < _words(other[2])


def _words(listed: str) -> set[str]:
    return set(listed.split(", "))
