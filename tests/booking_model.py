"""What must become of a booking under the histories' rules: a model of one delivery after the other, with no clock, no
database and no wire. It says what HighLevel shows, and not only what it may.

Where a worker was killed, or told to stop, in the middle of its work, its state is each of those that the work goes
through; what HighLevel then shows tells which it can have been. Which it was matters only where somebody changes the
booking before it goes on: what was not done is then left alone, or judged on what there is now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.sandboxes import KIM

FIRST_FREE = 11
"""The hour that `later` moves to: nobody has anything else that day."""

EARLY = (9, 30)
FIELDS = ("starts", "assignee", "status", "title", "deleted")
HOUR, BLOCK, NEXT = timedelta(hours=1), timedelta(minutes=15), timedelta(milliseconds=1)


@dataclass(frozen=True)
class Shown:
    """A booking, an hour long, as HighLevel shows it or tells of it."""

    starts: datetime
    assignee: str
    status: str
    title: str
    deleted: bool = False

    @property
    def over(self) -> bool:
        return self.deleted or self.status == "cancelled"

    @property
    def judged(self) -> tuple[Any, ...]:
        """What must be as it was decided on."""
        return (self.starts, self.assignee, self.status, self.deleted)

    def changes(self, other: "Shown") -> set[str]:
        return {name for name in FIELDS if self.of(name) != other.of(name)}

    def of(self, name: str) -> Any:
        return getattr(self, name)


@dataclass(frozen=True)
class World:
    """HighLevel, as far as it is about the booking."""

    booking: Shown
    updated: datetime
    notes: tuple[str, ...] = ()
    block: tuple[str, datetime] | None = None
    """Whose, and from when."""

    def holds_up(self, person: str, starts: datetime) -> bool:
        """Whether the block is in somebody's way."""
        return (
            self.block is not None
            and self.block[0] == person
            and self.block[1] < starts + HOUR
            and starts < self.block[1] + BLOCK
        )


@dataclass(frozen=True)
class Told:
    """A webhook. A deletion's tells nothing of the booking."""

    created: bool
    booking: Shown | None
    updated: datetime


@dataclass(frozen=True)
class Known:
    """What we know of the booking, and of who made it so."""

    booking: Shown
    updated: datetime
    heard: datetime
    ours: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    bound: bool = False
    """Whether a block goes along with it."""

    def told(self, now: Shown, updated: datetime) -> "Known":
        """People win: what they changed after we wrote it is theirs."""
        lost = self.ours & self.booking.changes(now)
        return replace(
            self, booking=now, updated=updated, heard=updated, ours=self.ours - lost, others=self.others | lost
        )

    def wrote(self, name: str, value: Any, updated: datetime) -> "Known":
        now = replace(self.booking, **{name: value})
        return replace(self, booking=now, updated=updated, ours=self.ours | self.booking.changes(now))


@dataclass(frozen=True)
class Job:
    """What is still to be done of a delivery: first it is planned, and at last carried out."""

    do: Literal["assign", "move", "block", "note", "follow"]
    text: str = ""
    on: Shown | None = None
    """What it was decided on, once it was."""
    sent: bool = False
    """Of what changes the booking: it is stored that it may be in the world."""

    @property
    def name(self) -> str:
        return "assignee" if self.do == "assign" else "starts"


@dataclass(frozen=True)
class State:
    """All there is to say at one moment."""

    world: World
    known: Known | None = None
    waiting: tuple[Told, ...] = ()
    """Deliveries that nobody has begun."""
    jobs: tuple[Job, ...] = ()
    undone: int = 0
    """Changes that came late, from before a write of ours, and are not there any more: put before people, for whether
    they took them back or we did cannot be told."""
    unknown: int = 0
    """Writes of which nobody can say whether they were done before somebody changed the same."""

    def onward(self) -> "State | None":
        """The next that the worker goes through; None where there is nothing left to do."""
        if self.jobs:
            return _worked(replace(self, jobs=self.jobs[1:]), self.jobs[0])
        if self.waiting:
            return _judged(replace(self, waiting=self.waiting[1:]), self.waiting[0])
        return None


def all_of(state: State) -> Iterator[State]:
    """A state, and every one that the worker goes through from there."""
    now: State | None = state
    while now is not None:
        yield now
        now = now.onward()


def end_of(state: State) -> State:
    *_, last = all_of(state)
    return last


def _judged(state: State, told: Told) -> State:
    """What a delivery means, and what the rules say to it before any acts."""
    known, world = state.known, state.world
    if known and told.booking and told.updated < known.heard:
        return state  # stale
    now, updated = told.booking, told.updated
    if now is None or (known and _in_doubt(told, known)):
        now, updated = world.booking, world.updated
        if known and told.booking and told.updated < known.updated and now == known.booking:
            undone = {name for name in ("status", "assignee") if told.booking.of(name) != now.of(name)}
            if undone - known.ours:
                return replace(state, undone=state.undone + 1)
    heard = known.told(now, updated) if known else Known(now, updated, updated)
    return replace(state, known=heard, jobs=(*_rules(known.booking if known else None, now), Job("follow")))


