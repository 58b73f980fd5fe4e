"""`slotwright privacy`: a person found, exported, erased, in everything that is remembered."""

import asyncio
import getpass
import json
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import SecretStr
from rich.text import Text

from service.settings import Settings
from service.store import erasing
from service.store import privacy as kept
from service.store.database import GAVE_WAY, Connection, Pool
from service.store.erasing import Receipt
from service.store.history import plain
from service.store.person import Kind, NotAPerson, Person
from service.store.privacy import Found, Sought
from workers.cli import arguments
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, terminal
from workers.cli.which import place_of

F = TypeVar("F", bound=Callable[..., Any])

CONFIRM = "erase"
MOST_TRIES = 20
"""Times that a part gives way to other transactions."""

KEPT_AS_IT_IS = "rulebooks"

NOTHING = "Nothing of theirs is remembered."
BY_ID = "Most webhooks of HighLevel's say no address: look up the contact's id there, and ask with --contact as well."


def person_options(command: F) -> F:
    """Who is asked for, by one of three ways."""
    for name, words in (
        ("phone", "Whose number this is: only its digits count, with or without the country's."),
        ("email", "Whose e-mail address this is, in capitals or not."),
        ("contact", "The contact with this id at HighLevel."),
    ):
        command = click.option(f"--{name}", help=words)(command)
    return command


location_option = click.option(
    "--location", callback=arguments.kept, help="In this location only, by its id or name; else in all of them."
)


@click.group("privacy")
def privacy() -> None:
    """Find a person in what is remembered; export it; erase it.

    By e-mail or phone those contacts are found whose own it is said to be. Where it is only mentioned, as in a note,
    that one row is meant, and nothing else of the contact whose row it is.
    """


@privacy.command()
@person_options
@location_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@folder_option
def find(as_json: bool, location: str | None, folder: Path, **asked: str | None) -> None:
    """What there is, counted by kind, and the ids of the deliveries."""
    who, found = _found(_person(asked), location, folder)
    if as_json:
        told = {"contacts": sorted(who.contacts), "mentioned_beside": sorted(who.beside), "found": _numbers(found)}
        click.echo(json.dumps({**told, "deliveries": found["deliveries"]}, indent=2))
    else:
        _tell(who, found)


@privacy.command()
@person_options
@location_option
@click.option("--to", "to", type=click.Path(path_type=Path, dir_okay=False), help="A file, which only you may read.")
@folder_option
def export(to: Path | None, location: str | None, folder: Path, **asked: str | None) -> None:
    """Everything there is, as one JSON document."""
    person = _person(asked)
    if to is not None and os.path.lexists(to):
        raise click.ClickException(f"{to} is there already: name another file")

    async def do(pool: Pool, _: Settings) -> dict[str, Any]:
        async with pool.acquire() as connection:
            who = await kept.sought(connection, person, await _location_id(connection, location))
            rows = await kept.export(connection, await kept.find(connection, who))
        if not rows:
            raise click.ClickException(
                f"nothing of theirs is remembered, and nothing was written. {_advice(who)}".rstrip()
            )
        return {
            "exported_at": datetime.now(UTC),
            "by": person.kind,
            "contacts": sorted(who.contacts),
            "appointments": sorted(who.appointments),
            **rows,
        }

    document = json.dumps(with_pool(folder, do), default=plain, indent=2, ensure_ascii=False)
    if to is None:
        click.echo(document)
        return
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(document + "\n")
    click.echo(f"Written to {to}: it is somebody's, keep it so.", err=True)


