"""Rule files looked through: everything that is wrong with them, and what their author may not have meant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workers.faults import Fault, RulebookFaults
from workers.rulebook import Rulebook, drafted, uncollected
from workers.scrutiny.clock_changes import ZONES
from workers.scrutiny.clocks import clocks
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.impossible import dead_ends, impossible
from workers.scrutiny.pointless import pointless
from workers.scrutiny.remarks import at_night, circular, personal, unlimited
from workers.scrutiny.rivals import rivals
from workers.scrutiny.unused import unused

REMARKS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    unused, rivals, dead_ends, unlimited, at_night, personal, circular, pointless,
)  # fmt: skip


NO_TEXT: Final = "\0"
"""In the place of what could not be read; it cannot be read either."""


@dataclass(frozen=True)
class Scrutiny:
    """`rulebook` is None where there are faults."""

    rulebook: Rulebook | None
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]
    """Warnings, but those of the clocks."""
    clocks: tuple[Fault, ...]
    draft: Draft

    @property
    def warnings(self) -> tuple[Fault, ...]:
        return _ordered([*self.remarks, *self.clocks])


@uncollected()
def looked_through(
    files: Mapping[str, str], now: datetime, zones: Sequence[str] = ZONES, unread: Sequence[Fault] = ()
) -> Scrutiny:
    """`zones`: those of the locations that the rules are for, by name. `unread`: what is wrong with files that are no
    texts, which are among the faults; whatever they declare is not called unknown besides."""
    closed = {fault.path for fault in unread} - files.keys()
    opened, entries, told = drafted({**files, **dict.fromkeys(closed, NO_TEXT)})
    draft = Draft(tuple(opened), tuple(Written(entry, read) for entry, read in entries))
    faults = [*unread, *(fault for fault in told if fault.path not in closed)]
    wrong = _ordered([*faults, *impossible(draft)])
    if wrong:
        # A name that is misspelt where it is used would be called unused as well.
        return Scrutiny(None, wrong, (), (), draft)
    rulebook = Rulebook.of(files, [written.entry for written in draft.rules])
    remarked = [fault for remark in REMARKS for fault in remark(draft)]
    return Scrutiny(rulebook, wrong, _ordered(remarked), _ordered(list(clocks(draft, zones, now))), draft)


def _ordered(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return RulebookFaults(faults).faults