def _in_doubt(told: Told, known: Known) -> bool:
    """Whether the booking is read instead of what is told of it."""
    older = told.updated < known.updated or (told.updated == known.updated and told.booking != known.booking)
    return told.created or known.booking.deleted or older


def _rules(was: Shown | None, now: Shown) -> Iterable[Job]:
    """In their order. Of a booking that is gone they are asked nothing."""
    if now.deleted:
        return
    moved = was is not None and was.starts != now.starts
    if was is None or moved:
        yield Job("assign")
    if was is None:
        if (now.starts.hour, now.starts.minute) < EARLY:
            yield Job("move")
        yield Job("block")
        if now.status == "confirmed":
            yield Job("note", "born")
    if now.status == "cancelled" and (was is None or was.status != "cancelled"):
        yield Job("note", "cancelled")
    if moved:
        yield Job("note", "moved")


def _worked(state: State, job: Job) -> State:
    assert state.known is not None
    if job.do == "follow":
        return _followed(state, state.known)
    if job.on is None:
        return _planned(state, state.known, job)
    if job.do in ("assign", "move"):
        return _changed(state, state.known, job, job.on)
    if state.world.booking.judged != job.on.judged:
        return state  # left alone: it is not the booking any more that this was decided on
    if job.do == "note":
        return replace(state, world=replace(state.world, notes=(*state.world.notes, job.text)))
    world = replace(state.world, block=(job.on.assignee, job.on.starts + HOUR))
    return replace(state, world=world, known=replace(state.known, bound=True))


def _planned(state: State, known: Known, job: Job) -> State:
    """Decided once, on the booking as the steps before left it."""
    booking = known.booking
    if job.do != "note" and (booking.over or state.world.booking.judged != booking.judged):
        return state
    if job.do in ("assign", "move") and job.name in known.others:
        return state  # people win
    if job.do == "assign" and (booking.assignee == KIM or state.world.holds_up(KIM, booking.starts)):
        return state
    return replace(state, jobs=(replace(job, on=booking), *state.jobs))


def _changed(state: State, known: Known, job: Job, on: Shown) -> State:
    """Assignee or start. It is stored that it is sent, it is carried out, that is stored: three moments."""
    name, world = job.name, state.world
    value: Any = KIM if job.do == "assign" else on.starts.replace(hour=FIRST_FREE, minute=0)
    if not world.booking.deleted and world.booking.of(name) == value:
        return replace(state, known=known.wrote(name, value, world.updated))
    if world.booking.judged == on.judged:
        if not job.sent:
            return replace(state, jobs=(replace(job, sent=True), *state.jobs))
        booking = replace(world.booking, **{name: value})
        world = replace(world, booking=booking, updated=world.updated + NEXT)
        return replace(state, world=world, jobs=(job, *state.jobs))
    if not job.sent or world.booking.of(name) == on.of(name):
        return state
    # Done before somebody changed the same, or never: it counts as done, for then people win.
    return replace(state, known=known.wrote(name, value, known.updated), unknown=state.unknown + 1)


def _followed(state: State, known: Known) -> State:
    """The block is where the booking is, as far as we know."""
    if not known.bound:
        return state
    booking = known.booking
    block = None if booking.over else (booking.assignee, booking.starts + HOUR)
    return replace(state, world=replace(state.world, block=block))


@dataclass
class Model:
    """The states that the history may have come to: one, but for where the worker was stopped."""

    states: frozenset[State]

    def people_made(self, booking: Shown, updated: datetime) -> None:
        self._each(lambda state: replace(state, world=replace(state.world, booking=booking, updated=updated)))

    def told(self, told: Told) -> None:
        self._each(lambda state: replace(state, waiting=(*state.waiting, told)))

    def worked(self, seen: World, *, stopped: bool) -> None:
        """The worker has worked, to the end or until it was `stopped`, and HighLevel now shows `seen`."""
        reached = {after for state in self.states for after in (all_of(state) if stopped else (end_of(state),))}
        fitting = frozenset(state for state in reached if _shows(state) == _sorted(seen))
        allowed = "\nnor ".join(sorted({str(_shows(state)) for state in reached}))
        assert fitting, f"HighLevel shows {_sorted(seen)}\nand not {allowed}"
        self.states = fitting

    def _each(self, change: Any) -> None:
        self.states = frozenset(change(state) for state in self.states)


def _shows(state: State) -> World:
    return _sorted(state.world)


def _sorted(world: World) -> World:
    """HighLevel does not say in which order notes of one moment came."""
    return replace(world, notes=tuple(sorted(world.notes)))
