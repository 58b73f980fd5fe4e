"""`set_status`: what has become of the appointment."""

from typing import Annotated, Any, ClassVar, Final, Literal, cast

from pydantic import BeforeValidator, WithJsonSchema

from service.highlevel.appointments import AppointmentStatus, EditAppointment
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, SoAlready, Write
from workers.actions.aim import aim_at_present
from workers.actions.notify import Notify, told
from workers.changes import as_stored
from workers.facts import OTHER_SPELLINGS, status_word
from workers.other_words import nearest
from workers.words import shown, text_wanted, wrong

WRITABLE: Final = ("new", "confirmed", "showed", "noshow", "invalid", "completed")
"""What HighLevel takes, as far as anybody tried (its reference has `active` besides); one word is an action's own."""


def _read_status(value: Any) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    word = status_word(value)
    if word == "cancelled":
        raise wrong("a booking is cancelled by do: cancel, which says whether the client is told")
    if word not in WRITABLE:
        message = f"{shown(value)} is not a status that can be set; known: {', '.join(WRITABLE)}"
        raise wrong(message, nearest(value, (*WRITABLE, *(each for each in OTHER_SPELLINGS if "show" in each))))
    return word


class SetStatus(Action):
    """Set the status of the appointment."""

    called: ClassVar[str] = "set_status"
    example: ClassVar[str] = "{do: set_status, to: no_show}"
    knows_series: ClassVar[bool] = True

    do: Literal["set_status"]
    to: Annotated[str, BeforeValidator(_read_status), WithJsonSchema({"enum": [*WRITABLE, "no_show", "no-show"]})]
    """`new`, `confirmed`, `showed`, `noshow`, `invalid`, or `completed`, which HighLevel keeps as `showed`."""

    notify: Notify = False
    """Whether the client, and the account's own automations, are told."""

    def writes(self) -> frozenset[str]:
        return frozenset({"status"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        aimed = await aim_at_present(context, self.scope)
        if isinstance(aimed, LeftAlone):
            return aimed
        was = aimed.appointment.appointment_status
        if as_stored(was) == as_stored(self.to):
            return SoAlready(f"{aimed.it} is {was} already")
        # Which words these may be was seen when the rule was read.
        status = cast("AppointmentStatus", self.to)
        write = EditAppointment(event_id=aimed.event_id, appointment_status=status, to_notify=self.notify)
        sentence = f"set {aimed.its} status from {was} to {self.to}; {told(self.notify)}"
        return Plan((Write(write, sentence, aimed.meant),))
