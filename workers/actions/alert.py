"""`alert`: a word to whoever is on call."""

from typing import ClassVar, Literal

from pydantic import StrictBool

from service.store.alerts import Alarm
from service.trigger import storable
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.templates import Text

SHOWN = 300
"""Characters of the text that the step's sentence has."""


class Alert(Action):
    """Tell whoever is on call: on the console, and where alerts are sent to. What the same rule says again within a
    quarter of an hour is one alert with a count."""

    called: ClassVar[str] = "alert"
    example: ClassVar[str] = '{do: alert, text: "{{ assignee.name }} is booked twice.", urgent: true}'
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False

    do: Literal["alert"]
    text: Text
    """What is said; the text of the first of several stands for all of them."""
    urgent: StrictBool = False
    """Whether it is sent at once, at night too; else it waits for the location's day."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        text = storable(self.text.render(context.facts)).strip()
        if not text:
            return LeftAlone("the text came out empty")
        how = "alert at once" if self.urgent else "alert"
        return Plan((Write(Alarm(text=text, urgent=self.urgent), f"{how}: “{_start_of(text)}”"),))


def _start_of(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
