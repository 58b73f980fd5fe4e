"""One way through for every operation: who asks, what is asked, what it comes to, what is answered."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as RequestHandler

from service.highlevel.operation import Operation
from service.sandbox import refusals
from service.sandbox.desk import Desk
from service.sandbox.door.edge import Carried, Edge, Respond, answered, refused
from service.sandbox.door.reading import read_operation
from service.sandbox.lever import ROOT
from service.sandbox.refusals import Refusal
from service.sandbox.tokens.credentials import Credential, Credentials, authorized, spender_of
from service.sandbox.tokens.scopes import scope_of


class Dispatcher:
    def __init__(
        self,
        desk: Desk,
        *,
        credentials: Credentials,
        edge: Edge,
    ) -> None:
        self._desk = desk
        self._world = desk.world
        self._credentials = credentials
        self._edge = edge

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Fixed paths first, so that `/calendars/events` is no calendar called events."""
        for operation in sorted(self._desk.handlers, key=lambda known: (known.path.count("{"), known.path)):
            respond = self._responder(operation)
            router.add_route(operation.method, operation.path, respond)
            if operation.path.endswith("/"):
                router.add_route(operation.method, operation.path.rstrip("/"), respond)

    def _responder(self, operation: type[Operation[Any]]) -> Respond:
        scope = scope_of(operation.method, operation.path)

        async def respond(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            caller = self._credentials.of(request.headers)

            def carry_out() -> Carried:
                return self._carry_out(operation, scope, request, caller, raw)

            return await self._edge.serve(request, operation.__name__, carry_out, spender_of(caller))

        return respond

    def _carry_out(
        self,
        operation: type[Operation[Any]],
        scope: str,
        request: web.Request,
        caller: Credential | None,
        raw: bytes,
    ) -> Carried:
        trace_id = self._world.new_uuid()
        try:
            location = authorized(caller, request.headers.get("Version"), scope).location
            if location is None:
                raise refusals.wrong_user_type()
            asked = read_operation(operation, request.match_info, request.query, raw)
            outcome = self._desk.carry_out(location, asked)
        except Refusal as refusal:
            return Carried(refused(refusal, trace_id), False)
        except OverflowError:
            # A time at the edge of the calendar, moved over it by its own offset.
            return Carried(refused(refusals.unprocessable("a date is out of range"), trace_id), False)
        body = {**outcome.body, "traceId": trace_id} if isinstance(outcome.body, dict) else outcome.body
        return Carried(answered(body, operation.success), True)

    @web.middleware
    async def answer_unknown_paths(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            answer = refused(refusals.no_such_path(request.method, request.path), self._world.new_uuid())
            if f"{request.path}/".startswith(f"{ROOT}/"):
                return answer
            caller = self._credentials.of(request.headers)
            return await self._edge.serve(request, None, lambda: Carried(answer, False), spender_of(caller))
