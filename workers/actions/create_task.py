"""`create_task`: something for a person to do about the contact."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, assert_never

from pydantic import Field, ValidationInfo

from service.highlevel.contacts import CreateTask as SetTask
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.actions.contact import contact_meant
from workers.actions.whom import Role, person_meant, whom
from workers.kinds import Kind
from workers.names import Named
from workers.references import Reference, or_fact
from workers.templates import Text
from workers.values import (
    CLOCK,
    DATE_TIME,
    DURATION,
    in_zone,
    read_exact_moment,
    read_some_duration,
    short,
    write_moment,
)
from workers.words import shown, wrong

DAY = timedelta(days=1)


def _read_due(value: Any, _: ValidationInfo) -> timedelta | time | datetime:
    if isinstance(value, timedelta | time | datetime):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if CLOCK.fullmatch(text) or DATE_TIME.fullmatch(text):
        return read_exact_moment(text)
    if text and DURATION.fullmatch(text):
        return read_some_duration(text)
    hint = short(value) if isinstance(value, str) else None
    raise wrong(
        f"a duration (1d), a clock time (09:00) or a moment (2027-03-26 17:00) expected, found {shown(value)}", hint
    )


_DUE = {
    "description": "a duration, a clock time or a moment",
    "type": "string",
    "examples": ["1d", "09:00", "2027-03-26 17:00"],
}

Due = Annotated[
    timedelta | time | datetime | Reference,
    *or_fact(Kind.MOMENT, _read_due, _DUE),
]


class CreateTask(Action):
    """Set a task about the contact, for somebody to do."""

    called: ClassVar[str] = "create_task"
    example: ClassVar[str] = '{do: create_task, title: "Call {{ contact.first_name }}", for: assignee, due: 1d}'
    because: ClassVar[Mapping[str, str]] = {
        "title": "what is to be done",
        "for": "a person, assignee, contact_owner or nobody",
    }
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False
    needs_contact: ClassVar[bool] = True

    do: Literal["create_task"]
    title: Text
    """What is to be done, in a few words."""
    person: Annotated[Named | Reference | Role, *whom("assignee", "contact_owner", "nobody")] = Field(
        validation_alias="for", serialization_alias="for"
    )
    """Who is to do it: a person, `assignee` for whoever has the booking by then, `contact_owner`, or `nobody`."""
    due: Due = DAY
    """By when: so long from then on (`1d`), the next such time (`09:00`), or a moment."""
    text: Text | None = None
    """More about it."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        contact_id = contact_meant(context)
        if isinstance(contact_id, LeftAlone):
            return contact_id
        title = self.title.render(context.facts).strip()
        if not title:
            return LeftAlone("the title came out empty")
        person = await person_meant(self.person, context)
        if isinstance(person, LeftAlone):
            return person
        # To the second, by which it is found again.
        due = self._due_at(context).replace(microsecond=0)
        write = SetTask(contact_id=contact_id, title=title, due_date=f"{due:%Y-%m-%dT%H:%M:%SZ}", completed=False)
        if body := self.text.render(context.facts).strip() if self.text else "":
            write = write.model_copy(update={"body": body})
        if person:
            write = write.model_copy(update={"assigned_to": person.id})
        when = write_moment(in_zone(due, context.zone))
        sentence = f"set the task “{_start_of(title)}” for {person or 'nobody'}, due {when}"
        return Plan((Write(write, sentence),))

    def _due_at(self, context: ActionContext) -> datetime:
        """The instant, in UTC. Raises MissingFact."""
        match due := self.due:
            case Reference():
                moment: datetime = context.known(due)
                return moment.astimezone(UTC)
            case timedelta():
                return context.now.astimezone(UTC) + due
            case datetime():
                return in_zone(due, context.zone).astimezone(UTC)
            case time():
                today = in_zone(context.now, context.zone).date()
                days = (datetime.combine(today + DAY * number, due, context.zone) for number in range(2))
                return next(at for day in days if (at := day.astimezone(UTC)) > context.now)
            case _:
                assert_never(due)


def _start_of(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"
