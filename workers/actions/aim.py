"""The aim of a change: the one booking, or what stands for the whole series that it is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.highlevel.appointments import Appointment, GetAppointment
from service.highlevel.errors import Refused
from service.trigger import Booking
from workers.actions.action import ActionContext, LeftAlone
from workers.actions.present import before, present
from workers.changes import SERIES


@dataclass(frozen=True)
class Aim:
    """`appointment` is what is changed, as it is now; `event_id` is by what it is addressed."""

    appointment: Appointment
    event_id: str
    meant: Mapping[str, Any]
    """How it was, for the step that changes it; and of what series that is."""
    whole: bool = False

    @property
    def it(self) -> str:
        return "the whole series" if self.whole else "it"

    @property
    def its(self) -> str:
        """Before a noun: `its status`."""
        return "the whole series'" if self.whole else "its"

    @property
    def assignee(self) -> str | None:
        return self.appointment.assigned_user_id

    @property
    def before(self) -> Mapping[str, Any]:
        before: Mapping[str, Any] = self.meant["before"]
        return before


async def aim(context: ActionContext, appointment: Appointment, scope: Literal["this", "series"]) -> Aim | LeftAlone:
    """At what is changed of the appointment that the event is about, which was just read.

    HighLevel takes changes of a whole series by its `masterEventId` (its reference). Whether that can be read as well
    it does not say: in the sandbox it can. Then the series' own status goes along with the change, and the series is
    what must not be so already; else those of the one booking stand for it. Raises HighLevelError.
    """
    booking = context.booking
    alone = {"before": before(booking)}
    if _stands_for_all(appointment):
        meant = {**alone, SERIES: {"of": booking.id}}
        return Aim(appointment, appointment.id, meant, whole=scope == "series")
    if scope == "this" or booking.series_id is None:
        return Aim(appointment, appointment.id, alone)
    of_it = {"of": booking.id, "before": before(booking)}
    try:
        series = (await context.api(GetAppointment(event_id=booking.series_id))).appointment
    except Refused:
        series = None
    if series is None or series.id != booking.series_id:
        return Aim(appointment, booking.series_id, {**alone, SERIES: {**of_it, "shown": False}}, whole=True)
    if series.deleted:
        return LeftAlone("its series was deleted")
    meant = {"before": before(Booking.of(series)), SERIES: {**of_it, "shown": True}}
    return Aim(series, series.id, meant, whole=True)


async def aim_at_present(context: ActionContext, scope: Literal["this", "series"]) -> Aim | LeftAlone:
    """The same of the appointment as it is now, if that is what the rule was judged on. Raises HighLevelError."""
    appointment = await present(context)
    return appointment if isinstance(appointment, LeftAlone) else await aim(context, appointment, scope)


def _stands_for_all(appointment: Appointment) -> bool:
    """Whoever changes it, changes all of its series."""
    return appointment.is_recurring and not appointment.master_event_id and Booking.of(appointment).series_id is None
