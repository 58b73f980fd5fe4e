"""The sandbox's own levers, under /sandbox/: no token needed, no part of HighLevel."""

import json
from typing import Any, Literal, TypeVar

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from service.sandbox.appointment_answers import read
from service.sandbox.calls import Calls
from service.sandbox.dispatcher import to_json
from service.sandbox.faults import Fault, Faults
from service.sandbox.moments import stamp_text
from service.sandbox.records import Appointment
from service.sandbox.signing import Signer
from service.sandbox.webhooks import Outbox, compact
from service.sandbox.world import World

ModelT = TypeVar("ModelT", bound=BaseModel)

SHOWN_ONLY = frozenset({"appoinmentStatus", "appointmentMeta", "assignedResources", "status", "traceId"})
"""Keys of HighLevel's answers that nothing is kept of."""


class WebhookOrder(BaseModel):
    """A webhook to post once, as said: an object, or any text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: dict[str, Any] | None = None
    raw: str | None = None
    signature: Literal["valid", "forged", "none"] = "valid"

    @model_validator(mode="after")
    def one_of_both(self) -> "WebhookOrder":
        if (self.body is None) == (self.raw is None):
            raise ValueError("either body or raw")
        return self

    @property
    def bytes(self) -> bytes:
        return self.raw.encode() if self.raw is not None else compact(self.body)


class Control:
    def __init__(self, world: World, outbox: Outbox, signer: Signer, faults: Faults, calls: Calls) -> None:
        self._world = world
        self._outbox = outbox
        self._signer = signer
        self._faults = faults
        self._calls = calls

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/sandbox/webhook-key", self.show_key)
        router.add_get("/sandbox/webhooks", self.count_webhooks)
        router.add_post("/sandbox/webhooks", self.post_webhook)
        router.add_post("/sandbox/faults", self.order_fault)
        router.add_delete("/sandbox/faults", self.clear_faults)
        router.add_get("/sandbox/calls", self.list_calls)
        router.add_put("/sandbox/appointments/{appointment_id}", self.place_appointment)

    async def show_key(self, request: web.Request) -> web.Response:
        return web.json_response({"publicKey": self._signer.public_key})

    async def count_webhooks(self, request: web.Request) -> web.Response:
        outbox = self._outbox
        return web.json_response(
            {"waiting": outbox.waiting, "delivered": outbox.delivered, "given_up": outbox.given_up}
        )

    async def post_webhook(self, request: web.Request) -> web.Response:
        order = await _read(request, WebhookOrder)
        try:
            status, answer = await self._outbox.post(order.bytes, order.signature)
        except UnicodeEncodeError:
            return _complaint(422, "half a surrogate pair is no text")
        except LookupError:
            return _complaint(409, "the sandbox was started without an address for webhooks")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _complaint(502, f"no answer from the receiver: {error or type(error).__name__}")
        return web.json_response({"status": status, "answer": answer}, dumps=to_json)

    async def order_fault(self, request: web.Request) -> web.Response:
        fault = await _read(request, Fault)
        try:
            self._faults.order(fault)
        except KeyError:
            return _complaint(422, f"no operation {fault.method} {fault.path}")
        return web.json_response(fault.model_dump(mode="json"), status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def list_calls(self, request: web.Request) -> web.Response:
        return web.json_response(self._calls.listed(), dumps=to_json)

    async def place_appointment(self, request: web.Request) -> web.Response:
        """Put it there as it is, with no check and no webhook; what is left out of location and dates is filled in."""
        fields = {key: value for key, value in (await _read_object(request)).items() if key not in SHOWN_ONLY}
        appointment_id = request.match_info["appointment_id"]
        if fields.setdefault("id", appointment_id) != appointment_id:
            return _complaint(422, "the id in the body is not the one in the path")
        if len(self._world.locations) == 1:
            fields.setdefault("locationId", next(iter(self._world.locations)))
        if "source" in fields:  # a webhook's word for where an answer says createdBy
            fields.setdefault("createdBy", {"source": fields.pop("source")})
        now = stamp_text(self._world.now())
        added = fields.setdefault("dateAdded", now)
        fields.setdefault("dateUpdated", added)
        appointment = _validate(Appointment, fields)
        location = self._world.locations.get(appointment.location_id)
        if location is None:
            return _complaint(422, f"no location {appointment.location_id}")
        self._world.keep(appointment)
        return web.json_response({"appointment": read(appointment, location)}, dumps=to_json)


def _complaint(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


async def _read_object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise _unprocessable("the body is no JSON") from error
    if not isinstance(body, dict):
        raise _unprocessable("the body is no JSON object")
    return body


async def _read(request: web.Request, model: type[ModelT]) -> ModelT:
    return _validate(model, await _read_object(request))


def _validate(model: type[ModelT], fields: dict[str, Any]) -> ModelT:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise _unprocessable(
            "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ") for item in wrong)
        ) from error


def _unprocessable(message: str) -> web.HTTPUnprocessableEntity:
    return web.HTTPUnprocessableEntity(
        text=to_json({"statusCode": 422, "message": message}), content_type="application/json"
    )
