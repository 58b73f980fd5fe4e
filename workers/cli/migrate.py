"""`slotwright migrate`: the schema, brought up to date before new code starts."""

from pathlib import Path

import asyncpg
import click
from sqlalchemy.exc import DBAPIError

from service.store import migrations
from service.store.database import AWAY
from workers.cli.folder import DatabaseAway, database, folder_option


@click.command()
@folder_option
def migrate(folder: Path) -> None:
    """Apply the migrations that are missing. Needs DATABASE_URL, directly and not through PgBouncer."""
    with database(folder) as settings:
        try:
            ours = migrations.migrate(settings.database_url)
        except DBAPIError as error:
            raise click.ClickException(f"the migrations were not applied: {_words(error.orig)}") from None
        except (*AWAY, asyncpg.PostgresError) as error:
            raise DatabaseAway(error) from None
    if ours:
        click.echo("The schema is up to date.")
    else:
        click.echo("The schema is a later release's, and stays as it is: it suits the release right before that one.")


def _words(error: BaseException | None) -> str:
    if error is not None and isinstance(error.__cause__, asyncpg.LockNotAvailableError):
        return f"a table is held by a transaction that takes long; run it again when that has ended ({error})"
    return str(error)
