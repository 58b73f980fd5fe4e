"""`slotwright sandbox`: a HighLevel Calendars API of our own."""

import asyncio
import base64
from pathlib import Path

import click
import structlog
from aiohttp import web
from click.core import ParameterSource
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service import telemetry
from service.sandbox.application import create_app
from service.sandbox.door.fault_notation import NOTATION
from service.sandbox.door.faults import Fault
from service.sandbox.limits import DAY, MOST_A_DAY, MOST_AT_ONCE, Limits
from service.sandbox.world.world import World
from service.settings import Settings
from workers.cli.beginning import kept_key, opened, world_of
from workers.cli.roles import serving, stop_signal
from workers.cli.sandbox_options import FaultType, Header, Percent, Seconds, WebhookUrl, Word, signing_key

log = structlog.get_logger()

APP_ID = "5a1db0c5510751077e57ab1e"
"""The marketplace app that the sandbox's webhooks say they are from."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--webhook-url", type=WebhookUrl(), help="Where appointment webhooks are posted; without it nobody is told."
)
@click.option(
    "--workflow-url", type=WebhookUrl(), help="Where a workflow about appointments posts; without it none does."
)
@click.option(
    "--workflow-header",
    "workflow_headers",
    multiple=True,
    type=Header(),
    metavar="'NAME: VALUE'",
    help="Goes with what the workflow posts. Any number of them.",
)
@click.option(
    "--duplicates",
    default=0,
    show_default=True,
    type=Percent(0, 100),
    metavar="PERCENT",
    help="So many of the webhooks that arrive come a second time.",
)
@click.option("--reorder", is_flag=True, help="Let webhooks come in any order.")
@click.option(
    "--seed",
    default="demo",
    show_default=True,
    help="demo, empty, salon, clinic, sales, home-services, or a YAML file.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="A file in which everything is kept; if it is there already, it is used in place of the seed.",
)
@click.option(
    "--token", "tokens", multiple=True, type=Word(), help="What the only location takes in place of the seed's tokens."
)
@click.option("--location", type=Word(), help="The id of the only location, in place of the seed's.")
@click.option("--app-id", default=APP_ID, show_default=True, help="The app that the webhooks name.")
@click.option(
    "--signing-key",
    "key",
    envvar="SANDBOX_SIGNING_KEY",
    help="Ed25519 private key (32 bytes in base64) that signs the webhooks; by default the state's, or a new one.",
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
    workflow_url: str | None,
    workflow_headers: tuple[tuple[str, str], ...],
    duplicates: float,
    reorder: bool,
    seed: str,
    state: Path | None,
    tokens: tuple[str, ...],
    location: str | None,
    app_id: str,
    key: str | None,
    rate: int,
    interval: float,
    daily: int,
    retry_after: bool,
    no_limits: bool,
    faults: tuple[Fault, ...],
) -> None:
    """Serve a HighLevel Calendars API of our own, which forgets everything at its end but for what it keeps in --state.

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
    _what_is_posted_goes_somewhere(webhook_url, workflow_url)
    said = None if key is None else signing_key(key)
    limits = None if no_limits else Limits(rate, interval, daily, retry_after)
    telemetry.set_up(Settings.model_construct(log_format="text"), "sandbox")
    with opened(state) as file:
        world = world_of(file, seed, location, tokens)
        signs = said or kept_key(file) or Ed25519PrivateKey.generate()
        try:
            app = create_app(
                world,
                webhook_url=webhook_url,
                workflow_url=workflow_url,
                workflow_headers=dict(workflow_headers),
                duplicates=duplicates / 100,
                reorder=reorder,
                signing_key=signs,
                app_id=app_id,
                limits=limits,
                faults=faults,
                state_file=file,
            )
        except LookupError as error:
            raise click.BadParameter(str(error.args[0]), param_hint="--fault") from None
        _introduce(world, signs)
        asyncio.run(_serve(app, host, port))


def _introduce(world: World, key: Ed25519PrivateKey) -> None:
    """Whom it speaks for, and the key as HIGHLEVEL_WEBHOOK_KEYS takes it."""
    for location in world.locations.values():
        log.info("a location", location=location.id, name=location.name, time_zone=str(location.timezone))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    log.info("webhooks are signed", public_key=base64.b64encode(public).decode("ascii"))


def _limits_are_not_said() -> None:
    for name in ("rate", "interval", "daily", "retry_after"):
        if _is_said(name):
            raise click.UsageError(f"--no-limits and --{name.replace('_', '-')} cannot go together.")


def _what_is_posted_goes_somewhere(webhook_url: str | None, workflow_url: str | None) -> None:
    """What says how something is posted does nothing where nothing is."""
    if _is_said("workflow_headers") and workflow_url is None:
        raise click.UsageError("--workflow-header wants --workflow-url.")
    if _is_said("app_id") and webhook_url is None:
        raise click.UsageError("--app-id wants --webhook-url.")
    for name in ("duplicates", "reorder"):
        if _is_said(name) and webhook_url is None and workflow_url is None:
            raise click.UsageError(f"--{name} wants --webhook-url or --workflow-url.")


def _is_said(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


async def _serve(app: web.Application, host: str, port: int) -> None:
    stopped = stop_signal()
    async with serving(app, host, port, "--port") as listens_on:
        log.info("its page", address=f"http://{f'[{host}]' if ':' in host else host}:{listens_on}/_sandbox/")
        await stopped.wait()
