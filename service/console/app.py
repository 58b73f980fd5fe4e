"""The console as an application: its routes, and what every request passes on its way to a page."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version

from aiohttp import web

from service.access.app import CALLBACK
from service.console import pages
from service.console.callback import CallbackPage
from service.console.delivery import DeliveryPages
from service.console.errors import TALLY, errors_are_pages
from service.console.headers import add_headers
from service.console.history import HistoryPages
from service.console.metrics import Metrics
from service.console.now import NowPage
from service.console.record import Record
from service.console.sign_in import SignIn
from service.console.visitors import is_loopback, only_loopback_names, only_our_own_forms
from service.health import Health
from service.settings import Settings
from service.store.database import Pool
from service.telemetry import Tally

HEALTH = web.AppKey("health", Health)
LARGEST_FORM = 16 * 1024


class PasswordNeeded(Exception):
    """The console would listen where others reach it, and anybody could read it."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"CONSOLE_HOST {host} is reached from other machines, so CONSOLE_PASSWORD is needed: "
            "`slotwright console --hash-password` makes it from a password"
        )


def create_app(
    settings: Settings,
    pool: Pool,
    clock: Callable[[], datetime],
    *,
    tally: Tally | None = None,
) -> web.Application:
    """`pool` stays the caller's. `tally` counts unexpected errors. Raises PasswordNeeded."""
    password = settings.console_password.get_secret_value()
    sign_in = SignIn(password, clock) if password else None
    if sign_in is None and not is_loopback(settings.console_host):
        raise PasswordNeeded(settings.console_host)
    app = web.Application(
        client_max_size=LARGEST_FORM,
        middlewares=[errors_are_pages, only_our_own_forms, sign_in.gate() if sign_in else only_loopback_names],
    )
    pages.set_up(app, sign_in.sessions if sign_in else None)
    app.on_response_prepare.append(add_headers)
    app[TALLY] = tally or Tally()
    app[HEALTH] = health = Health()
    record = Record(pool)
    history, delivery, now = HistoryPages(record, clock), DeliveryPages(record), NowPage(record, clock)
    app.router.add_routes(
        [
            web.get("/", _first_page),
            web.get("/history", history.list),
            web.get("/search", history.search),
            web.get("/deliveries/{delivery_id}.json", delivery.as_json),
            web.get("/deliveries/{delivery_id}", delivery.show),
            web.get("/now", now.show),
            # Not for HEAD: whoever looks ahead at a link must not use it up.
            web.get(CALLBACK, CallbackPage(settings, pool, clock).show, allow_head=False),
            web.get("/metrics", Metrics(record, version("slotwright")).show),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            *(sign_in.routes() if sign_in else [web.get("/sign-in", _first_page)]),
        ]
    )
    return app


async def _first_page(_: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("/history")
