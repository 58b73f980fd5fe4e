"""Where operations are carried out, whoever asks: the API or the page."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from service.highlevel.operation import Operation
from service.sandbox.outcome import AnyAnnouncement, Handler, Outcome
from service.sandbox.world.records import Location
from service.sandbox.world.world import Change, World

Asker = Literal["API", "page"]


class Desk:
    def __init__(
        self,
        world: World,
        handlers: Mapping[type[Operation[Any]], Handler],
        announce: Callable[[AnyAnnouncement], None],
    ) -> None:
        self.world = world
        self.handlers = handlers
        self._announce = announce

    def carry_out(self, location: Location, operation: Operation[Any], *, by: Asker = "API") -> Outcome:
        """Without waiting anywhere: two calls never interleave, so of two for one slot only one gets it. Raises
        Refusal."""
        outcome = self.handlers[type(operation)](self.world, location, operation)
        if operation.changes:
            self.world.touch()
        return self.tell(location, outcome, by=by)

    def tell(self, location: Location, outcome: Outcome, *, by: Asker) -> Outcome:
        """Announce what was done and remember it for the page."""
        if outcome.told or outcome.announcements:
            self.world.touch()
        for announcement in outcome.announcements:
            self._announce(announcement)
        if outcome.told:
            change = Change(self.world.now(), outcome.told, by, location.id, outcome.booking_id)
            self.world.changes.append(change)
        return outcome
