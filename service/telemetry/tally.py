"""The tally: what one process has counted and not yet added to the record that /metrics is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

COUNTED: Mapping[str, tuple[str, ...]] = {
    "arrivals": ("source", "answer"),
    "deliveries": ("outcome",),
    "steps": ("action", "state"),
    "calls": ("operation", "status"),
    "call_seconds_bucket": ("operation", "le"),
    "call_seconds_sum": ("operation",),
    "leases_taken_over": (),
    "moments_missed": (),
    "unexpected_errors": ("role",),
    "alerts_sent": ("channel", "outcome"),
}
"""Everything that is counted, with the names of its labels. A label's value is one of few, and nobody's data."""

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the histogram of calls; what took longer is in `+Inf`."""

MOST_SERIES = 2_000
"""Label sets that a process tells apart; what comes after them is counted under OTHER."""

OTHER = "other"
LONGEST_VALUE = 100

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its labels, in the order of COUNTED."""


@dataclass(frozen=True)
class Budget:
    """What HighLevel's answers said last of what a location may still ask for; None where they did not say."""

    location_id: str
    seen_at: datetime
    burst_left: int | None = None
    burst_limit: int | None = None
    day_left: int | None = None
    day_limit: int | None = None

    def after(self, before: "Budget | None") -> "Budget":
        """This one, with what it does not say as it was before."""
        if before is None:
            return self
        silent = {name: value for name, value in vars(before).items() if vars(self)[name] is None}
        return replace(self, **silent)


@dataclass(frozen=True)
class Counts:
    """Increments and budgets, as one flush adds them."""

    values: Mapping[Key, float]
    budgets: Mapping[str, Budget]

    def __bool__(self) -> bool:
        return bool(self.values or self.budgets)

    def __add__(self, later: "Counts") -> "Counts":
        values, budgets = dict(self.values), dict(self.budgets)
        for key, value in later.values.items():
            values[key] = values.get(key, 0) + value
        for location_id, budget in later.budgets.items():
            budgets[location_id] = budget.after(budgets.get(location_id))
        return Counts(values, budgets)


class Tally:
    """Handed to whoever counts; `service.store.tallies` takes from it. Counting never waits."""

    def __init__(self) -> None:
        self._values: dict[Key, float] = {}
        self._budgets: dict[str, Budget] = {}
        self._known: set[Key] = set()

    def add(self, name: str, value: float = 1, /, **labels: str) -> None:
        """Count one of COUNTED, with all of its labels. Raises ValueError for anything else."""
        names = COUNTED.get(name)
        if names is None or set(names) != labels.keys():
            raise ValueError(f"{name} with {', '.join(labels) or 'no labels'} is not counted")
        key = (name, tuple((label, labels[label].replace("\0", "")[:LONGEST_VALUE]) for label in names))
        if key not in self._known:
            if len(self._known) >= MOST_SERIES:
                key = (name, tuple((label, OTHER) for label in names))
            self._known.add(key)
        self._values[key] = self._values.get(key, 0) + value

    def call(self, operation: str, status: int | None, seconds: float) -> None:
        """Count a call to HighLevel; `status` is None where no answer came."""
        bucket = next((f"{bound:g}" for bound in BUCKETS if seconds <= bound), "+Inf")
        self.add("calls", operation=operation, status=status_class(status))
        self.add("call_seconds_bucket", operation=operation, le=bucket)
        self.add("call_seconds_sum", seconds, operation=operation)

    def budget(self, budget: Budget) -> None:
        """Remember what a location has left."""
        if budget.location_id in self._budgets or len(self._budgets) < MOST_SERIES:
            self._budgets[budget.location_id] = budget.after(self._budgets.get(budget.location_id))

    def take(self) -> Counts:
        """What was counted since it was last taken."""
        counts = Counts(self._values, self._budgets)
        self._values, self._budgets = {}, {}
        return counts


def status_class(status: int | None) -> str:
    """429 is told apart from the other refusals: it says that we ask too much."""
    if status is None:
        return "none"
    return "429" if status == 429 else f"{status // 100}xx"
