"""Contacts, as far as rules need them: look, give an owner, tag, set a task, put into a workflow."""

from datetime import datetime, tzinfo
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, RootModel, StringConstraints, model_validator

from service.highlevel.appointments import OptionalText
from service.highlevel.operation import Moment, Operation, Part
from service.highlevel.reply import EMPTY_AS_NONE, Done, Reply, SentTime

VERSION = "2021-07-28"


class LocalTime(RootModel[datetime]):
    """A clock time that HighLevel wrote without its zone, as in 2021-07-16 11:00:00."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    def at(self, zone: tzinfo) -> datetime:
        """The instant, in the zone that the reader knows; of two where the clocks go back, the first. A time that came
        with an offset keeps it."""
        return self.root if self.root.tzinfo else self.root.replace(tzinfo=zone)


def tag_key(tag: str) -> str:
    """What all spellings of a tag have in common. HighLevel keeps tags in small letters, as many integrators found; its
    published examples have capitals too."""
    return tag.strip().lower()


class CustomField(Reply):
    id: str | None = None
    value: Any = None


class Contact(Reply):
    """A contact as read. `search_after` comes with a search alone: there the next page starts (`SearchContacts`)."""

    id: str
    location_id: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    email: str | None = None
    phone: str | None = None
    dnd: bool | None = None
    type: str | None = None
    source: str | None = None
    assigned_to: OptionalText = None
    followers: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    custom_fields: tuple[CustomField, ...] | None = None
    business_id: OptionalText = None
    address1: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None
    website: str | None = None
    timezone: OptionalText = None
    date_of_birth: str | None = None
    date_added: SentTime = None
    date_updated: SentTime = None
    search_after: tuple[Any, ...] | None = None


class ContactReply(Reply):
    contact: Contact


class ContactsReply(Reply):
    """`total` is of all that were found."""

    contacts: tuple[Contact, ...]
    total: int | None = None


class ContactEdited(Done):
    """HighLevel's spelling is `succeded`."""

    succeeded: bool = Field(default=True, validation_alias="succeded", serialization_alias="succeded")
    contact: Contact | None = None


class TagsReply(Reply):
    """The contact's tags as they are now."""

    tags: tuple[str, ...]


class Task(Reply):
    id: str
    title: str | None = None
    body: str | None = None
    assigned_to: OptionalText = None
    due_date: SentTime = None
    completed: bool | None = None
    contact_id: str | None = None


class TaskReply(Reply):
    task: Task


class TasksReply(Reply):
    tasks: tuple[Task, ...]


class WorkflowReply(Done):
    """HighLevel's spelling is `succeded`."""

    succeeded: bool = Field(default=True, validation_alias="succeded", serialization_alias="succeded")


class ContactAppointment(Reply):
    """An appointment in its contact's list: unlike everywhere else its times have no zone.

    HighLevel does not say which is meant; the account's is the likely one (`GetLocation`). `start_time.at(zone)`
    makes it an instant. Who wants it for sure reads the appointment itself. No published answer has `deleted`.
    """

    id: str
    calendar_id: str | None = None
    location_id: str | None = None
    contact_id: str | None = None
    group_id: OptionalText = None
    title: str | None = None
    status: str | None = None
    appointment_status: str | None = None
    assigned_user_id: OptionalText = None
    users: tuple[str, ...] = ()
    assigned_resources: tuple[str, ...] = ()
    address: str | None = None
    notes: str | None = None
    start_time: LocalTime
    end_time: LocalTime
    date_added: Annotated[LocalTime | None, EMPTY_AS_NONE] = None
    date_updated: Annotated[LocalTime | None, EMPTY_AS_NONE] = None
    deleted: bool = False


class ContactAppointmentsReply(Reply):
    events: tuple[ContactAppointment, ...]


class GetContact(Operation[ContactReply], method="GET", path="/contacts/{contact_id}", version=VERSION):
    """Sees what was written at once, as SearchContacts does not."""

    contact_id: str


