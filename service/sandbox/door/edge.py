"""What stands before the API: the limits, the faults on order and the log of calls."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as RequestHandler
from multidict import CIMultiDict

from service.sandbox import refusals
from service.sandbox.door.calls import Calls
from service.sandbox.door.faults import OF_THE_EDGE, Fault, Faults
from service.sandbox.lever import ROOT
from service.sandbox.limits import Meter, Spender
from service.sandbox.refusals import Refusal
from service.sandbox.state.file import StateError
from service.sandbox.state.state import State
from service.sandbox.world.world import World

PIECES = 10
"""A slow body comes in so many."""
REFUSALS = {
    "expired_token": refusals.invalid_token(),
    "missing_scope": refusals.missing_scope(),
    "timed_out": refusals.unauthorized("Command timed out"),
}
PAGE = "<html><head><title>{status}</title></head><body><h1>Fault on order</h1></body></html>\n"

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Carried:
    """What a call came to: its answer, and whether it was carried out or refused."""

    response: web.Response
    out: bool


def to_json(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"))


def answered(body: Any, status: int) -> web.Response:
    return web.json_response(body, status=status, dumps=to_json)


def refused(refusal: Refusal, trace_id: str) -> web.Response:
    return answered(refusal.body(trace_id), refusal.status)


class Edge:
    def __init__(self, world: World, meter: Meter, faults: Faults, calls: Calls, state: State) -> None:
        self._world = world
        self._state = state
        self._meter = meter
        self._faults = faults
        self._calls = calls

    async def serve(
        self,
        request: web.Request,
        name: str | None,
        carry_out: Callable[[], Carried],
        spender: Spender | None = None,
    ) -> web.StreamResponse:
        """Count the call, let a fault befall it, carry it out at once and without waiting, log it and answer.

        `name` is that of an operation; None for a call that nothing befalls. Without a spender nothing is counted.
        """
        fault = None
        if spender is None or self._meter.has_room(spender):
            fault = self._faults.take(name) if name is not None else None
            if fault is not None and fault.delay:
                await self._faults.hold(fault.delay)
        version = self._world.version
        carried = self._meet(fault, carry_out, spender)
        if self._world.version != version:
            carried = Carried(await self._unsaved() or carried.response, carried.out)
        dropped = fault is not None and fault.drop
        self._calls.add(
            method=request.method,
            path=request.path,
            status=None if dropped else carried.response.status,
            at=self._world.now(),
            operation=name,
            carried_out=carried.out,
        )
        if fault is None:
            return carried.response
        if fault.hold:
            await self._faults.hold(fault.hold)
        return await self._send(request, carried.response, fault)

    @web.middleware
    async def answer_once_saved(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        """For what changes something by another way than the API's."""
        if not _is_lever(request):
            return await handler(request)
        version, elsewhere = self._world.version, None
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPMethodNotAllowed as raised:
            return _other_method(request, raised)
        except web.HTTPException as raised:
            response = elsewhere = raised
        if self._world.version != version and (unsaved := await self._unsaved()) is not None:
            return unsaved
        if elsewhere is not None:
            raise elsewhere
        return response

    @web.middleware
    async def answer_too_large(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        """A body that is not even read."""
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            answer = refused(refusals.too_large(), self._world.new_uuid())
            return answer if _is_lever(request) else await self.serve(request, None, lambda: Carried(answer, False))

    async def _unsaved(self) -> web.Response | None:
        """None once all is saved."""
        try:
            await self._state.saved()
        except StateError:
            return refused(refusals.not_saved(), self._world.new_uuid())
        return None

    def _meet(self, fault: Fault | None, carry_out: Callable[[], Carried], spender: Spender | None) -> Carried:
        """What the call comes to, but for what happens on the way back."""
        unseen = fault is not None and fault.unseen
        if spender is not None and not unseen and not self._meter.spend(spender):
            return Carried(_too_many(self._meter.refusal_headers(spender)), False)
        carried = None if fault is not None and fault.prevents else carry_out()
        headers = {} if spender is None else self._meter.headers(spender)
        if fault is not None and fault.stands_in:
            return Carried(_stand_in(fault, headers, self._world.new_uuid()), carried is not None and carried.out)
        if carried is None:
            raise RuntimeError("a fault that prevents a call answers for it")
        if carried.response.status < 500:
            carried.response.headers.update(headers)
        return carried

    async def _send(self, request: web.Request, response: web.Response, fault: Fault) -> web.StreamResponse:
        """The answer as the fault lets it through."""
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return response
        body = response.body if isinstance(response.body, bytes) else b""
        if fault.answer == "invalid":
            body = body[: len(body) // 2]
        elif fault.answer != "truncated" and not fault.slow:
            return response
        sent = body[: len(body) // 2] if fault.answer == "truncated" else body
        return await self._dribble(request, response, sent, fault, promised=len(body))

    async def _dribble(
        self, request: web.Request, response: web.Response, body: bytes, fault: Fault, *, promised: int
    ) -> web.StreamResponse:
        headers = CIMultiDict(response.headers)
        headers["Content-Length"] = str(promised)
        stream = web.StreamResponse(status=response.status, headers=headers)
        size = max(1, -(-len(body) // PIECES)) if fault.slow else max(1, len(body))
        try:
            await stream.prepare(request)
            for start in range(0, len(body), size):
                if fault.slow:
                    await self._faults.hold(fault.slow / PIECES)
                await stream.write(body[start : start + size])
        except ConnectionError:
            return stream  # nobody waits any more
        if len(body) < promised and request.transport is not None:
            request.transport.close()
        return stream


def _is_lever(request: web.Request) -> bool:
    return f"{request.path}/".startswith(f"{ROOT}/")


def _other_method(request: web.Request, raised: web.HTTPMethodNotAllowed) -> web.Response:
    has = ", ".join(sorted(raised.allowed_methods))
    body = {"statusCode": 405, "message": f"Cannot {request.method} {request.path}: it has {has}"}
    response = answered(body, 405)
    response.headers["Allow"] = has
    return response


def _too_many(headers: Mapping[str, str]) -> web.Response:
    response = answered({"statusCode": 429, "message": "Too Many Requests"}, 429)
    response.headers.update(headers)
    return response


def _stand_in(fault: Fault, headers: Mapping[str, str], trace_id: str) -> web.Response:
    status = fault.answered_status
    if fault.answer == "html":
        response = web.Response(status=status, text=PAGE.format(status=status), content_type="text/html")
    elif fault.answer == "empty":
        response = web.Response(status=status)
    elif fault.answer == "blocked":
        response = web.Response(status=status, text="error code: 1010")
    elif fault.answer is not None:
        response = refused(REFUSALS[fault.answer], trace_id)
    else:
        known = {429: "Too Many Requests", 500: "Internal Server Error"}
        message = fault.message or known.get(status, "Fault on order")
        response = answered({"statusCode": status, "message": message}, status)
    if status < 500 and fault.answer not in OF_THE_EDGE:
        response.headers.update(headers)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
