"""The register of actions: what may stand under `then`."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field

from workers.actions.action import Action
from workers.actions.add_note import AddNote
from workers.actions.alert import Alert
from workers.actions.assign import Assign
from workers.actions.block_slot import BlockSlot
from workers.actions.book import Book
from workers.actions.call import Call
from workers.actions.cancel import Cancel
from workers.actions.create_task import CreateTask
from workers.actions.reschedule import Reschedule
from workers.actions.retitle import Retitle
from workers.actions.set_owner import SetOwner
from workers.actions.set_status import SetStatus
from workers.actions.tag_contact import TagContact
from workers.actions.workflow import StartWorkflow, StopWorkflow
from workers.words import shown, wrong

ACTIONS: Final[tuple[type[Action], ...]] = (
    Assign,
    Reschedule,
    Cancel,
    Book,
    SetStatus,
    Retitle,
    BlockSlot,
    AddNote,
    TagContact,
    SetOwner,
    CreateTask,
    StartWorkflow,
    StopWorkflow,
    Call,
    Alert,
)

BY_NAME: Final[Mapping[str, type[Action]]] = {action.called: action for action in ACTIONS}


def read_steps(value: object) -> object:
    """Refuses what is no list, which authors write who have one step only."""
    if isinstance(value, list | tuple):
        return value
    raise wrong(f"a list of steps expected, each of which begins with `- do:`, found {shown(value)}")


def _read_step(value: object) -> object:
    """Refuses the name of an action in the place of `do`."""
    said = [value.strip()] if isinstance(value, str) else list(value) if isinstance(value, Mapping) else []
    named = next((word for word in said if word in BY_NAME), None)
    if named and not (isinstance(value, Mapping) and "do" in value):
        raise wrong(f"a step says what it does behind do, as in {BY_NAME[named].example}")
    return value


AnyAction: TypeAlias = Annotated[
    Assign
    | Reschedule
    | Cancel
    | Book
    | SetStatus
    | Retitle
    | BlockSlot
    | AddNote
    | TagContact
    | SetOwner
    | CreateTask
    | StartWorkflow
    | StopWorkflow
    | Call
    | Alert,
    Field(discriminator="do"),
    BeforeValidator(_read_step),
]

for _action in ACTIONS:
    # What is done otherwise may be any of them.
    _action.model_rebuild(_types_namespace={"AnyAction": AnyAction})

Action.model_rebuild(_types_namespace={"AnyAction": AnyAction})

__all__ = [
    "ACTIONS",
    "Action",
    "AddNote",
    "Alert",
    "AnyAction",
    "Assign",
    "BlockSlot",
    "Book",
    "Call",
    "Cancel",
    "CreateTask",
    "Reschedule",
    "Retitle",
    "SetOwner",
    "SetStatus",
    "StartWorkflow",
    "StopWorkflow",
    "TagContact",
]
