"""`call`: a signed post to another system."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from service.outgoing.addresses import Target
from service.outgoing.client import MOST_SENT
from service.outgoing.posting import Posting
from service.trigger import storable
from workers.actions.action import Action, ActionContext, CannotAct, LeftAlone, Plan, Write
from workers.templates import Text
from workers.words import text_wanted, wrong

LONGEST_NAME = 100


def _read_url(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    try:
        Target.read(value.strip())
    except ValueError as error:
        raise wrong(str(error)) from None
    return value.strip()


class Call(Action):
    """Post `body` to `url` as JSON, signed; without a body, the ids of what it is about."""

    called: ClassVar[str] = "call"
    example: ClassVar[str] = '{do: call, url: "https://till.example.com/bookings", body: {starts: "{{ starts }}"}}'
    because: ClassVar[Mapping[str, str]] = {"url": "where to post"}
    acts_on_deleted: ClassVar[bool] = True
    needs_booking: ClassVar[bool] = False

    do: Literal["call"]
    url: Annotated[str, BeforeValidator(_read_url)]
    """Where to: an https address, the same every time."""
    body: (
        Annotated[dict[Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)], Text], Field(min_length=1)] | None
    ) = None
    """What is posted: texts by their names. Where nothing is said, the ids of what it is about."""

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        body = {name: storable(text.render(context.facts)) for name, text in (self.body or {}).items()}
        posting = Posting(url=self.url, body=body or _ids(context))
        if len(posting.content) > MOST_SENT:
            raise CannotAct(f"the body came out {len(posting.content):,} bytes long, {MOST_SENT:,} is the most")
        return Plan((Write(posting, f"post to {posting.host}"),))


def _ids(context: ActionContext) -> dict[str, str]:
    """What it is about, for a receiver that knows us; nothing of the booking itself."""
    ids = {"rule": context.rule, "event": str(context.delivery_id), "location": context.location_id}
    return ids if context.last_seen is None else {**ids, "appointment": context.booking.id}
