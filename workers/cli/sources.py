"""`slotwright sources`: who may post, and how each proves it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe

import click
from rich.text import Text

from service.event import SOURCE_NAME, WORKFLOW_PATHS
from service.receiver.kinds import SENT_ALONG
from service.settings import Settings
from service.standard_webhooks import new_secret, read_secret
from service.store import locations
from service.store import sources as kept
from service.store.database import Connection, Pool
from service.store.sealing import Keys
from service.store.sources import BUSY_STATUSES, HIGHLEVEL, KINDS, Source
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import said, terminal
from workers.file_words import PATH

SHORTEST_SECRET = 24
"""Characters of one that is sent along: what is kept of it is a plain digest."""

ADDRESSES: Mapping[str, str] = {
    "highlevel": "/hooks/highlevel",
    "workflow": "/hooks/workflow/{}",
    "external": "/triggers/{}",
}

own_secret = click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input; else one is made.")


@click.group()
def sources() -> None:
    """Who may post, and how each proves it."""


@sources.command()
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Who posts: HighLevel, a workflow in it, others.")
@click.option("--location", "speaks_for", multiple=True, help="A location it may speak for; may be given again.")
@click.option("--location-at", "location", help="Where its JSON has the location's id, such as data.location.id.")
@click.option("--appointment-at", "appointment", help="The same for the appointment's id.")
@click.option("--contact-at", "contact", help="The same for the contact's id.")
@click.option("--calendar-at", "calendar", help="The same for the calendar's id.")
@click.option(
    "--busy-status",
    type=click.Choice([str(status) for status in BUSY_STATUSES]),
    default="429",
    show_default=True,
    help="What it gets when a delivery cannot be kept just now.",
)
@own_secret
@folder_option
def add(
    name: str,
    kind: str,
    speaks_for: tuple[str, ...],
    busy_status: str,
    secret_stdin: bool,
    folder: Path,
    **places: str | None,
) -> None:
    """Open a door for NAME, and show its secret once."""
    paths = {word: path for word, path in places.items() if path is not None}
    _check(name, kind, speaks_for, paths, secret_stdin=secret_stdin)
    secret = _secret(kind, from_stdin=secret_stdin) if kind != HIGHLEVEL else None

    async def do(pool: Pool, settings: Settings) -> list[str]:
        kept_secret = None if secret is None else _to_keep(kind, secret, settings)
        async with pool.acquire() as connection:
            added = await kept.add(
                connection,
                name,
                kind,
                secret=kept_secret,
                locations=speaks_for or None,
                paths=paths,
                busy_status=int(busy_status),
            )
            if not added:
                raise click.ClickException(
                    f"there is a source {name} already: give it a new secret with slotwright sources rotate {name}, "
                    f"or remove it first"
                )
            registered = {location.location_id for location in await locations.every(connection)}
        return sorted(set(speaks_for) - registered)

    unknown = with_pool(folder, do, *(("secret_key",) if kind == "external" else ()))
    click.echo(f"{name} may post to {ADDRESSES[kind].format(name)} from now on.")
    if secret is not None and not secret_stdin:
        _show(kind, secret)
    for location in unknown:
        click.echo(f"Warning: no location {location} is registered; what it posts of it is kept as ignored.", err=True)


@sources.command("list")
@folder_option
def list_(folder: Path) -> None:
    """Show who may post; secrets are never shown."""

    async def do(pool: Pool, _: Settings) -> list[Source]:
        async with pool.acquire() as connection:
            return await kept.every(connection)

    found = with_pool(folder, do)
    for source in found:
        terminal().print(_lines(source), soft_wrap=True)  # wrapped by the terminal alone, so that it can be copied
    if not found:
        click.echo("Nobody may post.")


def _lines(source: Source) -> Text:
    paths = WORKFLOW_PATHS if source.kind == "workflow" else source.paths
    changed = (source.rotated_at or source.added_at).astimezone()
    lines = {
        "speaks for": "every registered location" if source.locations is None else ", ".join(source.locations),
        "ids at": ", ".join(f"{word} {path}" for word, path in sorted(paths.items())),
        "secrets": f"{len(source.secrets)}, the newest of {changed:%Y-%m-%d}" if source.secrets else "",
        "when busy": str(source.busy_status),
    }
    text = Text.assemble(
        (source.name, "bold"), f" ({source.kind}) posts to {ADDRESSES[source.kind]}".format(source.name)
    )
    for name, words in lines.items():
        text.append(f"\n    {name:<11}" if words else "", "dim").append(said(words))
    return text


@sources.command()
@click.argument("name")
@click.option("--only-new", is_flag=True, help="The secrets before it end at once; else the last one stays valid.")
@own_secret
@folder_option
def rotate(name: str, only_new: bool, secret_stdin: bool, folder: Path) -> None:
    """Give NAME a new secret, and show it once. The one before stays valid until the next change, or --only-new."""

    async def do(pool: Pool, settings: Settings) -> tuple[str, str, int]:
        async with pool.acquire() as connection:
            source = await _found(connection, name)
            if source.kind == HIGHLEVEL:
                raise click.ClickException("HighLevel signs with its own key, which is no secret of ours")
            secret = _secret(source.kind, from_stdin=secret_stdin)
            new = _to_keep(source.kind, secret, settings)
            count = await kept.rotate(connection, name, new, keep=not only_new)
        if count is None:
            raise click.ClickException(f"the source {name} was removed just now")
        return source.kind, secret, count

    kind, secret, count = with_pool(folder, do)
    click.echo(f"{name} has a new secret" + (", and the one before stays valid." if count > 1 else ", and no other."))
    if not secret_stdin:
        _show(kind, secret)


@sources.command()
@click.argument("name")
@folder_option
def remove(name: str, folder: Path) -> None:
    """Close the door of NAME. What it posted stays in the history."""

    async def do(pool: Pool, _: Settings) -> None:
        async with pool.acquire() as connection:
            await _found(connection, name)
            await kept.remove(connection, name)

    with_pool(folder, do)
    click.echo(f"{name} may not post any more.")
    if name == HIGHLEVEL:
        click.echo("HighLevel's webhooks are turned away now. To let them in again:", err=True)
        click.echo("  slotwright sources add highlevel --kind highlevel", err=True)


async def _found(connection: Connection, name: str) -> Source:
    every = await kept.every(connection)
    for source in every:
        if source.name == name:
            return source
    there = ", ".join(source.name for source in every) or "none"
    raise click.ClickException(f"there is no source {name}; there are: {there}")


def _check(name: str, kind: str, speaks_for: tuple[str, ...], paths: Mapping[str, str], *, secret_stdin: bool) -> None:
    if (name == HIGHLEVEL) != (kind == HIGHLEVEL):
        raise click.ClickException(f"the source of kind {HIGHLEVEL}, and no other, is called {HIGHLEVEL}")
    if name in kept.OURS:
        raise click.ClickException(f"{name} is what Slotwright calls deliveries of its own: take another name")
    if not SOURCE_NAME.fullmatch(name):
        raise click.ClickException(f"{name!r} is no name for a source: small letters, figures, - and _, 40 at most")
    if kind != HIGHLEVEL and not speaks_for:
        raise click.ClickException("say with --location for which locations it may speak")
    if kind != "external" and paths:
        raise click.ClickException(f"where ids stand is the same for every {kind} source: --…-at is for external ones")
    if kind == HIGHLEVEL and secret_stdin:
        raise click.ClickException("HighLevel signs with its own key, which is no secret of ours")
    for word, path in paths.items():
        if not PATH.fullmatch(path):
            raise click.ClickException(f"--{word}-at {path!r} is no path such as data.{word}.id")
    if kind == "external" and "location" not in paths and len(speaks_for) > 1:
        raise click.ClickException("it speaks for several locations: say with --location-at where its JSON names one")


def _secret(kind: str, *, from_stdin: bool) -> str:
    """A new one, or the one that came in; a ClickException for one that is too easy to guess."""
    if not from_stdin:
        return new_secret() if kind == "external" else token_urlsafe(32)
    try:
        text = sys.stdin.readline().strip()
    except UnicodeDecodeError:
        text = ""
    if kind == "external":
        try:
            read_secret(text)
        except ValueError as error:
            raise click.ClickException(f"what came in is no secret of Standard Webhooks: {error}") from None
    elif len(text) < SHORTEST_SECRET or not (text.isascii() and text.isprintable()):
        raise click.ClickException(f"what came in is no secret: {SHORTEST_SECRET} plain letters and figures at least")
    return text


def _to_keep(kind: str, secret: str, settings: Settings) -> bytes:
    """What the database gets of it."""
    if kind == "workflow":
        return kept.digest(secret)
    if not settings.secret_key.get_secret_value():
        raise click.ClickException("SECRET_KEY is not set: it encrypts the secrets of external sources")
    return Keys.of(settings).seal(read_secret(secret))


def _show(kind: str, secret: str) -> None:
    where = f"in the header {SENT_ALONG}" if kind == "workflow" else "signed with as Standard Webhooks say"
    click.echo(f"Its secret, shown this once, {where}:\n{secret}")
