"""The README's table of settings, made from the model: `make docs` writes it, a test holds that it is current."""

import re
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from service.settings import Settings

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- settings: written by make docs -->", "<!-- end of settings -->"
BETWEEN = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)

SAID = {"highlevel_url": "HighLevel's own", "highlevel_webhook_keys": "the published one"}
"""Defaults that would say nothing to a reader."""


def table() -> str:
    """A row for each setting, in the model's order."""
    rows = [
        f"| `{name.upper()}` | {default(name)} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows, ""])


def default(name: str) -> str:
    """A setting's default as a person would write it; nothing secret has one."""
    if name in SAID:
        return SAID[name]
    match Settings.model_fields[name].default:
        case bool(value):
            return str(value).lower()
        case int(value) | float(value):
            return f"{value:g}"
        case SecretStr() | () | "":
            return "none"
        case value:
            return _cell(", ".join(value) if isinstance(value, tuple) else value)


def current(page: str) -> bool:
    """Whether the table in `page` is that of the model."""
    return BETWEEN.findall(page) == [table()]


def renewed(page: str) -> str:
    """`page` with the table as it should be. Raises ValueError where no table, or more than one, is marked."""
    page, times = BETWEEN.subn(lambda _: table(), page)
    if times != 1:
        raise ValueError(f"{times} places are marked for the table of settings, instead of one")
    return page


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
