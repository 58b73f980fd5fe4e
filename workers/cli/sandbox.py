"""`slotwright sandbox`: a HighLevel Calendars API of our own."""

import asyncio
import base64
import math
import random
import re
from pathlib import Path
from textwrap import indent
from typing import Any
from urllib.parse import urlsplit

import click
import structlog
from aiohttp import web
from click.core import ParameterSource
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from service import telemetry
from service.sandbox.application import create_app
from service.sandbox.complaints import complaints
from service.sandbox.fault_notation import NOTATION, read_fault
from service.sandbox.faults import Fault
from service.sandbox.limits import DAY, MOST_A_DAY, MOST_AT_ONCE, Limits
from service.sandbox.seed import load_seed, packaged_seed
from service.settings import Settings
from workers.cli.clock import clock
from workers.cli.roles import serving, stop_signal

log = structlog.get_logger()

APP_ID = "5a1db0c5510751077e57ab1e"
"""The marketplace app that the sandbox's webhooks say they are from."""


class FaultType(click.ParamType[Fault]):
    name = "fault"

    def convert(self, value: Fault | str, param: click.Parameter | None, ctx: click.Context | None) -> Fault:
        if isinstance(value, Fault):
            return value
        try:
            return read_fault(value)
        except ValidationError as error:
            self.fail("; ".join(complaints(error)), param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):  # which is in every range
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


class WebhookUrl(click.ParamType[str]):
    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _is_web_address(value):
            self.fail("it is no address as in http://127.0.0.1:8000/hooks/highlevel", param, ctx)
        return value


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--webhook-url", type=WebhookUrl(), help="Where appointment webhooks are posted; without it nobody is told."
)
@click.option("--seed", default="demo", show_default=True, help="demo, empty, or a YAML file.")
@click.option("--app-id", default=APP_ID, show_default=True, help="The app that the webhooks name.")
@click.option(
    "--signing-key",
    envvar="SANDBOX_SIGNING_KEY",
    help="Ed25519 private key (32 bytes in base64) that signs the webhooks; by default a new one.",
)
@click.option(
    "--rate",
    default=Limits.burst,
    show_default=True,
    type=click.IntRange(1, MOST_AT_ONCE),
    help="Calls in an interval.",
)
@click.option(
    "--interval",
    default=Limits.interval,
    show_default=True,
    type=Seconds(0, DAY, min_open=True),
    help="Seconds in which so many calls are taken, from each token at each location.",
)
@click.option(
    "--daily", default=Limits.daily, show_default=True, type=click.IntRange(1, MOST_A_DAY), help="Calls in a day."
)
@click.option("--retry-after", is_flag=True, help="Say in a refusal for want of calls how long to wait.")
@click.option("--no-limits", is_flag=True, help="Take any number of calls.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=FaultType(),
    metavar=NOTATION,
    help="What shall go wrong, as in CreateNote:drop_after*3 or '*:503%5'. Any number of them.",
)
def sandbox(
    host: str,
    port: int,
    webhook_url: str | None,
    seed: str,
    app_id: str,
    signing_key: str | None,
    rate: int,
    interval: float,
    daily: int,
    retry_after: bool,
    no_limits: bool,
    faults: tuple[Fault, ...],
) -> None:
    """Serve a HighLevel Calendars API of our own, which forgets everything at its end.

    The seed says which tokens it takes; that of the demo is pit-sandbox-demo.

    A fault names an operation (its class, * for all, or method and path) and what befalls its next call:
    delay=S, hold=S or slow=S (seconds before handling, before the answer, while it comes), drop or drop_after (cut
    off before or after it is carried out), a status, html, empty, timed_out, expired_token, missing_scope, blocked
    (instead of it; with `after` once it is carried out), retry_after=S, invalid or truncated (its answer is spoilt).
    More of them are joined by commas. *N: the next N calls; %P#S: P of 100 calls, drawn from the seed S.

    While it runs, POST, GET and DELETE /_sandbox/faults order, list and forget faults.
    """
    if no_limits:
        _limits_are_not_said()
    key = _key(signing_key)
    try:
        world = load_seed(_seed_text(seed), clock=clock, random=random.SystemRandom())
    except ValueError as error:
        raise click.ClickException(f"the seed {seed} cannot be used:\n{indent(str(error), '  ')}") from None
    limits = None if no_limits else Limits(rate, interval, daily, retry_after)
    try:
        app = create_app(world, webhook_url=webhook_url, signing_key=key, app_id=app_id, limits=limits, faults=faults)
    except LookupError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--fault") from None
    telemetry.set_up(Settings.model_construct(log_format="text"), "sandbox")
    for location in world.locations.values():
        log.info("a location", location=location.id, name=location.name, time_zone=str(location.timezone))
    asyncio.run(_serve(app, host, port))


def _limits_are_not_said() -> None:
    context = click.get_current_context()
    for name in ("rate", "interval", "daily", "retry_after"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--no-limits and --{name.replace('_', '-')} cannot go together.")


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
    except UnicodeDecodeError:
        raise click.ClickException(f"the seed {seed} is not UTF-8") from None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"\s", text)
        )
    except ValueError:
        return False


def _key(text: str | None) -> Ed25519PrivateKey:
    if text is None:
        return Ed25519PrivateKey.generate()
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise click.ClickException("--signing-key (SANDBOX_SIGNING_KEY) is not 32 bytes in base64") from None
