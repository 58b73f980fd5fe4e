"""`slotwright migrate`: the schema, brought up to date before new code starts."""

from pathlib import Path

import click

from service.settings import read_settings
from service.store import migrations
from workers.cli.folder import folder_option


@click.command()
@folder_option
def migrate(folder: Path) -> None:
    """Apply the migrations that are missing. Needs DATABASE_URL, directly and not through PgBouncer."""
    settings = read_settings("database_url", folder=folder)
    migrations.migrate(settings.database_url)
    click.echo("The schema is up to date.")
