"""The sandbox as an application to be served."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, assert_never

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.highlevel.operation import Operation
from service.sandbox import (
    appointments,
    blocks,
    calendar_settings,
    calendars,
    contacts,
    event_schedules,
    groups,
    notes,
    notifications,
    resources,
    schedules,
    service_bookings,
    service_locations,
    services,
    users,
)
from service.sandbox.calls import Calls
from service.sandbox.control import Control
from service.sandbox.credentials import Credentials
from service.sandbox.desk import Desk
from service.sandbox.dispatcher import Dispatcher
from service.sandbox.edge import Edge
from service.sandbox.faults import Fault, Faults
from service.sandbox.grants import Grants
from service.sandbox.levers import add_levers
from service.sandbox.limits import Limits, Meter
from service.sandbox.oauth import OAuth
from service.sandbox.outcome import Announcement, ContactChanged, Handler
from service.sandbox.signing import Signer
from service.sandbox.webhook_control import WebhookControl
from service.sandbox.webhooks import App, Outbox, Patience, envelope
from service.sandbox.world import World

HANDLERS: dict[type[Operation[Any]], Handler] = {
    operation: handler
    for resource in (
        appointments,
        blocks,
        calendar_settings,
        calendars,
        contacts,
        event_schedules,
        groups,
        notes,
        notifications,
        resources,
        schedules,
        service_bookings,
        service_locations,
        services,
        users,
    )
    for operation, handler in resource.HANDLERS.items()
}
"""Who carries out which operation: method, path, fields and success come from the operation's own declaration."""


def create_app(
    world: World,
    *,
    webhook_url: str | None,
    signing_key: Ed25519PrivateKey,
    app_id: str,
    version_id: str | None = None,
    patience: Patience | None = None,
    limits: Limits | None,
    faults: Iterable[Fault] = (),
    monotonic: Callable[[], float] = time.monotonic,
) -> web.Application:
    """Serve the world. Appointments made, changed and deleted through the API are announced to `webhook_url`, signed
    with `signing_key`; without an address nobody is told. `limits` are counted by `monotonic`, in seconds. Raises
    LookupError for a fault of an operation that is none."""
    signer, app_named = Signer(signing_key), App(app_id, version_id or app_id)
    outbox = Outbox(webhook_url, signer, patience or Patience(), world.random)
    operations = [(operation.__name__, operation.method, operation.path) for operation in HANDLERS]
    waiting, calls = Faults([*operations, *OAuth.CALLS]), Calls()
    for fault in faults:
        waiting.order(fault)
    credentials, meter = Credentials(world), Meter(limits, monotonic)
    grants, edge = Grants(world, credentials), Edge(world, meter, waiting, calls)

    def announce(announcement: Announcement | ContactChanged) -> None:
        match announcement:
            case Announcement():
                outbox.put(announcement.appointment.id, envelope(world, announcement, app_named))
            case ContactChanged():
                pass
            case _:
                assert_never(announcement)

    desk = Desk(world, HANDLERS, announce)
    dispatcher = Dispatcher(desk, credentials=credentials, edge=edge)
    app = web.Application(middlewares=[dispatcher.answer_unknown_paths])
    control = Control(world, waiting, calls, credentials, grants, meter)
    webhook_control = WebhookControl(world, outbox, signer, app_named, grants)
    add_levers(app.router, [*control.levers(), *webhook_control.levers()])
    app.router.add_get("/sandbox/webhook-key", webhook_control.show_key)  # where a receiver of release 0.1.0 asks
    OAuth(world, credentials, grants, edge).add_routes(app.router)
    dispatcher.add_routes(app.router)

    async def deliver(app: web.Application) -> AsyncIterator[None]:
        await outbox.open()
        yield
        await outbox.close()

    async def let_go(app: web.Application) -> None:
        # A server that shuts down waits for its handlers: one that holds an answer would keep it for a minute.
        waiting.clear()

    app.cleanup_ctx.append(deliver)
    app.on_shutdown.append(let_go)
    return app
