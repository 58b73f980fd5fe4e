"""`slotwright rekey`: everything that is sealed, sealed anew with SECRET_KEY."""

from pathlib import Path

import click

from service.settings import Settings
from service.store.database import Pool
from service.store.rekeying import rekey as seal_anew
from service.store.sealing import Keys
from workers.cli.folder import folder_option, with_pool


@click.command()
@folder_option
def rekey(folder: Path) -> None:
    """Seal every token and secret anew with SECRET_KEY; SECRET_KEY_PREVIOUS opens those that it does not."""

    async def do(pool: Pool, settings: Settings) -> tuple[int, list[str], bool]:
        async with pool.acquire() as connection:
            done, shut = await seal_anew(connection, Keys.of(settings))
        return done, shut, bool(settings.secret_key_previous.get_secret_value())

    done, shut, both = with_pool(folder, do, "secret_key")
    click.echo(f"{done} sealed with SECRET_KEY.")
    if shut and not both:
        raise click.ClickException(
            f"SECRET_KEY does not open {', '.join(shut)}: set SECRET_KEY_PREVIOUS to the key before it"
        )
    if shut:
        raise click.ClickException(f"neither key opens {', '.join(shut)}: give another token or secret")
