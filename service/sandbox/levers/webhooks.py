"""The levers that send webhooks, and show what is being sent."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

import aiohttp
from aiohttp import web
from pydantic import model_validator

from service.sandbox.door.edge import to_json
from service.sandbox.lever import Lever
from service.sandbox.levers.orders import Order, complaint, no_location, read_object, read_order, validated
from service.sandbox.tokens.grants import Grants
from service.sandbox.webhooks.address import CHANNELS, Channel
from service.sandbox.webhooks.envelopes import App, compact
from service.sandbox.webhooks.outbox import Manners, Outbox
from service.sandbox.webhooks.signing import Signature, Signer
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.world import World


class WebhookOrder(Order):
    """A webhook to post once, as said: an object, or any text."""

    body: dict[str, Any] | None = None
    raw: str | None = None
    signature: Signature = "valid"

    @model_validator(mode="after")
    def one_of_both(self) -> "WebhookOrder":
        if (self.body is None) == (self.raw is None):
            raise ValueError("either body or raw is said, and not both")
        return self

    @property
    def bytes(self) -> bytes:
        return self.raw.encode() if self.raw is not None else compact(self.body)


class InstallOrder(Order):
    """That somebody has put the app on a location, or taken it away."""

    location: str
    type: Literal["INSTALL", "UNINSTALL"] = "INSTALL"


class WebhookControl:
    def __init__(self, world: World, outbox: Outbox, signer: Signer, app: App, grants: Grants) -> None:
        self._world = world
        self._outbox = outbox
        self._signer = signer
        self._app = app
        self._grants = grants

    def levers(self) -> list[Lever]:
        return [
            Lever("GET", "/webhook-key", "the public key that webhooks are signed with", self.show_key),
            Lever(
                "GET",
                "/webhooks",
                "how many wait, were delivered and were given up; how they go, and how each address fares",
                self.show_webhooks,
            ),
            Lever("PUT", "/webhooks", "let them come twice, in any order, or not at all for now", self.set_manners),
            Lever(
                "POST", "/webhooks", "post one now: body (or raw), signature valid, forged or none", self.post_webhook
            ),
            Lever("POST", "/installs", "put the app on a location or take it away, and say so", self.announce_install),
        ]

    async def show_key(self, request: web.Request) -> web.Response:
        return web.json_response({"publicKey": self._signer.public_key})

    async def show_webhooks(self, request: web.Request) -> web.Response:
        """Those to the app and those of workflows together, then each by itself."""
        outbox = self._outbox
        counts = {"waiting": outbox.waiting, "delivered": outbox.delivered, "given_up": outbox.given_up}
        channels = {channel: self._channel(channel) for channel in CHANNELS}
        return web.json_response({**counts, **outbox.manners.model_dump(), "channels": channels})

    def _channel(self, channel: Channel) -> dict[str, Any]:
        """Its moments by the clock that the sandbox shows now."""
        reception = self._outbox.reception(channel)
        now, passed = self._world.now(), asyncio.get_running_loop().time()

        def shown(moment: float | None) -> str | None:
            return None if moment is None else stamp_text(now + timedelta(seconds=round(moment - passed, 3)))

        return {
            "address": None if reception is None else reception.shown,
            "waiting": self._outbox.waiting_for(channel),
            "last_error": None if reception is None else reception.last_error,
            "last_error_at": None if reception is None else shown(reception.failed_at),
            "next_try": None if reception is None else shown(reception.next_try),
        }

    async def set_manners(self, request: web.Request) -> web.Response:
        """What is not said stays as it is."""
        asked = read_object(await request.read())
        self._outbox.behave(validated(Manners, {**self._outbox.manners.model_dump(), **asked}))
        return await self.show_webhooks(request)

    async def post_webhook(self, request: web.Request) -> web.Response:
        order = await read_order(request, WebhookOrder)
        try:
            status, answer = await self._outbox.post(order.bytes, self._signer.headers(order.bytes, order.signature))
        except LookupError:
            return complaint(409, "the sandbox was started without an address for webhooks")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return complaint(502, f"no answer from the receiver: {error or type(error).__name__}")
        return web.json_response({"status": status, "answer": answer}, dumps=to_json)

    async def announce_install(self, request: web.Request) -> web.Response:
        """The webhook is queued like any other. An app that was taken away holds nothing any more."""
        order = await read_order(request, InstallOrder)
        location = self._world.locations.get(order.location)
        if location is None:
            return no_location(self._world, order.location)
        if order.type == "UNINSTALL":
            self._grants.void(location.id)
        body = self._install(location) if order.type == "INSTALL" else self._uninstall(location)
        self._outbox.put(f"app at {location.id}", compact(body))
        self._world.touch()
        return web.json_response(body, status=202, dumps=to_json)

    def _install(self, location: Location) -> dict[str, Any]:
        """Keys and their order as delivered (public captures)."""
        return {
            "type": "INSTALL",
            "appId": self._app.id,
            "versionId": self._app.version_id,
            "installType": "Location",
            "locationId": location.id,
            "companyId": self._world.company_id,
            "userId": next((user.id for user in self._world.users.of(location.id)), ""),
            "companyName": "",
            "isWhitelabelCompany": False,
            "whitelabelDetails": {"logoUrl": "", "domain": ""},
            "trial": {},
            **self._stamped(),
        }

    def _uninstall(self, location: Location) -> dict[str, Any]:
        return {
            "type": "UNINSTALL",
            "appId": self._app.id,
            "versionId": self._app.version_id,
            "locationId": location.id,
            **self._stamped(),
        }

    def _stamped(self) -> dict[str, Any]:
        return {"timestamp": stamp_text(self._world.now()), "webhookId": self._world.new_uuid()}
