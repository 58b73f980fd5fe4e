"""The sandbox as an application to be served."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, assert_never

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.highlevel.operation import Operation
from service.sandbox.api import (
    appointments,
    blocks,
    calendar_settings,
    calendars,
    contacts,
    custom_fields,
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
from service.sandbox.desk import Desk
from service.sandbox.door.calls import Calls
from service.sandbox.door.dispatcher import Dispatcher
from service.sandbox.door.edge import Edge
from service.sandbox.door.faults import Fault, Faults
from service.sandbox.door.oauth import OAuth
from service.sandbox.door.visitors import keep_strangers_out
from service.sandbox.lever import add_levers
from service.sandbox.levers.clock import ClockControl
from service.sandbox.levers.control import Control
from service.sandbox.levers.webhooks import WebhookControl
from service.sandbox.limits import Limits, Meter
from service.sandbox.outcome import Announcement, AnyAnnouncement, ContactChanged, Handler, ServiceBookingChanged
from service.sandbox.page.site import Site
from service.sandbox.state.file import StateFile
from service.sandbox.state.state import State
from service.sandbox.tokens.credentials import Credentials
from service.sandbox.tokens.grants import Grants
from service.sandbox.webhooks.address import Address, Channel
from service.sandbox.webhooks.envelopes import App, of_appointment, of_contact
from service.sandbox.webhooks.outbox import Manners, Outbox, Patience
from service.sandbox.webhooks.signing import Signer
from service.sandbox.webhooks.workflow_body import service_workflow_body, sets_off_workflows, workflow_body
from service.sandbox.world.world import World

HANDLERS: dict[type[Operation[Any]], Handler] = {
    operation: handler
    for resource in (
        appointments,
        blocks,
        calendar_settings,
        calendars,
        contacts,
        custom_fields,
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
    workflow_url: str | None = None,
    workflow_headers: Mapping[str, str] = {},
    duplicates: float = 0,
    reorder: bool = False,
    patience: Patience | None = None,
    limits: Limits | None,
    faults: Iterable[Fault] = (),
    monotonic: Callable[[], float] = time.monotonic,
    state_file: StateFile | None = None,
) -> web.Application:
    """Serve the world. What becomes of appointments and contacts is announced to `webhook_url`, signed with
    `signing_key`, and what a workflow about appointments would post goes to `workflow_url` with `workflow_headers`;
    without an address nobody is told. `duplicates` and `reorder` are as in `Manners`. `limits` are counted by
    `monotonic`, in seconds. Everything is kept in `state_file`, which is open; what it held besides the world is put
    in its place. Raises LookupError for a fault of an operation that is none, StateError."""
    signer, app_named = Signer(signing_key), App(app_id, version_id or app_id)
    addresses: dict[Channel, Address] = {}
    if webhook_url is not None:
        addresses["app"] = Address(webhook_url, signer.headers)
    if workflow_url is not None:
        plain = {"Content-Type": "application/json", **workflow_headers}
        addresses["workflow"] = Address(workflow_url, lambda _: plain)
    manners = Manners(duplicates=duplicates, reorder=reorder)
    outbox = Outbox(addresses, patience or Patience(), world.random, manners)
    operations = [(operation.__name__, operation.method, operation.path) for operation in HANDLERS]
    waiting, calls = Faults([*operations, *OAuth.CALLS]), Calls()
    for fault in faults:
        waiting.order(fault)
    credentials, meter = Credentials(world), Meter(limits, monotonic)
    grants = Grants(world, credentials)
    state = State(state_file, world=world, key=signing_key, credentials=credentials, grants=grants, outbox=outbox)
    edge = Edge(world, meter, waiting, calls, state)

    def announce(announcement: AnyAnnouncement) -> None:
        match announcement:
            case Announcement():
                appointment = announcement.appointment
                outbox.put(appointment.id, of_appointment(world, announcement, app_named))
                if sets_off_workflows(announcement):
                    outbox.put(appointment.id, workflow_body(world, appointment), "workflow")
            case ContactChanged():
                outbox.put(announcement.contact.id, of_contact(world, announcement, app_named))
            case ServiceBookingChanged(booking):
                outbox.put(booking.booking_id, service_workflow_body(world, booking), "workflow")
            case _:
                assert_never(announcement)

    desk = Desk(world, HANDLERS, announce)
    dispatcher = Dispatcher(desk, credentials=credentials, edge=edge)
    control = Control(world, waiting, calls, credentials, grants, meter)
    webhook_control = WebhookControl(world, outbox, signer, app_named, grants)
    levers = [*control.levers(), *ClockControl(world).levers(), *webhook_control.levers()]
    site = Site(desk, levers)
    app = web.Application(
        middlewares=[
            keep_strangers_out,
            dispatcher.answer_unknown_paths,
            site.say_what_is_not_saved,
            edge.answer_too_large,
            edge.answer_once_saved,
        ]
    )
    add_levers(app.router, levers)
    site.add_routes(app.router)
    app.router.add_get("/sandbox/webhook-key", webhook_control.show_key)  # where a receiver of release 0.1.0 asks
    OAuth(world, credentials, grants, edge).add_routes(app.router)
    dispatcher.add_routes(app.router)

    async def deliver(app: web.Application) -> AsyncIterator[None]:
        await state.open()
        await outbox.open()
        yield
        await outbox.close()
        await state.close()

    async def let_go(app: web.Application) -> None:
        # A server that shuts down waits for its handlers: one that holds an answer would keep it for a minute.
        waiting.clear()

    app.cleanup_ctx.append(deliver)
    app.on_shutdown.append(let_go)
    return app
