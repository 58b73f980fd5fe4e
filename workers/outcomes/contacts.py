"""What was done to a contact, looked for: tags, owner, tasks. Who is in a workflow HighLevel shows nobody."""

from datetime import datetime

from service.highlevel.contacts import (
    AddContactTags,
    ChangeContactOwner,
    Contact,
    CreateTask,
    GetContact,
    ListTasks,
    RemoveContactTags,
    Task,
    tag_key,
)
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api
from workers.outcomes.outcome import Found, NotFoundYet, Outcome, Overtaken, Taken, Unseeable, ours

GONE = Overtaken("HighLevel does not know the contact any more", gone=True)

IN_A_WORKFLOW = Unseeable(
    "HighLevel tells nobody who is in a workflow, and a contact put into it twice would get its messages twice"
)


async def tags(api: Api, wanted: AddContactTags | RemoveContactTags) -> Outcome:
    contact = await _contact(api, wanted.contact_id)
    if contact is None:
        return GONE
    has = {tag_key(tag) for tag in contact.tags or ()}
    meant = {tag_key(tag) for tag in wanted.tags}
    true = meant <= has if isinstance(wanted, AddContactTags) else meant.isdisjoint(has)
    return Found() if true else NotFoundYet()


async def owner(api: Api, wanted: ChangeContactOwner, was: str | None) -> Outcome:
    contact = await _contact(api, wanted.contact_id)
    if contact is None:
        return GONE
    if contact.assigned_to == wanted.assigned_to:
        return Found()
    return NotFoundYet() if contact.assigned_to == was else Overtaken("somebody else changed the contact's owner since")


async def task(api: Api, wanted: CreateTask, taken: Taken) -> Outcome:
    try:
        there = (await api(ListTasks(contact_id=wanted.contact_id))).tasks
    except NotFound:
        return GONE
    return await ours([each.id for each in there if _is(each, wanted)], taken)


def _is(task: Task, wanted: CreateTask) -> bool:
    """By its title, whose it is and when it is due, to the second. Nothing tells when it was added; and its body may be
    shown otherwise than it was sent, which would set it twice."""
    return (
        (task.title or "").strip() == wanted.title.strip()
        and task.due_date == datetime.fromisoformat(wanted.due_date)
        and task.assigned_to == wanted.assigned_to
    )


async def _contact(api: Api, contact_id: str) -> Contact | None:
    try:
        return (await api(GetContact(contact_id=contact_id))).contact
    except NotFound:
        return None
