"""`slotwright rekey`: everything that is sealed, sealed anew with SECRET_KEY."""

from pathlib import Path

import click

from service.settings import Settings
from service.store import tokens
from service.store.database import Pool
from service.store.sealing import Keys
from workers.cli.folder import folder_option, with_pool


@click.command()
@folder_option
def rekey(folder: Path) -> None:
    """Seal every token and secret anew with SECRET_KEY; SECRET_KEY_PREVIOUS opens those that it does not."""

    async def do(pool: Pool, settings: Settings) -> tuple[int, list[str]]:
        async with pool.acquire() as connection:
            return await tokens.rekey(connection, Keys.of(settings))

    done, shut = with_pool(folder, do, "secret_key")
    click.echo(f"{done} sealed with SECRET_KEY.")
    if shut:
        raise click.ClickException(f"neither key opens {', '.join(shut)}: give another token or secret")
