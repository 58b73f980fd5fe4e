"""`block_slot`: time around the appointment that nobody can book."""

from datetime import timedelta
from typing import ClassVar, Literal, Self

from pydantic import StrictBool, model_validator

from service.highlevel.calendars import GetCalendar
from service.trigger import TAKES_NO_TIME
from workers.actions.action import Action, ActionContext, LeftAlone, Plan
from workers.actions.following import Side, first_write
from workers.actions.present import present
from workers.templates import Text
from workers.values import SomeDuration
from workers.words import wrong


class BlockSlot(Action):
    """Block time before the appointment, after it, or both."""

    called: ClassVar[str] = "block_slot"

    do: Literal["block_slot"]
    before: SomeDuration | None = None
    after: SomeDuration | None = None
    follow: StrictBool = False
    title: Text | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.before is None and self.after is None:
            raise wrong("block_slot must say before or after: how long, as in after: 15m")
        return self

    def writes(self) -> frozenset[str]:
        return frozenset({"blocks"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        if context.booking.deleted or context.booking.status in TAKES_NO_TIME:
            return LeftAlone("the booking takes no time any more")
        if isinstance(left := await present(context), LeftAlone):
            return left
        calendar_id = None
        if context.booking.assignee is None:
            # Only a calendar of type event can be blocked itself; elsewhere HighLevel wants a person.
            calendar = (await context.api(GetCalendar(calendar_id=context.booking.calendar_id))).calendar
            if calendar.calendar_type != "event":
                return LeftAlone("nobody has the booking, and its calendar is not of type event: whom to block?")
            calendar_id = calendar.id
        title = self.title.render(context.facts).strip() if self.title else ""
        sides: tuple[tuple[Side, timedelta | None], ...] = (("before", self.before), ("after", self.after))
        writes = tuple(
            first_write(context, side, length, title=title, calendar_id=calendar_id, follow=self.follow)
            for side, length in sides
            if length is not None
        )
        return Plan(writes)
