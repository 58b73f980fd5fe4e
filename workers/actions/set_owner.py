"""`set_owner`: whose contact it is."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from service.highlevel.contacts import ChangeContactOwner
from workers.actions.action import Action, ActionContext, LeftAlone, Plan, Write
from workers.actions.contact import contact_now
from workers.actions.whom import person_meant, whom
from workers.names import Named
from workers.references import Reference


class SetOwner(Action):
    """Give the contact to a person, who owns it in HighLevel from then on."""

    called: ClassVar[str] = "set_owner"
    example: ClassVar[str] = "{do: set_owner, to: assignee}"
    because: ClassVar[Mapping[str, str]] = {"to": "a person, assignee or nobody"}
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False
    needs_contact: ClassVar[bool] = True

    do: Literal["set_owner"]
    to: Annotated[Named | Reference | Literal["assignee", "nobody"], *whom("assignee", "nobody")]
    """Who gets it: a person, `assignee` for whoever has the booking by then, or `nobody`."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        person = await person_meant(self.to, context)
        if isinstance(person, LeftAlone):
            return person
        contact = await contact_now(context)
        if isinstance(contact, LeftAlone):
            return contact
        given = person.id if person else None
        if contact.assigned_to == given:
            return LeftAlone(f"{person} owns the contact already" if person else "nobody owns the contact as it is")
        sentence = f"give the contact to {person}" if person else "take the contact from its owner"
        write = ChangeContactOwner(contact_id=contact.id, assigned_to=given)
        return Plan((Write(write, sentence, {"owner": contact.assigned_to}),))
