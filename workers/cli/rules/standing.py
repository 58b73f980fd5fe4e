"""What stays whatever is applied: a rollback, and what keeps a rule back, each with what ends it."""

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from service.store import held, locations, overrides, rulebooks
from service.store.database import Connection
from service.store.held import Held
from service.store.overrides import Override
from service.store.rulebooks import Version
from workers.cli.live import said
from workers.cli.outlook import MOST


@dataclass(frozen=True)
class Standing:
    """`names`: what locations are called, by id."""

    rollbacks: Sequence[Version]
    overrides: Sequence[Override]
    holds: Sequence[Held]
    names: dict[str, str]

    def lines(self, rules: Collection[str] | None = None) -> Iterator[str]:
        """A sentence each; `rules`: those that there are, where an override of any other is to say so."""
        for version in self.rollbacks:
            where = f" for {self._called(version.location_id)}" if version.location_id else ""
            stays = f"version {version.version} stays in force{where}, {rollback(version)}"
            yield f"{stays}; {release_of(version)} ends that"
        yield from self.of_rules(rules)

    def of_rules(self, rules: Collection[str] | None = None) -> Iterator[str]:
        """The same without rollbacks."""
        for each in self.overrides:
            none = "" if rules is None or each.rule in rules else ", where no rule is called so now"
            yield f"{self.told(each)}{none}; {release(each)} ends that"
        for one in self.holds:
            why = f", {one.why}" if one.why else ""
            yield said(f"{one.what} is {one.kind}{why}; {one.command} lets it go on")

    def told(self, each: Override) -> str:
        where = self._called(each.location_id) if each.location_id else "all locations"
        return f"{said(each.rule)} is {each.mode} in {where}{because(each.who, each.reason)}"

    def _called(self, location_id: str) -> str:
        return said(self.names.get(location_id) or location_id)


async def standing(connection: Connection) -> Standing:
    """All that stays now."""
    return Standing(
        await rulebooks.staying(connection),
        await overrides.every(connection),
        [each for each in await held.shown(connection, MOST) if each.hold.scope == "rule"],
        {each.location_id: each.name for each in await locations.every(connection)},
    )


def rollback(version: Version) -> str:
    """What a version that stays is, and whose decision that was."""
    return f"a rollback to version {version.rollback_of}{because(version.author, version.message)}"


def because(who: str, why: str) -> str:
    """` (by ada: why)`, as far as it is known."""
    told = said(": ".join(filter(None, (f"by {who}" if who else "", why))))
    return f" ({told})" if told else ""


def release_of(version: Version) -> str:
    """The command that ends a rollback."""
    where = f" --location {shlex.quote(version.location_id)}" if version.location_id else ""
    return said(f"slotwright rules release rollback{where}")


def release(each: Override) -> str:
    """The command that ends an override."""
    where = f" --location {shlex.quote(each.location_id)}" if each.location_id else ""
    return said(f"slotwright rules release {shlex.quote(each.rule)}{where}")
