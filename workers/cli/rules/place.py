"""Whose rules a command is about: the shared ones, or a location's own."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from service.store.database import Connection
from workers.cli.arguments import kept
from workers.cli.live import said
from workers.cli.which import Place, place_of

F = TypeVar("F", bound=Callable[..., Any])


def location_option(command: F) -> F:
    return click.option("--location", default="", callback=kept, help="Of this location alone, by its id or name.")(
        command
    )


def message_option(command: F) -> F:
    return click.option("-m", "--message", default="", callback=kept, help="Why, for the history.")(command)


async def place(connection: Connection, location: str) -> Place | None:
    """None for the shared rules. Raises ClickException for a location that is not registered."""
    return await place_of(connection, location) if location else None


def of(place: Place | None) -> str:
    """Whose rules, in words."""
    return f"{called(place)}'s own rules" if place else "the shared rules"


def for_(place: Place | None) -> str:
    """Where a version is in force, behind its number."""
    return f" for {called(place)}" if place else ""


def called(place: Place) -> str:
    return said(place.name or place.location_id)


def option(place: Place | None) -> str:
    """What names it to a command."""
    return f" --location {said(place.location_id)}" if place else ""
