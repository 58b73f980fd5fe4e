"""A folder of rules that is given at a start: what is put in force of it, and what is said of what is not."""

from dataclasses import dataclass
from pathlib import Path

import click

from service.store import rulebooks
from service.store.database import Pool
from workers.cli.interventions import this_user
from workers.cli.rules.application import refuse, take
from workers.cli.rules.book import rules_in
from workers.faults import RulebookFaults
from workers.rulebook import Rulebook


@dataclass(frozen=True)
class Given:
    """`asked`: somebody named it, or wants what is in it; else it is for where nothing is in force yet. `refused`: what
    is wrong with it, in the place of its rules."""

    directory: Path
    asked: bool
    rulebook: Rulebook | None = None
    refused: click.ClickException | RulebookFaults | OSError | None = None


def given_by(directory: Path, *, asked: bool, first: bool, below: bool = True) -> Given:
    """Read it; `below`: also the folders in it. What is wrong with it is raised where nothing can be in force yet
    (`first`): there is nothing to go on with."""
    try:
        return Given(directory, asked, rules_in(directory, below=below))
    except (click.ClickException, RulebookFaults, OSError) as error:
        if first:
            raise
        return Given(directory, asked, refused=error)


async def give(pool: Pool, given: Given, source: str) -> None:
    """Put it in force, where it is wanted and differs from what was last taken from this `source`; what stays as it was
    is said. Raises what is wrong with it if nothing is in force."""
    async with pool.acquire() as connection, connection.transaction():
        newest = await rulebooks.latest(connection, None)
        if newest is not None and not given.asked:
            return
        if given.rulebook is None:
            assert given.refused is not None
            stays = await refuse(connection, source, given.refused)
            if not stays:
                raise given.refused
            faults = given.refused.message if isinstance(given.refused, click.ClickException) else str(given.refused)
            told = [faults, stays]
        else:
            outcome, told = await take(connection, given.rulebook, source, source, this_user())
            # That it is in force needs no words, and how many rules it has is shown nowhere else either.
            told = [] if outcome in ("new", "in force") else told
    for line in told:
        click.echo(line, err=True)
