"""One way through for every operation: who asks, what is asked, what it comes to, what is answered."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as RequestHandler

from service.highlevel.operation import Operation
from service.sandbox import refusals
from service.sandbox.calls import Calls
from service.sandbox.faults import Fault, Faults
from service.sandbox.outcome import Announcement, Handler
from service.sandbox.reading import read_operation
from service.sandbox.records import Location
from service.sandbox.refusals import Refusal
from service.sandbox.world import World

VERSIONS = frozenset({"2021-04-15", "2021-07-28", "2023-02-21", "v3"})
LIMITS = {
    "X-RateLimit-Max": "100",
    "X-RateLimit-Interval-Milliseconds": "10000",
    "X-RateLimit-Remaining": "97",
    "X-RateLimit-Limit-Daily": "200000",
    "X-RateLimit-Daily-Remaining": "199641",
    "X-RateLimit-Daily-Reset": "83208000",
}
"""As recorded once; the sandbox counts nothing."""

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def to_json(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"))


class Dispatcher:
    def __init__(
        self,
        world: World,
        handlers: Mapping[type[Operation[Any]], Handler],
        *,
        announce: Callable[[Announcement], None],
        faults: Faults,
        calls: Calls,
    ) -> None:
        self._world = world
        self._handlers = handlers
        self._announce = announce
        self._faults = faults
        self._calls = calls

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Fixed paths first, so that `/calendars/events` is no calendar called events."""
        for operation in sorted(self._handlers, key=lambda known: (known.path.count("{"), known.path)):
            respond = self._responder(operation)
            router.add_route(operation.method, operation.path, respond)
            if operation.path.endswith("/"):
                router.add_route(operation.method, operation.path.rstrip("/"), respond)

    def _responder(self, operation: type[Operation[Any]]) -> Respond:
        async def respond(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            fault = self._faults.take(operation)
            if fault is not None and fault.before_write:
                response = _faulty(fault)
            else:
                response = self._carry_out(operation, request, raw)
                if fault is not None and fault.status is not None:
                    response = _faulty(fault)
            self._record(request, response.status, operation.__name__)
            if fault is not None and fault.hold:
                await self._faults.hold(fault.hold)
            return response

        return respond

    def _carry_out(self, operation: type[Operation[Any]], request: web.Request, raw: bytes) -> web.Response:
        """Without waiting anywhere: two calls never interleave, so of two for one slot only one gets it."""
        trace_id = self._world.new_uuid()
        try:
            location = self._authorize(request)
            asked = read_operation(operation, request.match_info, request.query, raw)
            outcome = self._handlers[operation](self._world, location, asked)
        except Refusal as refusal:
            return _refused(refusal, trace_id)
        except OverflowError:
            # A time at the edge of the calendar, moved over it by its own offset.
            return _refused(refusals.unprocessable("a date is out of range"), trace_id)
        for announcement in outcome.announcements:
            self._announce(announcement)
        body = {**outcome.body, "traceId": trace_id}
        return web.json_response(body, status=operation.success, headers=LIMITS, dumps=to_json)

    def _authorize(self, request: web.Request) -> Location:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        location = self._world.location_of(token.strip()) if scheme.lower() == "bearer" else None
        if location is None:
            raise refusals.unauthorized("Invalid token: access token is invalid")
        version = request.headers.get("Version")
        if version is None:
            raise refusals.unauthorized("version header was not found.")
        if version not in VERSIONS:
            raise refusals.unauthorized("version header is invalid")
        return location

    def _record(self, request: web.Request, status: int, operation: str | None) -> None:
        self._calls.add(
            method=request.method, path=request.path, status=status, at=self._world.now(), operation=operation
        )

    @web.middleware
    async def answer_unknown_paths(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            refusal = refusals.no_such_path(request.method, request.path)
            if not request.path.startswith("/sandbox/"):
                self._record(request, refusal.status, None)
            return _refused(refusal, self._world.new_uuid())


def _refused(refusal: Refusal, trace_id: str) -> web.Response:
    return web.json_response(refusal.body(trace_id), status=refusal.status, dumps=to_json)


def _faulty(fault: Fault) -> web.Response:
    status = fault.status or 500
    message = {429: "Too Many Requests", 500: "Internal Server Error"}.get(status, "Fault on order")
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    return web.json_response({"statusCode": status, "message": message}, status=status, headers=headers)