@privacy.command()
@person_options
@location_option
@click.option("--by", help="On whose word; by default your user's name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
def erase(by: str | None, yes: bool, location: str | None, folder: Path, **asked: str | None) -> None:
    """Erase it: bodies, titles, texts, calls, timers. What waits is not sent any more.

    Ids of deliveries and appointments stay, and how each ended, and a digest of each body. Broken off, run it again.
    A webhook about them that comes later is news, and kept.
    """
    person = _person(asked)
    if not yes:
        _tell(*_found(person, location, folder))
        if click.prompt(f"This cannot be undone. Type {CONFIRM} to go on", default="", show_default=False) != CONFIRM:
            raise click.ClickException("nothing was erased")

    async def do(pool: Pool, settings: Settings) -> Receipt:
        async with pool.acquire() as connection:
            location_id = await _location_id(connection, location)
        return await erase_all(pool, person, location_id, by=by or _user(), key=settings.secret_key)

    receipt = with_pool(folder, do, "secret_key")
    if receipt.erased:
        _print([receipt])
    else:
        advice = "" if person.kind == "contact" else f" {BY_ID}"
        click.echo(f"{NOTHING} So nothing was erased, and there is no receipt.{advice}")


@privacy.command()
@person_options
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@folder_option
def receipts(as_json: bool, limit: int, folder: Path, **asked: str | None) -> None:
    """What was erased, newest first: all, or of one person."""
    person = _person(asked) if any(asked.values()) else None

    async def do(pool: Pool, settings: Settings) -> list[Receipt]:
        keys = [key for key in (settings.secret_key, settings.secret_key_previous) if key.get_secret_value()]
        digests = [person.digest(key) for key in keys] if person else None
        async with pool.acquire() as connection:
            return await erasing.receipts(connection, digests, limit=limit)

    found = with_pool(folder, do, "secret_key")
    if as_json:
        for receipt in found:
            click.echo(json.dumps(vars(receipt), default=plain))
    elif found:
        _print(found)
    elif person:
        click.echo(
            f"No receipt is of this {person.kind}. A receipt tells of what was asked for then, and of the ids of the "
            "contacts that were found: ask with --contact, or as it was asked then."
        )
    else:
        click.echo("Nobody was erased.")


async def erase_all(pool: Pool, person: Person, location: str | None, *, by: str, key: SecretStr) -> Receipt:
    """Part by part, each in a transaction of its own. When it returns nothing of theirs can be sent any more."""

    async with pool.acquire() as connection:
        erasure = await erasing.begin(connection, person, location, by=by, key=key)
        await _part(connection, erasure.elsewhere)
        async for first, last in kept.windows(connection):
            await _part(connection, erasure.window, first, last)
        await _part(connection, erasure.elsewhere)
        if wait := await erasure.left(connection):
            await asyncio.sleep(wait.total_seconds())
        async with connection.transaction():
            return await erasure.end(connection, key)


async def _part(connection: Connection, part: Callable[..., Coroutine[Any, Any, None]], *values: Any) -> None:
    for tries in range(MOST_TRIES):
        try:
            async with connection.transaction():
                await part(connection, *values)
            return
        except GAVE_WAY:
            if tries + 1 == MOST_TRIES:
                raise
            await asyncio.sleep(0.1)


def _person(asked: Mapping[str, str | None]) -> Person:
    given: list[tuple[Kind, str]] = [
        (kind, text) for kind in ("contact", "email", "phone") if (text := asked[kind]) is not None
    ]
    if len(given) != 1:
        raise click.UsageError("say who: one of --contact, --email and --phone")
    [(kind, text)] = given
    try:
        return Person.of(kind, text)
    except NotAPerson as error:
        raise click.UsageError(f"--{kind}: {error}") from None


async def _location_id(connection: Connection, wanted: str | None) -> str | None:
    """Of a location by its id or name; by its id also of one that is registered no more, of which something is kept.
    Raises ClickException."""
    if wanted is None or await kept.remembered(connection, wanted):
        return wanted
    return (await place_of(connection, wanted)).location_id


def _advice(who: Sought) -> str:
    return "" if who.contacts else BY_ID


def _found(person: Person, location: str | None, folder: Path) -> tuple[Sought, Found]:
    async def do(pool: Pool, _: Settings) -> tuple[Sought, Found]:
        async with pool.acquire() as connection:
            who = await kept.sought(connection, person, await _location_id(connection, location))
            return who, await kept.find(connection, who)

    return with_pool(folder, do)


def _numbers(found: Found) -> dict[str, int]:
    return {kind.replace("_", " "): len(keys) for kind, keys in found.items() if keys}


def _tell(who: Sought, found: Found) -> None:
    table = plain_table("what", "how many")
    for kind, number in _numbers(found).items():
        table.add_row(kind, str(number))
    terminal().print(table if table.row_count else NOTHING)
    for key in found["deliveries"]:
        click.echo(f"delivery {key}")
    if who.person.kind != "contact":
        click.echo(f"contacts: {', '.join(sorted(who.contacts)) or 'none'}")
    if advice := _advice(who):
        click.echo(advice)
    if who.beside:
        click.echo(f"only mentioned with {', '.join(sorted(who.beside))}: --contact takes one of these along")
    if found[KEPT_AS_IT_IS]:
        click.echo("a rulebook says it: erase leaves rules as they are")


def _print(found: Sequence[Receipt]) -> None:
    for receipt in found:
        ended = f"{receipt.finished_at.astimezone():%Y-%m-%d %H:%M:%S}" if receipt.finished_at else "broken off"
        counts = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in receipt.counts.items() if number)
        where = f" in {receipt.location_id}" if receipt.location_id else ""
        line = f"{receipt.erasure_id}  {ended}  by {receipt.kind}{where}, {receipt.who}: {counts or 'nothing'}"
        terminal().print(Text(line), soft_wrap=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container users have no names
        return f"user {os.getuid()}"
