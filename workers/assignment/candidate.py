"""A candidate: somebody who may be chosen, and all that the choice goes by."""

from dataclasses import dataclass

from workers.names import Named


@dataclass(frozen=True)
class Candidate:
    """`load`: bookings over the way's period; `that_day`: over the booking's day, of which `per_day` are the most."""

    person: Named
    unfit: str | None = None
    """Why they cannot take it, in words that follow their name and a colon: `busy 09:30 to 10:30`."""
    load: int = 0
    that_day: int = 0
    per_day: int | None = None
    weight: int = 1
    asked: bool = True
    """Whether it was looked at all, which goes no further than the first who can take it where the order is known."""

    @property
    def left_out(self) -> str | None:
        """Why they cannot be chosen; None when they can."""
        if self.unfit:
            return f"{self.person}: {self.unfit}"
        if self.per_day is not None and self.that_day >= self.per_day:
            return f"{self.person}: {self.that_day} of {self.per_day} that day"
        return None


@dataclass(frozen=True)
class Told:
    """What is kept of a candidate: the score they had, or the reason why they were left out."""

    person: Named
    score: str | None = None
    left_out: str | None = None

    def stored(self) -> dict[str, str | None]:
        return {
            "id": self.person.id,
            "name": str(self.person),
            "score": self.score,
            "left_out": self.left_out,
        }
