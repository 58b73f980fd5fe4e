"""A pass over one location: every list of its calendars and people, part by part, each compared with last seen."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from service.highlevel.appointments import Appointment, GetAppointment, events_between
from service.highlevel.blocked_slots import blocks_between
from service.highlevel.calendars import ListCalendars
from service.highlevel.errors import HighLevelError, NotFound, RateLimited, Refused, ScopeMissing
from service.highlevel.operation import Api
from service.highlevel.users import ListUsers
from service.store import reconcilers, reconciliations
from service.store.follows import Follow
from service.store.locations import Location
from service.store.reconcilers import Claim
from service.trigger import Booking
from workers.reconciliation.comparison import gone
from workers.reconciliation.findings import Findings
from workers.reconciliation.progress import Found, Kind, Part, Progress
from workers.workplace import Workplace

log = structlog.get_logger()

BEFORE = timedelta(days=1)
"""How far back the lists reach."""

MOST_READ = 100
"""Bookings of one part that no list shows and that are read by themselves: more would be a list gone wrong."""


ENOUGH = 5
"""Times that a pass comes to a stop at the same list, before it goes on without it."""


@dataclass
class Pass:
    """`api` carries out its calls, at its pace."""

    work: Workplace
    location: Location
    claim: Claim
    api: Api
    findings: Findings
    progress: Progress | None = None

    async def run(self) -> Found:
        """To the end, from where it was. Raises HighLevelError, and ClaimLost."""
        progress, stops = self.progress, self.claim.failures
        if progress is None:
            progress, stops = await self._plan(), 0
            await self._save(progress)
        while progress.done < len(progress.parts):
            found = await self._part(progress, progress.parts[progress.done], stops)
            stops = 0
            progress = progress.model_copy(update={"done": progress.done + 1, "found": found})
            await self._save(progress)
        return progress.found

    @property
    def location_id(self) -> str:
        return self.location.location_id

    @property
    def _window(self) -> tuple[datetime, datetime]:
        now = self.work.clock()
        return now - BEFORE, now + timedelta(days=self.work.settings.reconcile_ahead)

    async def _save(self, progress: Progress) -> None:
        async with self.work.pool.acquire() as connection:
            await reconcilers.save(connection, self.claim, progress.model_dump(mode="json"))

    async def _began(self) -> datetime:
        """What is noted from now on was not when the list was read."""
        async with self.work.pool.acquire() as connection:
            return await reconcilers.hold(connection, self.claim)

    async def _plan(self) -> Progress:
        calendars = (await self.api(ListCalendars(location_id=self.location_id))).calendars
        people = {user for calendar in calendars for user in calendar.team}
        found = Found()
        try:
            people |= {user.id for user in (await self.api(ListUsers(location_id=self.location_id))).users}
        except HighLevelError as error:
            # The calendars name most of them, and were listed just now.
            if not isinstance(error, ScopeMissing) and not _passed_over(error, self.claim.failures):
                raise
            found = _skipped(found, _said(error))
        parts = [Part(kind="calendar", id=calendar.id) for calendar in calendars]
        parts += [Part(kind="user", id=user_id) for user_id in sorted(people)]
        parts.append(Part(kind="elsewhere"))
        if self.claim.inventory_at is not None:
            parts += [Part(kind=kind, id=id_) for kind, id_ in sorted({_whose(each) for each in await self._blocks()})]
        ids = tuple(calendar.id for calendar in calendars)
        began = self.work.clock()
        return Progress(began_at=began, parts=tuple(parts), calendars=ids, users=tuple(people), found=found)

    async def _part(self, progress: Progress, part: Part, stops: int) -> Found:
        """What is found with it; it is passed over where HighLevel refuses it, and where it has brought the pass to a
        stop often enough, though HighLevel answers otherwise."""
        try:
            if part.kind.startswith("blocks"):
                return await self._compare_blocks(progress.found, part)
            return await self._compare_bookings(progress, part)
        except HighLevelError as error:
            if not _passed_over(error, stops):
                raise
            if error.retry:
                await self.api(ListCalendars(location_id=self.location_id))
                log.warning("a list is passed over, which HighLevel fails to give", kind=part.kind, id=part.id)
            return _skipped(progress.found, _said(error, f" of {part.kind} {part.id}"))

    async def _compare_bookings(self, progress: Progress, part: Part) -> Found:
        began = await self._began()
        listed = await self._list(part)
        mine = [each for each in listed if part.kind == "calendar" or each.calendar_id not in progress.calendars]
        outcomes = Counter({"bookings": len(mine)})
        outcomes.update(await self._settle(mine, began))
        for booking in await self._not_listed(progress, part, {each.id for each in listed}):
            began = await self._began()
            outcomes.update(await self._settle(await self._read(booking), began))
        del outcomes["same"]
        return progress.found.more(**outcomes)

    async def _list(self, part: Part) -> list[Appointment]:
        if part.kind == "elsewhere":
            return []
        start, end = self._window
        calendar_id, user_id = (part.id, None) if part.kind == "calendar" else (None, part.id)
        events = events_between(self.api, self.location_id, start, end, user_id=user_id, calendar_id=calendar_id)
        return [each async for each in events]

    async def _settle(self, read: Sequence[Appointment], began: datetime) -> Counter[str]:
        """Each that is not as it was last seen."""
        async with self.work.pool.acquire() as connection:
            known = await reconciliations.known(connection, self.location_id, [each.id for each in read])
        outcomes: Counter[str] = Counter()
        same = []
        for each in read:
            if self.findings.compare(Booking.of(each), known.get(each.id)) == "same":
                same.append(each.id)
            else:
                outcomes[await self.findings.settle(each, began)] += 1
        async with self.work.pool.acquire() as connection:
            await reconciliations.overtake(connection, self.location_id, same)
        return outcomes

    async def _not_listed(self, progress: Progress, part: Part, listed: Collection[str]) -> list[Booking]:
        """What we know to be ahead, and where this list should show it."""
        now, (_, until) = self.work.clock(), self._window
        off = part.kind != "calendar"
        async with self.work.pool.acquire() as connection:
            missing = await reconciliations.ahead(
                connection,
                self.location_id,
                progress.calendars if off else [part.id],
                elsewhere=off,
                now=now,
                until=until,
                but=listed,
                most=MOST_READ,
            )
        if part.kind == "user":
            return [each for each in missing if each.assignee == part.id]
        if part.kind == "elsewhere":
            return [each for each in missing if each.assignee not in progress.users]
        return missing

    async def _read(self, booking: Booking) -> list[Appointment]:
        """By itself, for a list may not be whole: it is gone when HighLevel says so, and what is refused is no news."""
        try:
            read = (await self.api(GetAppointment(event_id=booking.id))).appointment
        except NotFound:
            return [gone(booking)]
        except Refused:
            return []
        return [read] if read.location_id == self.location_id else []

    async def _blocks(self) -> list[Follow]:
        start, end = self.work.clock(), self._window[1]
        async with self.work.pool.acquire() as connection:
            return await reconciliations.blocks(connection, self.location_id, start, end)

    async def _compare_blocks(self, found: Found, part: Part) -> Found:
        """Tell of blocks that somebody took away, once. They stay away: people win."""
        before = [follow for follow in await self._blocks() if _whose(follow) == (part.kind, part.id)]
        start, end = self._window
        calendar_id, user_id = (part.id, None) if part.kind == "blocks_of_calendar" else (None, part.id)
        blocks = blocks_between(self.api, self.location_id, start, end, user_id=user_id, calendar_id=calendar_id)
        listed = {each.id async for each in blocks}
        after = {follow.follow_id: follow for follow in await self._blocks()}
        told = frozenset((self.claim.found or {}).get("blocks_gone", ()))
        missing = []
        for follow in before:
            assert follow.block is not None
            if follow.block["id"] in listed or after.get(follow.follow_id) != follow:
                continue
            async with self.work.pool.acquire() as connection, connection.transaction():
                if not await reconciliations.quiet(connection, self.location_id, follow.appointment_id):
                    continue
            missing.append(str(follow.follow_id))
            if str(follow.follow_id) not in told:
                log.warning(
                    "a block that follows a booking is not where it was put: somebody removed it, or gave it away",
                    location=self.location_id,
                    appointment=follow.appointment_id,
                    rule=follow.rule,
                )
        return found.model_copy(update={"blocks_gone": (*found.blocks_gone, *missing)})


def _whose(follow: Follow) -> tuple[Kind, str]:
    if follow.calendar_id is not None:
        return "blocks_of_calendar", follow.calendar_id
    assert follow.block is not None
    return "blocks_of_user", follow.block["assignee"]


def _passed_over(error: HighLevelError, stops: int) -> bool:
    """A budget that is spent is no matter of the list's, however often it is met there."""
    return isinstance(error, Refused) or (error.retry and not isinstance(error, RateLimited) and stops >= ENOUGH)


def _said(error: HighLevelError, what: str = "") -> str:
    return f"{error.operation}{what} " + (f"answered {error.status}" if error.status else "was not answered")


def _skipped(found: Found, why: str) -> Found:
    return found.model_copy(update={"skipped": (*found.skipped, why)})
