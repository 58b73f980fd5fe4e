"""`slotwright locations check`: what a location's token may do, asked of HighLevel by calls that change nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from service.access.tokens import TokenKeeper
from service.highlevel.appointments import GetAppointment
from service.highlevel.blocked_slots import EditBlockSlot
from service.highlevel.calendar_settings import EditCalendar
from service.highlevel.calendars import ListCalendars
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.contacts import GetContact, RemoveContactTags
from service.highlevel.errors import (
    AnswerLost,
    Forbidden,
    HighLevelError,
    NotSent,
    PathUnknown,
    Refused,
    ScopeMissing,
    TokenRefused,
)
from service.highlevel.groups import ListGroups, ValidateGroupSlug
from service.highlevel.locations import GetLocation, ListCustomFields, LocationReply
from service.highlevel.operation import Api, Operation
from service.highlevel.resources import EditResource, ListResources
from service.highlevel.users import ListUsers
from service.settings import Settings
from service.store.database import Pool
from service.store.locations import Location
from workers.cli import arguments
from workers.cli.checkup.highlevel import advice_for
from workers.cli.clock import clock
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, said, terminal
from workers.cli.time_zones import no_token, not_registered
from workers.cli.which import place_of
from workers.client import client

NEEDED = "rules need it"
NOWHERE = "slotwrightLooks00000"
"""Nothing at HighLevel has this id: what is done to it is done to nothing, and the answer says whether it might be."""

MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
"""What it may do, may not, and what cannot be told."""

ENOUGH = 2
"""Calls without any answer after which no more are made."""

READING = "rules that ask about contacts need it, or act on them"
WRITING = "rules that tag contacts, give them away, set tasks, or start or stop workflows need it"
FIELDS = "rules that ask about custom fields of contacts need it"
PEOPLE = "people whom no calendar names are looked through by it"


@dataclass(frozen=True)
class Probe:
    """One call that needs one scope. `by_id`: on what is nowhere, where a plain refusal shows that it was let in."""

    scope: str
    call: Callable[[str], Operation[Any]]
    """Takes the location's id."""
    use: str = "no rule needs it"
    by_id: bool = False


PROBES = (
    Probe(
        "locations.readonly",
        lambda location: GetLocation(location_id=location),
        use="its name and clock are read by it",
    ),
    Probe("calendars.readonly", lambda location: ListCalendars(location_id=location), use=NEEDED),
    Probe("calendars/events.readonly", lambda _: GetAppointment(event_id=NOWHERE), use=NEEDED, by_id=True),
    Probe(
        "calendars/events.write",
        lambda location: EditBlockSlot(event_id=NOWHERE, location_id=location, title="slotwright looks"),
        use=NEEDED,
        by_id=True,
    ),
    Probe("users.readonly", lambda location: ListUsers(location_id=location), use=PEOPLE),
    Probe("contacts.readonly", lambda _: GetContact(contact_id=NOWHERE), use=READING, by_id=True),
    Probe(
        "contacts.write",
        lambda _: RemoveContactTags(contact_id=NOWHERE, tags=("slotwright looks",)),
        use=WRITING,
        by_id=True,
    ),
    Probe(
        "locations/customFields.readonly",
        lambda location: ListCustomFields(location_id=location, model="contact"),
        use=FIELDS,
    ),
    Probe("calendars.write", lambda _: EditCalendar(calendar_id=NOWHERE), by_id=True),
    Probe("calendars/groups.readonly", lambda location: ListGroups(location_id=location)),
    Probe(
        "calendars/groups.write",
        lambda location: ValidateGroupSlug(location_id=location, slug="slotwright-looks"),
    ),
    Probe(
        "calendars/resources.readonly",
        lambda location: ListResources(resource_type="rooms", location_id=location, limit=1, skip=0),
    ),
    Probe("calendars/resources.write", lambda _: EditResource(resource_type="rooms", resource_id=NOWHERE), by_id=True),
)
"""By scope: those that rules need, and those of the other calls that there are."""


@dataclass(frozen=True)
class Answered:
    probe: Probe
    operation: str
    may: bool | None
    words: str
    reply: Any = None
    error: HighLevelError | None = None

    @property
    def silent(self) -> bool:
        """HighLevel gave no answer."""
        return isinstance(self.error, NotSent | AnswerLost) and self.error.status is None


