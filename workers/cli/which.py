"""Which deliveries a command is about: the options that choose them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click

from service.store import history
from service.store.database import Connection
from workers.faults import RulebookFaults
from workers.other_words import nearest
from workers.values import read_duration

STATES = ("waiting", "judged", "parked", "done", "ignored", "failed")
STEP_STATES = (
    "planned",
    "sent",
    "waiting",
    "done",
    "unchanged",
    "failed",
    "unknown",
    "parked",
    "skipped",
    "shadow",
)

if TYPE_CHECKING:
    from service.store.locations import Location

F = TypeVar("F", bound=Callable[..., Any])

MOST_NAMES = 10
"""Of rules, that are said to whoever asks for one that there is not."""


class Since(click.ParamType[datetime]):
    """A length of time before now, or a moment."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - read_duration(value)
        except (ValueError, OverflowError):
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            durations = "a duration such as 90m, 2h or 3d (minutes are the least)"
            self.fail(f"{value!r} is neither {durations} nor a moment such as 2027-03-26T18:00", param, ctx)
        return moment if moment.tzinfo else moment.astimezone()


def which_deliveries(command: F) -> F:
    """The options, whose values go by the names that `service.store.history.listed` has for them."""
    for option in reversed(
        (
            click.option(
                "--status",
                type=click.Choice(("open", *STATES)),
                help="How deliveries stand; open is what has not ended.",
            ),
            click.option("--step", type=click.Choice(STEP_STATES), help="Deliveries with a step that stands so."),
            click.option("--rule", help="Deliveries that this rule was asked about."),
            click.option("--appointment", help="Deliveries about this appointment or series."),
            click.option("--location", help="Deliveries of this location, by its id or name."),
            click.option("--source", help="Deliveries that this source posted."),
            click.option("--since", type=Since(), help="2h, 3d, or a moment."),
            click.option("--until", type=Since(), help="Likewise, and not after it."),
        )
    ):
        command = option(command)
    return command


async def named(connection: Connection, prefix: str) -> UUID:
    """The one delivery whose id begins so. Raises ClickException where there is none, or more than one."""
    try:
        found = await history.beginning_with(connection, prefix, limit=4)
    except ValueError:
        raise click.ClickException(
            f"no delivery is called {prefix!r}: an id is hexadecimal, and its first digits will do"
        ) from None
    if len(found) > 1:
        several = ", ".join(map(str, found[:3])) + (", …" if len(found) > 3 else "")
        raise click.ClickException(f"more than one delivery begins with {prefix}: {several}")
    if not found:
        raise click.ClickException(f"there is no delivery {prefix}: slotwright history list shows what there is")
    return found[0]


@dataclass(frozen=True)
class Place:
    """A location as somebody on call knows it."""

    location_id: str
    name: str = ""


async def place_of(connection: Connection, wanted: str) -> Place:
    """The registered location of this id, else that of this name. Raises ClickException where there is none, or more
    than one."""
    from service.store import locations  # only here: most commands never load what it needs

    registered = await locations.every(connection)
    if found := _registered(registered, wanted):
        return found
    meant = meant_by(wanted, registered)
    hint = f"did you mean {meant}?" if meant else "slotwright locations list shows them"
    raise click.ClickException(f"no location {wanted or repr(wanted)} is registered: {hint}")


def meant_by(wanted: str, registered: "Sequence[Location]") -> str | None:
    """The name or id of a registered location that is nearest."""
    return nearest(wanted, [word for each in registered for word in (each.name, each.location_id) if word])


async def id_of(connection: Connection, wanted: str | None, *, strict: bool = False) -> str | None:
    """The id of a location that is wanted by id or name, as filter of what is kept: it may be registered no more.
    Raises ClickException for a name of several; `strict`: also where nothing is kept of it."""
    if wanted is None:
        return None
    from service.store import locations

    if found := _registered(await locations.every(connection), wanted):
        return found.location_id
    if strict and not await history.listed(connection, location=wanted, limit=1):
        await place_of(connection, wanted)
    return wanted


def _registered(registered: "Sequence[Location]", wanted: str) -> Place | None:
    alike = [each for each in registered if each.location_id == wanted]
    # One without a name is not meant by whoever says none.
    alike = alike or [each for each in registered if wanted and each.name.casefold() == wanted.casefold()]
    if len(alike) > 1:
        ids = ", ".join(each.location_id for each in alike)
        raise click.ClickException(f"more than one location is called {wanted}: say which by its id, {ids}")
    return Place(alike[0].location_id, alike[0].name) if alike else None


async def must_have_been_asked(connection: Connection, rule: str | None) -> None:
    """Where nothing was found: raises ClickException for a rule that is not in force, and of which nothing is kept."""
    if rule is not None and not await history.listed(connection, rule=rule, limit=1):
        await must_be_in_force(connection, rule, None)


async def must_be_in_force(connection: Connection, rule: str, place: Place | None) -> None:
    """Raises ClickException where no rulebook in force has this rule, or not that of the location."""
    from service.store import rulebooks
    from workers.rulebook import read

    books = await rulebooks.in_force(connection)
    if place is not None:
        own = [book for book in books if book.location_id == place.location_id]
        books = own or [book for book in books if book.location_id is None]
    names: set[str] = set()
    for book in books:
        try:
            names.update(entry.rule.name for entry in read(book.files))
        except RulebookFaults:
            return  # what this release cannot read may have it
    if rule in names:
        return
    where = f" in {place.name or place.location_id}" if place else ""
    meant = nearest(rule, names)
    several = ", ".join(sorted(names)[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    hint = f"did you mean {meant}?" if meant else f"those in force are {several or 'none'}"
    raise click.ClickException(f"no rule {rule or repr(rule)} is in force{where}: {hint}")
