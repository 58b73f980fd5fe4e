"""INSTALL and UNINSTALL: our app came to a location or an agency, or was taken away from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from service.access import app
from service.access.connection import AppRemoved, Connected, Connector, NoTimeZone
from service.event_types import INSTALL
from service.highlevel.errors import HighLevelError
from service.highlevel.oauth import Granted
from service.store import installs, locations, tokens
from service.store.deliveries import Delivery
from service.store.tokens import of_agency
from service.telemetry import Outage
from workers.lease import Lease
from workers.pauses import pause
from workers.rounds import rounds
from workers.waits import Waits
from workers.workplace import Workplace

log = structlog.get_logger()

FETCHING = "fetching the location's token"

LOOK_EVERY = 5.0
"""Seconds between two looks for locations whose agency was connected after they had the app."""


@dataclass(frozen=True)
class Heeded:
    """What came of it: how the delivery ends, and why."""

    state: Literal["done", "failed"]
    reason: str


async def heed(work: Workplace, lease: Lease, delivery: Delivery) -> Heeded:
    """Stop acting where it was taken away; begin where an agency that is connected has installed it.

    Deliveries come late and again: what was said before something that is known already changes nothing. Raises Waits.
    """
    event = delivery.read()
    location_id, company_id = event.location_id, event.company_id
    ours = app.app_id(work.settings)
    if ours and event.app_id != ours:
        return Heeded("done", "said of another app than OAUTH_CLIENT_ID's: no token hangs on it")
    said_at = event.said_at or delivery.received_at
    installed = event.type == INSTALL
    async with lease.transaction() as connection:
        if not await installs.note(connection, location_id, company_id, installed=installed, said_at=said_at):
            return Heeded("done", "stale: something newer was heard of the app before")
        if not installed:
            if location_id is None:
                await tokens.remove(connection, of_agency(str(company_id)))
                return Heeded("done", "uninstalled: the agency's token is forgotten; its locations keep theirs")
            if await locations.remove(connection, location_id):
                return Heeded("done", "uninstalled: the location and its token are forgotten")
            return Heeded("done", "uninstalled: the location was not registered")
        if location_id is None:
            return Heeded("done", "installed for an agency: slotwright locations connect --agency connects it")
        registered = await locations.look_up(connection, location_id)
    if registered is not None and (registered.grant is None or registered.grant.refused is None):
        return Heeded("done", "installed: the location is registered already, and keeps its token")
    return await _connect(work, lease, delivery, location_id, company_id, said_at)


async def _connect(
    work: Workplace, lease: Lease, delivery: Delivery, location_id: str, company_id: str | None, said_at: datetime
) -> Heeded:
    """By the agency's token, where there is one."""
    try:
        connected = await _by_agency(work, location_id, company_id, said_at, lease)
    except HighLevelError as error:
        if error.retry:
            raise Waits(pause(error, delivery.attempts), f"{FETCHING}: {error}", failed=True) from None
        heeded = Heeded("failed", f"{FETCHING}: {error}")
    except NoTimeZone as error:
        told = f"HighLevel does not say the location's time zone ({error}): slotwright locations add"
        heeded = Heeded("failed", told)
    except AppRemoved:
        return Heeded("done", "stale: it was taken away again meanwhile")
    else:
        if connected is not None:
            return Heeded("done", f"installed: {connected.name or connected.id} is registered by its agency's token")
        heeded = Heeded("done", "installed, and its agency is not connected: slotwright locations connect registers it")
    async with lease.transaction() as connection:
        await installs.await_agency(connection, location_id)
    return heeded


async def _by_agency(
    work: Workplace, location_id: str, company_id: str | None, said_at: datetime, lease: Lease | None = None
) -> Connected | None:
    """None where the agency is not connected. Raises HighLevelError, NoTimeZone and AppRemoved."""
    granted: Granted | None = None
    if company_id is not None:
        granted = await work.tokens.location_token(company_id, location_id)
    if granted is None:
        return None
    if lease is not None:
        await lease.renew()
    connector = Connector(work.settings, work.pool, work.session, work.clock)
    return await connector.register(granted, said_at=said_at)


async def watch(work: Workplace) -> None:
    """Register locations whose agency was connected after they had the app, until cancelled."""
    outage = Outage("cannot look for installs that wait", "looks for installs that wait again")
    await rounds(lambda: take_up(work), LOOK_EVERY, outage)


async def take_up(work: Workplace) -> None:
    """Register all that are due."""
    while True:
        async with work.pool.acquire(timeout=LOOK_EVERY) as connection:
            install = await installs.next_due(connection)
        if install is None:
            return
        try:
            connected = await _by_agency(work, install.location_id, install.company_id, install.said_at)
        except (HighLevelError, NoTimeZone, AppRemoved) as error:
            log.info("a location cannot be registered", location=install.location_id, error=type(error).__name__)
        else:
            if connected is not None:
                log.info("registered a location by its agency's token", location=install.location_id)
