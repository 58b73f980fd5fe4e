"""`cancel`: the appointment takes place no more."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from service.highlevel.appointments import EditAppointment
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, SoAlready, Write
from workers.actions.aim import aim_at_present
from workers.actions.notify import Notify, told


class Cancel(Action):
    """Cancel the appointment."""

    called: ClassVar[str] = "cancel"
    example: ClassVar[str] = "{do: cancel, notify: true}"
    because: ClassVar[Mapping[str, str]] = {"notify": "a silent cancellation is a wasted trip"}
    limited: ClassVar[bool] = True
    knows_series: ClassVar[bool] = True

    do: Literal["cancel"]
    notify: Notify
    """Whether the client, and the account's own automations, are told."""

    def writes(self) -> frozenset[str]:
        return frozenset({"status"})

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        aimed = await aim_at_present(context, self.scope)
        if isinstance(aimed, LeftAlone):
            return aimed
        if aimed.appointment.appointment_status == "cancelled":
            return SoAlready(f"{aimed.it} is cancelled already")
        write = EditAppointment(event_id=aimed.event_id, appointment_status="cancelled", to_notify=self.notify)
        return Plan((Write(write, f"cancel {aimed.it}; {told(self.notify)}", aimed.meant),))