@click.command()
@click.argument("location", callback=arguments.kept)
@folder_option
def check(location: str, folder: Path) -> None:
    """Ask HighLevel what the token of LOCATION, an id or a name, may do, and change nothing.

    ✓ it may, ✗ it may not, ? HighLevel did not tell. Ends with 1 where rules need more, or may.
    """

    async def do(pool: Pool, settings: Settings) -> tuple[Location, list[Answered]]:
        async with pool.acquire() as connection:
            location_id = (await place_of(connection, location)).location_id
        async with open_session(2, proxy_for(settings.highlevel_url)) as session:
            keeper = TokenKeeper(settings, pool, session, clock)
            try:
                found = await keeper.look(location_id)
                if found is None:
                    raise not_registered(location_id)
                tokens = keeper.of(found)
                await tokens.token()
            except HighLevelError as error:
                raise no_token(location_id, error) from None
            api = client(settings, session, tokens, location=location_id)
            return found, await _ask_all(api, location_id)

    registered, answers = with_pool(folder, do, "secret_key")
    table = plain_table("", "scope", "asked by", "answer")
    for answer in answers:
        mark, colour = MARKS[answer.may]
        words = answer.words if answer.may or answer.probe.use == NEEDED else f"{answer.words} ({answer.probe.use})"
        table.add_row(Text(mark, colour), answer.probe.scope, answer.operation, Text(said(words)))
    terminal().print(table)
    if registered.grant is not None:
        click.echo(f"Granted: {said(' '.join(registered.grant.scopes)) or 'nothing'}")
    click.echo(f"Its clock: {said(_clock(registered, answers))}")
    if refusal := _verdict(registered, answers):
        raise click.ClickException(refusal)


def _verdict(location: Location, answers: list[Answered]) -> str | None:
    """Why rules may not be able to act by this token."""
    if all(answer.silent for answer in answers):
        return "HighLevel does not answer"
    for answer in answers:
        if isinstance(answer.error, TokenRefused):
            return f"the token itself is refused: {advice_for(answer.error, connected=location.grant is not None)}"
    needed = [answer for answer in answers if answer.probe.use == NEEDED]
    if wanting := [answer.probe.scope for answer in needed if answer.may is False]:
        return f"rules need {', '.join(wanting)}"
    if untold := [answer.probe.scope for answer in needed if answer.may is None]:
        return f"HighLevel does not tell whether it has what rules need: {', '.join(untold)}"
    return None


async def _ask_all(api: Api, location_id: str) -> list[Answered]:
    answers: list[Answered] = []
    for probe in PROBES:
        answers.append(await _ask(api, probe, location_id))
        if len(answers) == ENOUGH and all(answer.silent for answer in answers):
            break
    return answers


async def _ask(api: Api, probe: Probe, location_id: str) -> Answered:
    operation = probe.call(location_id)
    name = type(operation).__name__
    try:
        reply = await api(operation)
    except HighLevelError as error:
        may = _may(probe, error)
        words = f"let in: nothing has that id ({error.status})" if may else _words(error)
        return Answered(probe, name, may, words, error=error)
    return Answered(probe, name, True, "works", reply)


def _may(probe: Probe, error: HighLevelError) -> bool | None:
    """Faults of theirs, and of how it was asked, tell nothing of the token."""
    if isinstance(error, ScopeMissing | Forbidden | TokenRefused):
        return False
    unfit = isinstance(error, PathUnknown) or error.status == 422
    return True if probe.by_id and isinstance(error, Refused) and not unfit else None


def _words(error: HighLevelError) -> str:
    return f"{error.status}: {error.message}" if error.status else error.message


def _clock(location: Location, answers: list[Answered]) -> str:
    replies = [answer.reply for answer in answers if isinstance(answer.reply, LocationReply)]
    told = replies[0].location.timezone if replies else None
    if location.time_zone_chosen:
        return f"{location.time_zone}, as was chosen; HighLevel says {told or 'nothing'}"
    if told is None or told == location.time_zone:
        return f"{location.time_zone}{', as HighLevel says' if told else ''}"
    return f"{location.time_zone}; HighLevel says {told}: slotwright locations time-zone {location.location_id}"
