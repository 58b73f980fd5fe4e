"""`slotwright sandbox`: a HighLevel Calendars API of our own."""

import asyncio
import base64
import random
from pathlib import Path

import click
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service import telemetry
from service.sandbox.application import create_app
from service.sandbox.seed import load_seed, packaged_seed
from service.settings import Settings
from workers.cli.roles import clock, serving, stop_signal

log = structlog.get_logger()

APP_ID = "5a1db0c5510751077e57ab1e"
"""The marketplace app that the sandbox's webhooks say they are from."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@click.option("--webhook-url", help="Where appointment webhooks are posted; without it nobody is told.")
@click.option("--seed", default="demo", show_default=True, help="demo, empty, or a YAML file.")
@click.option("--app-id", default=APP_ID, show_default=True, help="The app that the webhooks name.")
@click.option(
    "--signing-key",
    envvar="SANDBOX_SIGNING_KEY",
    help="Ed25519 private key (32 bytes in base64) that signs the webhooks; by default a new one.",
)
def sandbox(host: str, port: int, webhook_url: str | None, seed: str, app_id: str, signing_key: str | None) -> None:
    """Serve a HighLevel Calendars API of our own, which forgets everything at its end.

    The seed says which tokens it takes; that of the demo is pit-sandbox-demo.
    """
    telemetry.set_up(Settings.model_construct(log_format="text"), "sandbox")
    key = _key(signing_key)
    try:
        world = load_seed(_seed_text(seed), clock=clock, random=random.SystemRandom())
    except ValueError as error:
        raise click.ClickException(f"the seed {seed} cannot be used: {error}") from None
    app = create_app(world, webhook_url=webhook_url, signing_key=key, app_id=app_id)
    for location in world.locations.values():
        log.info("a location", location=location.id, name=location.name, time_zone=str(location.timezone))
    asyncio.run(_serve(app, host, port))


async def _serve(app: web.Application, host: str, port: int) -> None:
    stopped = stop_signal()
    async with serving(app, host, port):
        await stopped.wait()


def _seed_text(seed: str) -> str:
    try:
        return packaged_seed(seed)
    except KeyError:
        pass
    try:
        return Path(seed).read_text(encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"no seed {seed}: neither demo nor empty, nor a file ({error.strerror})") from None


def _key(text: str | None) -> Ed25519PrivateKey:
    if text is None:
        return Ed25519PrivateKey.generate()
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise click.ClickException("SANDBOX_SIGNING_KEY is not 32 bytes in base64") from None
