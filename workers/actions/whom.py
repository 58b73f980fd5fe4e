"""Whom an action means: a person by name, whoever a fact names, or whoever has the booking or the contact by then."""

from collections.abc import Callable
from typing import Any, Literal, get_args

from pydantic import ValidationInfo

from workers.actions.action import ActionContext, LeftAlone
from workers.actions.contact import contact_now
from workers.kinds import Kind
from workers.names import PERSON_SCHEMA, Named, is_id, names_in
from workers.references import Reference, or_fact
from workers.words import shown, wrong

Role = Literal["assignee", "contact_owner", "nobody"]


def whom(*roles: Role) -> tuple[Any, ...]:
    """What makes of an annotation one that takes a person, a fact that is one, or one of these words."""
    schema = {"anyOf": [PERSON_SCHEMA, {"enum": list(roles)}]}
    return or_fact(Kind.PERSON, _reader(roles), schema)


def _reader(roles: tuple[Role, ...]) -> Callable[[Any, ValidationInfo], object]:
    def read(value: Any, info: ValidationInfo) -> object:
        if value in roles or isinstance(value, Named):
            return value
        if value in get_args(Role):
            raise wrong(f"a person, {' or '.join(roles)} expected, found {shown(value)}")
        names = names_in(info)
        if isinstance(value, str) and names.whole and value not in names.people and not is_id(value):
            raise names.nobody(value, "person", (*names.people, *roles))
        return names.person(value)

    return read


async def person_meant(word: Named | Reference | Role, context: ActionContext) -> Named | LeftAlone | None:
    """None for nobody. Raises HighLevelError, or TextError for a fact that is missing."""
    match word:
        case "nobody":
            return None
        case "assignee":
            return _assignee(context)
        case "contact_owner":
            contact = await contact_now(context)
            if isinstance(contact, LeftAlone):
                return contact
            if contact.assigned_to is None:
                return LeftAlone("nobody owns the contact", otherwise=True)
            return context.names.person_with(contact.assigned_to)
        case _:
            return context.known(word)


def _assignee(context: ActionContext) -> Named | LeftAlone:
    if context.last_seen is None:
        return LeftAlone("the event is about no booking, so it has no assignee", otherwise=True)
    if not context.booking.assignee:
        return LeftAlone("nobody has the booking", otherwise=True)
    return context.names.person_with(context.booking.assignee)
