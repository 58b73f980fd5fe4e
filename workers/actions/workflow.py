"""`start_workflow` and `stop_workflow`: the contact in a workflow of HighLevel's."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from service.highlevel.contacts import AddContactToWorkflow, RemoveContactFromWorkflow
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.actions.contact import contact_meant
from workers.names import Workflow
from workers.values import in_zone

WHICH: Final = "one that the file names under workflows, or an id"


class OfWorkflow(Action):
    """Something about the contact and a workflow."""

    because: ClassVar[Mapping[str, str]] = {"workflow": WHICH}
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False
    needs_contact: ClassVar[bool] = True

    workflow: Workflow
    """The workflow, by its name under `workflows` or by its id."""

    @abstractmethod
    def write(self, context: ActionContext, contact_id: str) -> Write:
        """What is sent."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        contact_id = contact_meant(context)
        return contact_id if isinstance(contact_id, LeftAlone) else Plan((self.write(context, contact_id),))


class StartWorkflow(OfWorkflow):
    """Put the contact into a workflow, with the booking's start as the time of its event.

    HighLevel tells nobody who is in a workflow. Where its answer is lost the step is unknown and not sent again: the
    client might get each message twice.
    """

    called: ClassVar[str] = "start_workflow"
    example: ClassVar[str] = "{do: start_workflow, workflow: reminders}"

    do: Literal["start_workflow"]

    def write(self, context: ActionContext, contact_id: str) -> Write:
        write = AddContactToWorkflow(contact_id=contact_id, workflow_id=self.workflow.id)
        if context.last_seen:
            starts = in_zone(context.booking.starts, context.zone).isoformat()
            write = write.model_copy(update={"event_start_time": starts})
        return Write(write, f"put the contact into the workflow {self.workflow}")


class StopWorkflow(OfWorkflow):
    """Take the contact out of a workflow; one that is not in it stays as it is."""

    called: ClassVar[str] = "stop_workflow"
    example: ClassVar[str] = "{do: stop_workflow, workflow: reminders}"

    do: Literal["stop_workflow"]

    def write(self, context: ActionContext, contact_id: str) -> Write:
        write = RemoveContactFromWorkflow(contact_id=contact_id, workflow_id=self.workflow.id)
        return Write(write, f"take the contact out of the workflow {self.workflow}")
