"""`add_note`: a note on the appointment."""

from typing import ClassVar, Literal

from service.highlevel.notes import CreateNote
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.templates import Text


class AddNote(Action):
    """Write `text` on the appointment."""

    called: ClassVar[str] = "add_note"
    example: ClassVar[str] = '{do: add_note, text: "Begins on {{ starts | day }} at {{ starts | time }}."}'
    acts_on_deleted: ClassVar[bool] = True

    do: Literal["add_note"]
    text: Text
    """What is written."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        body = self.text.render(context.facts).strip()
        if not body:
            return LeftAlone("the text came out empty")
        write = CreateNote(appointment_id=context.booking.id, body=body)
        return Plan((Write(write, f"write the note “{_start_of(body)}”"),))


def _start_of(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"
