"""`tag_contact`: tags on the contact, and off it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from service.highlevel.contacts import AddContactTags, RemoveContactTags, tag_key
from workers.actions.action import Action, ActionContext, CannotAct, LeftAlone, Plan, Write
from workers.actions.contact import contact_now
from workers.facts import Facts
from workers.templates import Text
from workers.values import one_or_many
from workers.words import fault, faults, shown, wrong

_TAG = {"description": "a tag", "type": "string"}

Tags = Annotated[
    tuple[Text, ...],
    BeforeValidator(one_or_many),
    Field(min_length=1, max_length=50),
    WithJsonSchema({"anyOf": [_TAG, {"type": "array", "items": _TAG, "minItems": 1, "maxItems": 50}]}),
]


class TagContact(Action):
    """Add tags to the contact, or remove them."""

    called: ClassVar[str] = "tag_contact"
    example: ClassVar[str] = "{do: tag_contact, add: [regular], remove: [lead]}"
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False
    needs_contact: ClassVar[bool] = True

    do: Literal["tag_contact"]
    add: Tags | None = None
    """The tags that the contact gets; HighLevel keeps them in small letters."""
    remove: Tags | None = None
    """The tags that it loses; those that it does not have do no harm."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.add is None and self.remove is None:
            raise wrong("tag_contact must say add or remove: which tags, as in add: [vip]")
        added = {tag_key(tag.source) for tag in self.add or ()}
        both = [(place, tag.source) for place, tag in enumerate(self.remove or ()) if tag_key(tag.source) in added]
        if both:
            message = "{} stands under add as well"
            raise faults("remove", [fault(wrong(message.format(shown(tag))), ("remove", place)) for place, tag in both])
        return self

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        add, remove = (_written(tags or (), context.facts) for tags in (self.add, self.remove))
        if both := add.keys() & remove.keys():
            raise CannotAct(f"{_tags(sorted(both))} would be added and removed")
        contact = await contact_now(context)
        if isinstance(contact, LeftAlone):
            return contact
        has = {tag_key(tag): tag for tag in contact.tags or ()}
        new = tuple(tag for key, tag in add.items() if key not in has)
        # As the contact has them: nobody has told whether HighLevel finds another spelling.
        gone = tuple(has[key] for key in remove if key in has)
        writes = []
        if new:
            writes.append(Write(AddContactTags(contact_id=contact.id, tags=new), f"add {_tags(new)}"))
        if gone:
            writes.append(Write(RemoveContactTags(contact_id=contact.id, tags=gone), f"remove {_tags(gone)}"))
        if writes:
            return Plan(tuple(writes))
        told = [f"has {_tags(add.values())} already"] if add else []
        told += [f"does not have {_tags(remove.values())}"] if remove else []
        return LeftAlone(f"the contact {' and '.join(told)}" if told else "every tag came out empty")


def _written(tags: Iterable[Text], facts: Facts) -> Mapping[str, str]:
    """By what all their spellings have in common."""
    written = (tag.render(facts).strip() for tag in tags)
    return {tag_key(tag): tag for tag in written if tag}


def _tags(tags: Iterable[str]) -> str:
    """`the tag vip`, `the tags vip, regular and new`."""
    *others, last = tags
    return f"the tags {', '.join(others)} and {last}" if others else f"the tag {last}"
