"""The register of actions: what may stand under `then`."""

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from workers.actions.action import Action
from workers.actions.add_note import AddNote
from workers.actions.assign import Assign
from workers.actions.block_slot import BlockSlot
from workers.actions.call import Call
from workers.actions.reschedule import Reschedule

ACTIONS: Final[tuple[type[Action], ...]] = (Assign, Reschedule, BlockSlot, AddNote, Call)

AnyAction: TypeAlias = Annotated[Assign | Reschedule | BlockSlot | AddNote | Call, Field(discriminator="do")]

__all__ = ["ACTIONS", "Action", "AddNote", "AnyAction", "Assign", "BlockSlot", "Call", "Reschedule"]
