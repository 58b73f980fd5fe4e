"""Brings the schema up to date. Alembic's scripts are the package `migrations`."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config


def migrate(database_url: str) -> None:
    """Apply every migration that is missing, each in a transaction; not from inside an event loop, nor by PgBouncer."""
    with as_file(files("migrations")) as folder:
        config = Config(attributes={"url": database_url})
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "head")
