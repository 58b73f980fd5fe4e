"""Brings the schema up to date. Alembic's scripts are the package `migrations`."""

import contextlib
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def migrate(database_url: str) -> bool:
    """Apply every migration that is missing, each in a transaction; not from inside an event loop, nor by PgBouncer.

    False: the schema is a later release's, as after a rollback, and stays as it is.
    """
    with _config(database_url) as config:
        command.upgrade(config, "head")
        return "later" not in config.attributes


def packaged() -> Sequence[str]:
    """The migrations that this version knows, oldest first."""
    with _config("") as config:
        return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@contextlib.contextmanager
def _config(database_url: str) -> Iterator[Config]:
    with as_file(files("migrations")) as folder:
        config = Config(attributes={"url": database_url})
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        yield config