class ContactFilter(Part):
    """One test: `operator` is eq, not_eq, contains, not_contains, exists, not_exists (those two without a value) or
    range (its value an object of gte, lte, gt, lt)."""

    field: str
    operator: str
    value: Any = None


class ContactFilterGroup(Part):
    group: Literal["AND", "OR"]
    filters: tuple["ContactFilter | ContactFilterGroup", ...]


class ContactOrder(Part):
    field: str
    direction: Literal["asc", "desc"]


class SearchContacts(Operation[ContactsReply], method="POST", path="/contacts/search", version=VERSION, changes=False):
    """One page of contacts. A POST that changes nothing; it lags behind what was written by up to 10 s.

    All `filters` must hold. `page` reaches the first 10,000; further on only `search_after`, the last contact's, does.
    """

    location_id: str
    page_limit: int = Field(ge=1, le=500)
    page: int | None = Field(default=None, ge=0)
    search_after: tuple[Any, ...] | None = None
    filters: tuple[ContactFilter | ContactFilterGroup, ...] | None = None
    sort: tuple[ContactOrder, ...] | None = None
    text: Annotated[str, StringConstraints(max_length=75)] | None = Field(
        default=None, validation_alias="query", serialization_alias="query"
    )

    @model_validator(mode="after")
    def pages_one_way(self) -> Self:
        if self.page is not None and self.search_after is not None:
            raise ValueError("either page or search_after, not both")
        return self


class ChangeContactOwner(Operation[ContactEdited], method="PUT", path="/contacts/{contact_id}", version=VERSION):
    """Give a contact to a user, or with None to nobody. The rest of the contact stays as it is."""

    contact_id: str
    assigned_to: str | None


class AddContactTags(
    Operation[TagsReply], method="POST", path="/contacts/{contact_id}/tags", version=VERSION, success=201
):
    """Add tags to those that are there."""

    contact_id: str
    tags: tuple[str, ...]


class RemoveContactTags(
    Operation[TagsReply], method="DELETE", path="/contacts/{contact_id}/tags", version=VERSION, sends_body=True
):
    contact_id: str
    tags: tuple[str, ...]


class CreateTask(
    Operation[TaskReply], method="POST", path="/contacts/{contact_id}/tasks", version=VERSION, success=201
):
    """Set a task about a contact. HighLevel wants to be told, too, that it is not completed yet."""

    contact_id: str
    title: str
    due_date: Moment
    completed: bool
    body: str | None = None
    assigned_to: str | None = None


class ListTasks(Operation[TasksReply], method="GET", path="/contacts/{contact_id}/tasks", version=VERSION):
    """Every task of a contact, done or not, without pages. Nothing tells when one was added.

    As HighLevel's reference pages have it; that no page is missing is an integrator's word.
    """

    contact_id: str


class AddContactToWorkflow(
    Operation[WorkflowReply], method="POST", path="/contacts/{contact_id}/workflow/{workflow_id}", version=VERSION
):
    """Put a contact into a workflow, with the time of the event it is about where there is one.

    HighLevel does so a little later, out of a queue (its older reference), and has no call that tells who is in one.
    """

    contact_id: str
    workflow_id: str
    event_start_time: Moment | None = None


class RemoveContactFromWorkflow(
    Operation[WorkflowReply],
    method="DELETE",
    path="/contacts/{contact_id}/workflow/{workflow_id}",
    version=VERSION,
    sends_body=True,
):
    """Take a contact out of a workflow. HighLevel wants a body here too, if an empty one."""

    contact_id: str
    workflow_id: str
    event_start_time: Moment | None = None


class ListContactAppointments(
    Operation[ContactAppointmentsReply], method="GET", path="/contacts/{contact_id}/appointments", version=VERSION
):
    """Every appointment of a contact, without pages; their times have no zone (`ContactAppointment`)."""

    contact_id: str
