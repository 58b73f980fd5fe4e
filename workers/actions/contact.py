"""The contact that an action is about: the booking's, or that of an event without one."""

from service.highlevel.contacts import Contact, GetContact
from service.highlevel.errors import NotFound
from workers.actions.action import ActionContext, LeftAlone


def contact_meant(context: ActionContext) -> str | LeftAlone:
    """Its id."""
    if context.contact_id:
        return context.contact_id
    what = "the booking has no contact" if context.last_seen else "the event is about no contact"
    return LeftAlone(what, otherwise=True)


async def contact_now(context: ActionContext) -> Contact | LeftAlone:
    """As HighLevel shows it right before something is decided. Raises HighLevelError."""
    contact_id = contact_meant(context)
    if isinstance(contact_id, LeftAlone):
        return contact_id
    try:
        return (await context.api(GetContact(contact_id=contact_id))).contact
    except NotFound:
        return LeftAlone("HighLevel does not know the contact any more", otherwise=True)
