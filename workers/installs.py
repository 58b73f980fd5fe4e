"""INSTALL and UNINSTALL: our app came to a location or an agency, or was taken away from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.access.connection import Connector, NoTimeZone
from service.event import INSTALL
from service.highlevel.errors import HighLevelError
from service.highlevel.oauth import Granted
from service.store import installs, locations, tokens
from service.store.deliveries import Delivery
from service.store.tokens import of_agency
from workers.lease import Lease
from workers.run import Waits
from workers.workplace import Workplace

FETCHING = "fetching the location's token"


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
    granted: Granted | None = None
    try:
        if company_id is not None:
            granted = await work.tokens.location_token(company_id, location_id)
        if granted is None:
            return Heeded(
                "done", "installed, and its agency is not connected: slotwright locations connect registers it"
            )
        await lease.renew()
        connected = await Connector(work.settings, work.pool, work.session, work.clock).register(
            granted, said_at=said_at
        )
    except HighLevelError as error:
        if error.retry:
            raise Waits.after(error, delivery, FETCHING) from None
        return Heeded("failed", f"{FETCHING}: {error}")
    except NoTimeZone as error:
        return Heeded("failed", f"HighLevel does not say the location's time zone ({error}): slotwright locations add")
    return Heeded("done", f"installed: {connected.name or connected.id} is registered by its agency's token")
