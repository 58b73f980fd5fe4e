"""Patterns: the expressions that `matches` takes. RE2's, which take a time that grows with the text and no faster."""

from typing import Any, Final

import re2

from workers.words import text_wanted, wrong

LONGEST_PATTERN: Final = 500
"""Characters."""


def read_pattern(value: object) -> Any:
    """Compiled; neither capitals nor spaces around it count. Raises PydanticCustomError."""
    if not isinstance(value, str):
        raise text_wanted(value)
    if not 1 <= len(value.strip()) <= LONGEST_PATTERN:
        raise wrong(f"an expression of 1 to {LONGEST_PATTERN} characters expected, found {len(value.strip())}")
    if "{{" in value or "{%" in value:
        raise wrong("an expression is written out and has no facts; contains and starts_with take one")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(value.strip(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unreadable"
        raise wrong(f"not an expression: {reason.decode() if isinstance(reason, bytes) else reason}") from None
