"""The sandbox as an application to be served."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.highlevel.operation import Operation
from service.sandbox import appointments, blocks, calendars, notes
from service.sandbox.calls import Calls
from service.sandbox.control import Control
from service.sandbox.dispatcher import Dispatcher
from service.sandbox.faults import Faults
from service.sandbox.outcome import Announcement, Handler
from service.sandbox.signing import Signer
from service.sandbox.webhooks import Outbox, Patience, envelope
from service.sandbox.world import World

HANDLERS: dict[type[Operation[Any]], Handler] = {
    **appointments.HANDLERS,
    **blocks.HANDLERS,
    **calendars.HANDLERS,
    **notes.HANDLERS,
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
) -> web.Application:
    """Serve the world. Appointments made, changed and deleted through the API are announced to `webhook_url`, signed
    with `signing_key`; without an address nobody is told."""
    signer = Signer(signing_key)
    outbox = Outbox(webhook_url, signer, patience or Patience(), world.random)
    faults, calls = Faults(HANDLERS), Calls()

    def announce(announcement: Announcement) -> None:
        body = envelope(world, announcement, app_id=app_id, version_id=version_id or app_id)
        outbox.put(announcement.appointment.id, body)

    dispatcher = Dispatcher(world, HANDLERS, announce=announce, faults=faults, calls=calls)
    app = web.Application(middlewares=[dispatcher.answer_unknown_paths])
    Control(world, outbox, signer, faults, calls).add_routes(app.router)
    dispatcher.add_routes(app.router)

    async def deliver(app: web.Application) -> AsyncIterator[None]:
        await outbox.open()
        yield
        await outbox.close()

    async def let_go(app: web.Application) -> None:
        # A server that shuts down waits for its handlers: one that holds an answer would keep it for a minute.
        faults.clear()

    app.cleanup_ctx.append(deliver)
    app.on_shutdown.append(let_go)
    return app
