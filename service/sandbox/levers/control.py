"""The sandbox's own levers, under /_sandbox/: no token needed, no part of HighLevel."""

from aiohttp import web
from pydantic import Field, ValidationError

from service.sandbox.api.appointment_answers import read
from service.sandbox.complaints import complaints
from service.sandbox.door.calls import Calls
from service.sandbox.door.edge import to_json
from service.sandbox.door.fault_notation import read_fault
from service.sandbox.door.faults import Fault, Faults
from service.sandbox.lever import Lever
from service.sandbox.levers.orders import (
    Order,
    complaint,
    no_location,
    read_json,
    read_object,
    read_order,
    unprocessable,
    validated,
)
from service.sandbox.limits import DAY, MOST_A_DAY, MOST_AT_ONCE, Limits, Meter
from service.sandbox.tokens.credentials import Credentials
from service.sandbox.tokens.grants import Grants
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Appointment
from service.sandbox.world.world import World

SHOWN_ONLY = frozenset({"appoinmentStatus", "appointmentMeta", "assignedResources", "status", "traceId"})
"""Keys of HighLevel's answers that nothing is kept of."""
A_YEAR = 365 * 86_400


class LimitsOrder(Order):
    burst: int = Field(default=Limits.burst, ge=1, le=MOST_AT_ONCE)
    interval: float = Field(default=Limits.interval, gt=0, le=DAY, allow_inf_nan=False)
    daily: int = Field(default=Limits.daily, ge=1, le=MOST_A_DAY)
    retry_after: bool = False


class SpendOrder(Order):
    """Calls that somebody else makes with a token, by default the first of the location's own."""

    location: str
    calls: int = Field(ge=1)
    token: str | None = None


class OAuthOrder(Order):
    expires_in: int = Field(ge=1, le=A_YEAR)


class Control:
    def __init__(
        self, world: World, faults: Faults, calls: Calls, credentials: Credentials, grants: Grants, meter: Meter
    ) -> None:
        self._world = world
        self._faults = faults
        self._calls = calls
        self._credentials = credentials
        self._grants = grants
        self._meter = meter

    def levers(self) -> list[Lever]:
        return [
            Lever("POST", "/faults", "order a fault, in a line or as JSON", self.order_fault),
            Lever("GET", "/faults", "the faults that wait, oldest first", self.list_faults),
            Lever("DELETE", "/faults", "forget the faults and let held answers go", self.clear_faults),
            Lever("GET", "/calls", "what has been asked and answered, oldest first", self.list_calls),
            Lever("DELETE", "/calls", "forget what has been asked", self.forget_calls),
            Lever("GET", "/limits", "the limits in force, null where there are none", self.show_limits),
            Lever("PUT", "/limits", "set them all anew; what is left out gets its default", self.set_limits),
            Lever("POST", "/spend", "use calls up, as another app with the same token would", self.spend),
            Lever("GET", "/oauth", "how many seconds new access tokens hold", self.show_oauth),
            Lever("PUT", "/oauth", "set how many seconds new access tokens hold", self.set_oauth),
            Lever(
                "PUT",
                "/appointments/{appointment_id}",
                "put an appointment there, telling nobody",
                self.place_appointment,
            ),
        ]

    async def order_fault(self, request: web.Request) -> web.Response:
        """As an object, or in the notation of the command line."""
        text = (await request.read()).strip()
        fault = validated(Fault, read_object(text)) if text[:1] in (b"{", b"[", b"") else _read_notation(text)
        try:
            self._faults.order(fault)
        except LookupError as error:
            return complaint(422, str(error.args[0]))
        return web.json_response(fault.model_dump(mode="json"), status=201)

    async def list_faults(self, request: web.Request) -> web.Response:
        return web.json_response(self._faults.listed(), dumps=to_json)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def list_calls(self, request: web.Request) -> web.Response:
        return web.json_response(self._calls.listed(), dumps=to_json)

    async def forget_calls(self, request: web.Request) -> web.Response:
        self._calls.clear()
        return web.Response(status=204)

    async def show_limits(self, request: web.Request) -> web.Response:
        limits = self._meter.limits
        return web.json_response(None if limits is None else vars(limits))

    async def set_limits(self, request: web.Request) -> web.Response:
        """`null` takes them away, an object sets all of them; in any case counting begins anew."""
        asked = read_json(await request.read())
        if not isinstance(asked, dict | None):
            raise unprocessable("the body is neither a JSON object nor null")
        self._meter.set(None if asked is None else Limits(**validated(LimitsOrder, asked).model_dump()))
        return await self.show_limits(request)

    async def spend(self, request: web.Request) -> web.Response:
        """As another app would that uses the same token: what does not fit is not spent."""
        order = await read_order(request, SpendOrder)
        location = self._world.locations.get(order.location)
        if location is None:
            return no_location(self._world, order.location)
        token = order.token or next(iter(location.tokens), "")
        credential = self._credentials.of_token(token)
        if credential is None or credential.location != location:
            return complaint(422, "no such token at this location")
        spent = self._meter.spend(credential.spender, order.calls)
        remaining = self._meter.headers(credential.spender).get("X-RateLimit-Remaining")
        return web.json_response({"spent": spent, "remaining": None if remaining is None else int(remaining)})

    async def show_oauth(self, request: web.Request) -> web.Response:
        return web.json_response({"expires_in": self._grants.expires_in})

    async def set_oauth(self, request: web.Request) -> web.Response:
        """For tokens issued from now on."""
        self._grants.expires_in = (await read_order(request, OAuthOrder)).expires_in
        return await self.show_oauth(request)

    async def place_appointment(self, request: web.Request) -> web.Response:
        """Put it there as it is, with no check and no webhook; what is left out of location and dates is filled in."""
        body = read_object(await request.read())
        fields = {key: value for key, value in body.items() if key not in SHOWN_ONLY}
        appointment_id = request.match_info["appointment_id"]
        if fields.setdefault("id", appointment_id) != appointment_id:
            return complaint(422, "the id in the body is not the one in the path")
        if len(self._world.locations) == 1:
            fields.setdefault("locationId", next(iter(self._world.locations)))
        if "source" in fields:  # a webhook's word for where an answer says createdBy
            fields.setdefault("createdBy", {"source": fields.pop("source")})
        now = stamp_text(self._world.now())
        added = fields.setdefault("dateAdded", now)
        fields.setdefault("dateUpdated", added)
        appointment = validated(Appointment, fields)
        location = self._world.locations.get(appointment.location_id)
        if location is None:
            return no_location(self._world, appointment.location_id)
        self._world.diary.keep(appointment)
        self._world.touch()
        return web.json_response({"appointment": read(appointment, location)}, dumps=to_json)


def _read_notation(text: bytes) -> Fault:
    try:
        return read_fault(text.decode())
    except UnicodeDecodeError as error:
        raise unprocessable("the body is not UTF-8") from error
    except ValidationError as error:
        raise unprocessable("; ".join(complaints(error))) from error
    except ValueError as error:
        raise unprocessable(str(error)) from error
