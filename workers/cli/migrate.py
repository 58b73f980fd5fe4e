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
            migrations.migrate(settings.database_url)
        except DBAPIError as error:
            raise click.ClickException(f"the migrations were not applied: {error.orig}") from None
        except (*AWAY, asyncpg.PostgresError) as error:
            raise DatabaseAway(error) from None
    click.echo("The schema is up to date.")
