"""`slotwright rules`: check rule files, put them in force, look at their versions and go back to one."""

import click

from workers.cli.rules.application import apply
from workers.cli.rules.check import check
from workers.cli.rules.diff import diff
from workers.cli.rules.overrides import override, release
from workers.cli.rules.reference import schema, words
from workers.cli.rules.tryout import try_
from workers.cli.rules.versions import rollback, share, versions


@click.group()
def rules() -> None:
    """Rule files: check them, put them in force, go back; and what keeps a rule back whatever its file says."""


for command in (
    check,
    try_,
    apply,
    versions,
    diff,
    rollback,
    share,
    override,
    release,
    words,
    schema,
):
    rules.add_command(command)
