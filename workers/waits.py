"""Waits: a delivery cannot go on now, and why."""

from datetime import timedelta
from typing import Self

from service.highlevel.errors import HighLevelError
from service.store.deliveries import Delivery
from workers.pauses import Policy, policy
from workers.record import Record


class Waits(Exception):
    """The delivery cannot go on now; it is taken up again after a while, and its lane with it."""

    def __init__(self, wait: timedelta, reason: str, *, failed: bool = False) -> None:
        """`failed`: something that the delivery needed could not be read."""
        super().__init__(reason)
        self.wait = wait
        self.reason = reason
        self.failed = failed

    @classmethod
    def after(cls, error: HighLevelError, record: Record, doing: str) -> Self:
        """Until HighLevel may be asked again."""
        kept = policy(error)
        counts = kept is None or kept.tries is not None
        return cls(record.met(error, record.delivery.attempts), f"{doing}: {error}", failed=counts)


def given_up(kept: Policy, delivery: Delivery) -> bool:
    """Whether it is enough of trying to read what the delivery needs."""
    return kept.tries is not None and delivery.attempts + 1 >= kept.tries
