"""`slotwright pause` and `resume`: hold back all work, a location's or a rule's, and let it go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from service.settings import Settings
from service.store import conduct, held, holds, interventions
from service.store.database import Connection, Pool
from service.store.held import Held
from service.store.holds import Kind, Scope
from workers.cli.folder import folder_option, with_pool
from workers.cli.interventions import carry_out, who_option
from workers.cli.live import said
from workers.cli.outlook import MOST, deliveries
from workers.cli.which import Place, must_be_in_force, place_of

SAY_WHAT = "say what: --all, --location LOCATION, or --rule RULE (with --location for one alone)"


BY_HAND: tuple[Kind, ...] = ("paused", "breaker")
"""What somebody lets go on; a token and a budget come back by themselves."""


@dataclass(frozen=True)
class Target:
    """What is to be held back, or let go on."""

    scope: Scope
    place: Place | None = None
    rule: str = ""

    @property
    def location_id(self) -> str:
        return self.place.location_id if self.place else ""

    @property
    def options(self) -> str:
        return held.options(self.scope, self.location_id, self.rule)

    def is_within(self, each: Held) -> bool:
        """Whether this rule is held by that too."""
        return each.hold.rule == self.rule and each.hold.location_id in ("", self.location_id)

    def __str__(self) -> str:
        where = (self.place.name or self.place.location_id) if self.place else ""
        return said(held.called(self.scope, where, self.rule))


def what_option(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--rule", default="", help="A rule: in LOCATION, or in all of them."),
        click.option("--location", default="", help="A location, by its id or name."),
        click.option("--all", "everything", is_flag=True, help="Everything."),
    ):
        command = option(command)
    return command


@click.command()
@what_option
@click.option("-m", "--message", default="", help="Why, for whoever sees it.")
@who_option
@folder_option
def pause(everything: bool, location: str, rule: str, message: str, who: str, folder: Path) -> None:
    """Hold work back until `resume`; without options, show what is held.

    Deliveries are taken and kept meanwhile. Those of a location wait in their order; what a paused rule would do is
    parked, and taken up with `resume`.
    """
    if not (everything or location or rule):
        if message:
            raise click.UsageError(SAY_WHAT)
        return with_pool(folder, _show)
    scope = _scope(everything, location, rule)

    return with_pool(folder, lambda pool, _: hold(pool, scope, location, rule, message, who))


async def hold(pool: Pool, scope: Scope, location: str, rule: str, message: str, who: str) -> None:
    """Pause it, and say so. Raises ClickException for what there is not."""
    async with pool.acquire() as connection, connection.transaction():
        place = await place_of(connection, location) if location else None
        if rule:
            await must_be_in_force(connection, rule, place)
        target = Target(scope, place, rule)
        new = await holds.shut(
            connection,
            scope,
            "paused",
            location_id=target.location_id,
            rule=rule,
            reason=f"paused by {who}" + (f": {said(message)}" if message else ""),
            who=who,
        )
        if new:
            await interventions.note(connection, f"pause {target.options}", [None], who)
    if new:
        click.echo(f"{target} is paused: slotwright resume {said(target.options)} lets it go on.")
    else:
        click.echo(f"{target} was paused already, and stays so.")


@click.command()
@what_option
@who_option
@folder_option
def resume(everything: bool, location: str, rule: str, who: str, folder: Path) -> None:
    """Let go on what was paused, or what a breaker holds; what a rule did not do meanwhile is taken up.

    A rule goes on wherever it was held, or in LOCATION alone, and its limit counts anew there.
    """
    scope = _scope(everything, location, rule)

    return with_pool(folder, lambda pool, _: let_go(pool, scope, location, rule, who))


async def let_go(pool: Pool, scope: Scope, location: str, rule: str, who: str, kinds: Sequence[Kind] = BY_HAND) -> None:
    """Lift what holds it, take up again what a rule did not do meanwhile, and say so."""
    async with pool.acquire() as connection:
        before = await held.shown(connection, MOST)
        target = await _held_target(connection, before, scope, location, rule)
        async with connection.transaction():
            lifted = await _lift(connection, target, kinds)
            counted = await conduct.count_anew(connection, rule, lifted) if rule else False
            if lifted:
                await interventions.note(connection, f"resume {target.options}", [None], who)
        still = [each for each in await held.shown(connection, MOST) if each.hold.kind != "budget"]
        kept_from = []
        if rule and not any(target.is_within(each) for each in still):
            kept_from = await interventions.held_back(connection, rule, target.location_id, MOST)
        number = await carry_out(connection, "retry", kept_from, who)
        names = {each.hold.location_id: each.location_name or "" for each in before}
    for location_id in lifted:
        place = Place(location_id, names.get(location_id, "")) if location_id else None
        click.echo(f"{replace(target, place=place)} goes on.")
    if not lifted:
        click.echo(f"{target} was neither paused nor stopped.")
    if counted:
        click.echo("What it did before counts no more for its limit.")
    if number:
        click.echo(f"{deliveries(number)} taken up again.")
    if len(kept_from) == MOST:
        click.echo("There may be more: run it again for the rest.", err=True)
    if still:
        click.echo("Still held back:")
    for each in still:
        click.echo(_lines(each))


async def _lift(connection: Connection, target: Target, kinds: Sequence[Kind]) -> list[str]:
    """The locations in which it was held, '' for all of them."""
    if target.rule:
        return await holds.lift_rule(connection, kinds, target.rule, target.location_id)
    lifted = await holds.lift(connection, target.scope, kinds, location_id=target.location_id)
    return [target.location_id] if lifted else []


async def _held_target(
    connection: Connection, before: Sequence[Held], scope: Scope, location: str, rule: str
) -> Target:
    """What is to go on. What is held may be registered, or in force, no more; of the rest it must be."""
    for each in before:
        hold = each.hold
        if rule and not location and hold.rule == rule:
            return Target(scope, None, rule)
        place = Place(hold.location_id, each.location_name or "") if hold.location_id else None
        names = {hold.location_id, each.location_name or hold.location_id}
        if hold.scope == scope and hold.rule == rule and location in names:
            return Target(scope, place, rule)
    place = await place_of(connection, location) if location else None
    if rule:
        await must_be_in_force(connection, rule, place)
    return Target(scope, place, rule)


async def _show(pool: Pool, _: Settings) -> None:
    async with pool.acquire() as connection:
        found = await held.shown(connection, MOST)
    for each in found:
        click.echo(_lines(each))
    if not found:
        click.echo("Nothing is held back.")


def _lines(each: Held) -> str:
    """What is held and why; below it since when, until when, and what lets it go on."""
    hold = each.hold
    where = f" ({hold.location_id})" if each.location_name and hold.location_id else ""
    why = f", {each.why}" if each.why else ""
    until = f"{hold.until:%Y-%m-%d %H:%M:%S} UTC" if hold.until else each.ends
    command = f": {each.command}" if each.command else ""
    lines = (f"{each.what}{where}: {each.kind}{why}", f"since {hold.since:%Y-%m-%d %H:%M} UTC, until {until}{command}")
    return "\n    ".join(map(said, lines))


def _scope(everything: bool, location: str, rule: str) -> Scope:
    if everything and not location and not rule:
        return "all"
    if everything or not (location or rule):
        raise click.UsageError(SAY_WHAT)
    return "rule" if rule else "location"
