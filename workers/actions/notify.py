"""`notify`: whether the client, and the account's own automations, are told of a change."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from workers.other_words import nearest
from workers.words import shown, wrong

IF_START_CHANGES: Final = "if_start_changes"


def _read_whenever(value: Any) -> object:
    """To Python, and so to pydantic, 1 is true."""
    if not isinstance(value, bool | str):
        raise wrong(f"true, false or if_start_changes expected, found {shown(value)}")
    return value


def _read_flag(value: Any) -> object:
    if value == IF_START_CHANGES:
        raise wrong("true or false expected: if_start_changes is for a booking that is moved")
    if isinstance(value, str):
        raise wrong(f"true or false expected, found {shown(value)}", nearest(value, ("true", "false")))
    if not isinstance(value, bool):
        raise wrong(f"true or false expected, found {shown(value)}")
    return value


Whenever: TypeAlias = Annotated[Literal[True, False, "if_start_changes"], BeforeValidator(_read_whenever)]

Notify: TypeAlias = Annotated[bool, BeforeValidator(_read_flag), WithJsonSchema({"type": "boolean"})]


def told(notify: bool) -> str:
    """As a sentence ends with it."""
    return "the client is told" if notify else "nobody is told"


def also_told(notify: bool) -> str:
    """The same of what is seldom told: nothing where it is not."""
    return f"; {told(notify)}" if notify else ""
