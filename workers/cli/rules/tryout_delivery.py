"""The delivery that rules are tried on: a body in a file, or one that came."""

from dataclasses import replace
from pathlib import Path

import click

from service.event import Event, NotAnEvent, read_event, read_external, read_workflow
from service.event_types import INSTALL, UNINSTALL, WORKFLOW
from service.store import deliveries, history, sources
from service.store.database import Connection
from service.store.deliveries import Delivery
from service.store.sources import Source
from workers import trial
from workers.cli.clock import clock
from workers.cli.live import said
from workers.cli.which import named, place_of
from workers.other_words import nearest


def must_be_an_id(wanted: str) -> None:
    if not history.HEXADECIMAL.fullmatch(wanted.replace("-", "")):
        raise click.ClickException(
            f"there is no file {said(wanted)}, and no delivery is called so: an id is hexadecimal, and its first "
            "digits will do"
        )


async def stored(connection: Connection, prefix: str) -> Delivery:
    found = await deliveries.find(connection, await named(connection, prefix))
    assert found is not None, "its id was just found"
    if not found.location_id:
        raise click.ClickException(f"{found.delivery_id} names no location: {found.reason or 'no rule is asked'}")
    _must_be_for_rules(str(found.delivery_id), found.event)
    return found


async def arriving(connection: Connection, file: Path, location: str, source: str) -> Delivery:
    """A body as if it were posted now."""
    body = _body(file)
    poster = await _source(connection, source) if source else None
    event = _event(file, body, poster)
    where = (await place_of(connection, location)).location_id if location else None
    if where and event.location_id not in (None, where):
        raise click.ClickException(f"{file} is of the location {event.location_id}, and not of {said(location)}")
    where = where or event.location_id or (poster.only_location if poster else None)
    event = _understood(file, replace(event, location_id=where))
    if poster and not poster.speaks_for(where):
        raise click.ClickException(f"{poster.name} may not speak for the location {where}")
    return trial.arrived(event, body, clock())


def told_by(file: Path, location: str, source: str) -> Delivery:
    """A body, with nothing known of locations and sources but what they are called."""
    body = _body(file)
    event = _event(file, body, _unknown(source) if source else None)
    event = _understood(file, replace(event, location_id=event.location_id or location or None))
    return trial.arrived(event, body, clock())


async def _source(connection: Connection, name: str) -> Source:
    known = {source.name: source for source in await sources.every(connection)}
    if name not in known:
        meant = nearest(name, known)
        hint = f"did you mean {meant}?" if meant else "slotwright sources list shows them"
        raise click.ClickException(f"no source is called {said(name)}: {hint}")
    return known[name]


def _unknown(name: str) -> Source:
    """A source of which nothing is known but that it is another system."""
    return Source(name, "external", None, {}, 429, clock(), None, ())


def _body(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None


def _event(file: Path, body: bytes, source: Source | None) -> Event:
    """What the body says to whoever posts it: HighLevel where it says a type, else a workflow."""
    try:
        if source and source.kind == "external":
            return read_external(body, source.name, "", source.paths)
        if source and source.kind == WORKFLOW:
            return read_workflow(body)
        event = read_event(body)
        return event if source or event.type else _of_workflow(event, read_workflow(body))
    except NotAnEvent as error:
        raise click.ClickException(f"{file}: {error}") from None


def _of_workflow(event: Event, posted: Event) -> Event:
    return posted if posted.location_id or posted.appointment_id else event


def _understood(file: Path, event: Event) -> Event:
    """Raises ClickException for what no rule could be asked about."""
    if event.not_understood:
        raise click.ClickException(f"{file}: {event.not_understood}{_advice(event)}")
    _must_be_for_rules(str(file), event.type)
    return event


def _advice(event: Event) -> str:
    if not event.type:
        return "; say --source for what another system posts"
    return "" if event.location_id else "; say --location"


def _must_be_for_rules(which: str, type_: str) -> None:
    if type_ in (INSTALL, UNINSTALL):
        raise click.ClickException(f"{which}: {type_} is about the app, and no rule is asked about it")
