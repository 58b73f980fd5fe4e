"""`retitle`: what the appointment is called."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from service.highlevel.appointments import EditAppointment
from service.trigger import storable
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, SoAlready, Write
from workers.actions.aim import aim_at_present
from workers.actions.notify import Notify, also_told
from workers.actions.present import as_status
from workers.templates import Text
from workers.words import wrong


class Retitle(Action):
    """Give the appointment another title, or put something before the one that it has."""

    called: ClassVar[str] = "retitle"
    example: ClassVar[str] = '{do: retitle, prefix: "VIP:"}'
    knows_series: ClassVar[bool] = True

    do: Literal["retitle"]
    prefix: Text | None = None
    """What is put before the title, with a space between, unless it begins so already."""

    text: Text | None = None
    """The whole new title."""

    notify: Notify = False
    """Whether the client, and the account's own automations, are told."""

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.prefix is None) == (self.text is None):
            raise wrong("retitle must say either prefix or text")
        return self

    def writes(self) -> frozenset[str]:
        return frozenset({"title"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        aimed = await aim_at_present(context, self.scope)
        if isinstance(aimed, LeftAlone):
            return aimed
        said = self.prefix or self.text
        assert said is not None, "one of them was seen to be said when the rule was read"
        text, was = storable(said.render(context.facts)).strip(), aimed.appointment.title
        if not text:
            return LeftAlone("the text came out empty")
        if was == text if self.prefix is None else was.startswith(text):
            of_it = f"{aimed.it} is called" if self.prefix is None else f"{aimed.its} title begins"
            return SoAlready(f"{of_it} so already")
        title = f"{text} {was}".strip() if self.prefix is not None else text
        write = EditAppointment(
            event_id=aimed.event_id,
            appointment_status=as_status(aimed.appointment),
            title=title,
            to_notify=self.notify,
        )
        meant = {**aimed.meant, "before": {**aimed.before, "title": was}}
        return Plan((Write(write, f"call {aimed.it} “{title}”{also_told(self.notify)}", meant),))
