"""How `slotwright` starts: what it does without until its command is loaded."""

import gc

import click

from workers.cli.commands import slotwright


def test_garbage_is_looked_for_again_once_the_command_is_loaded() -> None:
    gc.collect()
    frozen = gc.get_freeze_count()
    gc.disable()
    try:
        assert slotwright.get_command(click.Context(slotwright), "migrate") is not None
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen, "what was loaded is left out of it"
    finally:
        gc.enable()
