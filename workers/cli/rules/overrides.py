"""`slotwright rules override` and `release`: what holds of a rule whatever its file says, and the end of that."""

import shlex
from pathlib import Path

import click

from service.settings import Settings
from service.store import holds, interventions, overrides, rulebooks
from service.store.database import Connection, Pool
from service.store.overrides import Override
from workers.cli.arguments import kept
from workers.cli.folder import folder_option, with_pool
from workers.cli.interventions import who_option
from workers.cli.live import said
from workers.cli.pause import hold, let_go
from workers.cli.rules.place import for_, location_option, message_option, option, place
from workers.cli.rules.standing import rollback, standing
from workers.cli.rules.versions import readable
from workers.cli.which import Place, must_be_in_force

ROLLBACK = "rollback"

PAUSE = "pause"


@click.command()
@click.argument("name", default="", callback=kept)
@click.argument("mode", type=click.Choice([*sorted(overrides.MODES), PAUSE]), required=False)
@location_option
@message_option
@who_option
@folder_option
def override(name: str, mode: str | None, location: str, message: str, who: str, folder: Path) -> None:
    """Keep the rule NAME off or in shadow, or pause it, until `release`; without NAME, show what stays so.

    Applying rules does not change it, nor does a restart. It never makes a rule do more than its file and its location
    say. What a rule has begun for a booking it ends; what it has not begun goes by this.
    """
    if not name:
        return with_pool(folder, _show)
    if mode is None:
        raise click.UsageError(f"say what {said(name)} is to be: off, shadow or pause")
    if mode == PAUSE:
        return with_pool(folder, lambda pool, _: _pause(pool, name, location, message, who))

    async def do(pool: Pool, _: Settings) -> None:
        async with pool.acquire() as connection, connection.transaction():
            where = await place(connection, location)
            await must_be_in_force(connection, name, where)
            location_id = where.location_id if where else ""
            await overrides.put(
                connection, name, "off" if mode == "off" else "shadow", location_id=location_id, reason=message, who=who
            )
            words = f"rules override {shlex.quote(name)} {mode}{option(where)}"
            await interventions.note(connection, words, [None], who)
        everywhere = for_(where) or " in all locations"
        stricter = "" if mode == "off" else ", and off where its file or its location says so"
        click.echo(f"{said(name)} is {mode}{everywhere}{stricter}.")
        ends = f"slotwright rules release {said(shlex.quote(name))}{option(where)}"
        click.echo(f"It stays so, whatever is applied or a restart brings, until {ends}")

    return with_pool(folder, do)


async def _pause(pool: Pool, name: str, location: str, message: str, who: str) -> None:
    await hold(pool, "rule", location, name, message, who)
    async with pool.acquire() as connection:
        where = await place(connection, location)
    click.echo(f"So does slotwright rules release {said(shlex.quote(name))}{option(where)}.")


async def _show(pool: Pool, _: Settings) -> None:
    async with pool.acquire() as connection:
        lines = [*(await standing(connection)).lines()]
    for line in lines or ["Nothing stays but what the files say"]:
        click.echo(f"{line}.")


@click.command()
@click.argument("name", callback=kept)
@location_option
@who_option
@folder_option
def release(name: str, location: str, who: str, folder: Path) -> None:
    """End what keeps the rule NAME off, in shadow or paused; or, if NAME is `rollback`, a rollback that stays.

    A rule is released wherever something keeps it back, or in LOCATION alone, and what it did not do while it was
    paused is taken up. After a rollback what was given meanwhile is put in force.
    """

    async def do(pool: Pool, _: Settings) -> None:
        async with pool.acquire() as connection, connection.transaction():
            where = await place(connection, location)
            if name == ROLLBACK and (told := await _rollback(connection, where, who)):
                return click.echo(told)
            location_id = where.location_id if where else ""
            lifted = await overrides.release(connection, name, location_id)
            paused = [
                each
                for each in await holds.every(connection)
                if (each.scope, each.rule, each.kind) == ("rule", name, "paused")
                and location_id in ("", each.location_id)
            ]
            if lifted:
                words = f"rules release {shlex.quote(name)}{option(where)}"
                await interventions.note(connection, words, [None], who)
            names = (await standing(connection)).names
        for each in lifted:
            click.echo(_released(each, names))
        if paused:
            return await let_go(pool, "rule", location, name, who, ["paused"])
        if not lifted:
            what = "no rollback stays" if name == ROLLBACK else f"nothing keeps {said(name)} back"
            raise click.ClickException(f"{what}{for_(where)}: slotwright rules override shows what stays")
        return None

    return with_pool(folder, do)


def _released(each: Override, names: dict[str, str]) -> str:
    where = said(names.get(each.location_id) or each.location_id) if each.location_id else "all locations"
    return f"{said(each.rule)} is no longer {each.mode} in {where}: what its file says holds again."


async def _rollback(connection: Connection, where: Place | None, who: str) -> str | None:
    """What there is to tell; None where none stays. Raises ClickException where what waits cannot be put in force."""
    location_id = where.location_id if where else None
    await rulebooks.one_at_a_time(connection)
    newest = await rulebooks.latest(connection, location_id)
    if newest is None or not newest.stays:
        return None
    waiting = await rulebooks.numbered(connection, location_id, rulebooks.WAITING)
    if waiting is not None:
        readable(waiting, "what waits")
    number = await rulebooks.release(connection, location_id)
    await interventions.note(connection, f"rules release rollback{option(where)}", [None], who)
    ended = f"Released: version {newest.version}, {rollback(newest)}."
    if number is None:
        return f"{ended} It is in force{for_(where)} until other rules are applied."
    return f"{ended} Version {number}, which waited for that, is in force{for_(where)} now."
