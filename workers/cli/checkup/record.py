"""The record: what is registered, in force and waiting in the database."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from service.access.refresh import ask_again
from service.settings import Settings
from service.store import condition, held, locations, notices, reconciliations, rulebooks, sources, tokens
from service.store.alerts import OF_RULES
from service.store.condition import Work
from service.store.database import Pool
from service.store.held import Held
from service.store.locations import Location, TokenUnreadable
from service.store.notices import Trouble
from service.store.rulebooks import StoredRulebook
from service.store.sealing import Keys
from service.store.sources import SecretUnreadable, Source
from service.store.tokens import GrantUnreadable
from workers.cli.checkup.finding import Finding, ago, counted, failed, listed, ok, warning
from workers.cli.checkup.standing import what_stays
from workers.cli.live import said
from workers.cli.rules.book import summary
from workers.faults import RulebookFaults
from workers.rulebook import read

MOST_HELD = 20
"""Holds told of, a line each; of the rest their number is."""

SHORT = timedelta(minutes=1)
"""A budget that comes back within it is nobody's trouble."""

NOBODY_COMES = timedelta(seconds=60)
"""A worker that lives takes what is ready within a second."""


class Record:
    def __init__(self, settings: Settings, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._pool = pool
        self._clock = clock
        self.opened: list[Location] = []
        """Locations with their tokens, as far as SECRET_KEY opens them."""

    async def secrets(self) -> Sequence[Finding]:
        """Open everything that is sealed."""
        keys = Keys.of(self._settings)
        shut: list[str] = []
        async with self._pool.acquire() as connection:
            registered = await locations.every(connection)
            for each in registered:
                try:
                    found = await locations.find(connection, keys, each.location_id)
                except TokenUnreadable:
                    shut.append(f"location {each.location_id}")
                else:
                    self.opened += [found] if found else []
            for grant in await tokens.every(connection):
                try:
                    await tokens.find(connection, keys, grant.subject)
                except GrantUnreadable:
                    shut += [] if grant.location_id else [f"agency {grant.company_id}"]
            sealed = [source for source in await sources.every(connection) if source.kind == "external"]
        for source in sealed:
            try:
                source.keys(keys)
            except SecretUnreadable:
                shut.append(f"source {source.name}")
        if shut:
            advice = (
                "bring back the key that they were sealed with, or add these locations and rotate these sources anew"
            )
            return [failed("secrets", f"SECRET_KEY does not open {listed(shut)}", advice)]
        told = [counted(len(registered), "location")] + ([counted(len(sealed), "source")] if sealed else [])
        return [ok("secrets", f"SECRET_KEY opens those of {' and '.join(told)}")]

    async def locations(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            registered = await locations.every(connection)
            agencies = [grant for grant in await tokens.every(connection) if grant.location_id is None]
        refused = [
            failed(
                f"agency {grant.company_id}", f"its token is refreshed no more: {said(grant.refused)}", ask_again(grant)
            )
            for grant in agencies
            if grant.refused is not None
        ]
        if not registered:
            none = warning("locations", "none is registered", "slotwright locations add ID < token-file")
            return [none, *refused]
        idle = [each.location_id for each in registered if each.mode != "live"]
        told = f"{len(registered)} registered" + (f", not live: {listed(idle)}" if idle else "")
        return [ok("locations", told), *refused]

    async def rules(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            registered = await locations.every(connection)
            books = await rulebooks.in_force(connection)
            external = {source.name for source in await sources.every(connection) if source.kind == "external"}
            stays = await what_stays(connection)
        if not books:
            return [failed("rules", "no rulebook is in force, so nothing is done", "slotwright rules apply DIR")]
        known = {each.location_id for each in registered} | {each.name for each in registered}
        return [*(of_rulebook(book, known, external) for book in books), *stays]

    async def sources(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            registered = {each.location_id for each in await locations.every(connection)}
            found = await sources.every(connection)
        every = [of_source(source, registered) for source in found]
        if any(source.name == sources.HIGHLEVEL for source in found):
            return every
        advice = "slotwright sources add highlevel --kind highlevel lets it in again"
        return [failed("source highlevel", "was removed: HighLevel's webhooks are turned away", advice), *every]

    async def work(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            told = of_work(await condition.work(connection), await condition.clock(connection))
            return [told, *of_proposals(await reconciliations.proposed(connection))]

    async def held(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            found = await held.shown(connection, MOST_HELD)
            number = await held.number(connection, MOST_HELD + 1)
            now = await condition.clock(connection)
        told = [finding for each in found if (finding := of_hold(each, now))]
        if number > len(found):
            told.append(warning("held", f"more than {MOST_HELD} things are held back", "slotwright pause shows all"))
        return told or [ok("held", "nothing is held back")]

    async def alerts(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            now = await condition.clock(connection)
            found = of_alerts(await condition.alerts(connection), now)
            return [found, *(of_trouble(each, now) for each in await notices.troubles(connection))]

    async def newest_arrival(self) -> str:
        """When it was, as a sentence."""
        async with self._pool.acquire() as connection:
            newest = await condition.newest_arrival(connection)
        return (
            "no delivery has arrived yet" if newest is None else f"the newest arrived {ago(self._clock() - newest)} ago"
        )


def of_rulebook(book: StoredRulebook, known: Collection[str], external: Collection[str]) -> Finding:
    name = "rules" if book.location_id is None else f"rules of {book.location_id}"
    try:
        rulebook = read(book.files)
    except RulebookFaults as error:
        first = error.faults[0]
        told = (
            f"version {book.version} has {counted(len(error.faults), 'fault')}, the first in {first.path}:{first.line}"
        )
        return failed(name, told, "mend what slotwright rules check says, then slotwright rules apply")
    told = f"version {book.version} is in force, {summary(rulebook).rstrip('.')}"
    unknown = sorted({entry.location for entry in rulebook if entry.location} - set(known))
    if unknown:
        advice = "register them, or mend their names in the rule files"
        return warning(name, f"{told}; no location is registered as {said(listed(unknown))}", advice)
    if silent := sorted(frozenset[str]().union(*(entry.rule.sources for entry in rulebook)) - set(external)):
        advice = "let them in: slotwright sources add, or mend their names in the rule files"
        return warning(name, f"{told}; no source may post as {said(listed(silent))}", advice)
    return ok(name, told)


def of_source(source: Source, registered: Collection[str]) -> Finding:
    name = f"source {source.name}"
    allowed = "every registered location" if source.locations is None else counted(len(source.locations), "location")
    if source.kind == sources.HIGHLEVEL:
        return ok(name, f"speaks for {allowed}, proved by HighLevel's signature")
    told = f"{source.kind}, speaks for {allowed}, {counted(len(source.secrets), 'secret')}"
    if not source.secrets:
        return failed(name, told, f"nobody can post without one: slotwright sources rotate {source.name}")
    unknown = sorted(set(source.locations or ()) - set(registered))
    if unknown:
        return warning(
            name, f"{told}; not registered: {said(listed(unknown))}", "register them: slotwright locations add"
        )
    if source.locations == ():
        return warning(name, told, "nothing it posts counts until it speaks for a location")
    return ok(name, told)


def of_work(work: Work, now: datetime) -> Finding:
    told = f"{counted(work.open, 'delivery', 'deliveries')} open"
    if work.oldest is not None:
        told += f", the oldest for {ago(now - work.oldest)}"
    ends = {"given up": work.given_up, "steps failed": work.failed, "unknown": work.unknown}
    bad = ", ".join(f"{number} {words}" for words, number in ends.items() if number)
    told += f"; in the last day {bad}" if bad else ""
    told += f"; {work.parked} parked" if work.parked else ""
    if work.ready_since is not None and now - work.ready_since > NOBODY_COMES:
        told += f"; for {ago(now - work.ready_since)} no worker has come for what is ready"
        return failed("work", told, "look whether slotwright work runs, and at its log")
    if bad or work.parked:
        return warning("work", told, f"{' and '.join(_shown_by(work))} shows them")
    return ok("work", told)


def of_proposals(waiting: Mapping[str, int]) -> list[Finding]:
    """By location; nothing where nothing waits."""
    if not waiting:
        return []
    told = f"{counted(sum(waiting.values()), 'booking')} that no webhook told of, to be approved: {listed([*waiting])}"
    return [warning("reconciler", told, f"slotwright locations reconcile {shlex.quote(min(waiting))} shows them")]


def of_hold(each: Held, now: datetime) -> Finding | None:
    """None for what goes on by itself within a moment."""
    hold = each.hold
    name = f"{hold.kind} " + (said(", ".join(filter(None, (hold.rule, hold.location_id)))) or "everything")
    told = f"{said(each.what)}: {each.kind} for {ago(now - hold.since)}" + (f", {said(each.why)}" if each.why else "")
    match hold.kind:
        case "paused":
            return warning(name, told, f"{said(each.command)} lets it go on")
        case "budget":
            if hold.until is None or hold.until - now < SHORT:
                return None
            advice = "look who asks so much: slotwright_calls_total in /metrics"
            return warning(name, f"{told}, for another {ago(hold.until - now)}", advice)
        case "breaker" if hold.probe_at is None:
            return failed(name, told, f"mend its rule, then {said(each.command)}")
        case "breaker":
            advice = f"look at HighLevel's status page; a probe lets it go on, or {said(each.command)} does at once"
            return failed(name, told, advice)
        case "token":
            return failed(name, told, f"{said(each.command)} says what the matter is; it goes on once a token works")


def of_alerts(found: Sequence[Mapping[str, Any]], now: datetime) -> Finding:
    if not found:
        return ok("alerts", "none in the last day")
    times = ", ".join(f"{row['kind']} {counted(row['times'], 'time')}" for row in found)
    # What rules say may name a person, and what is found here may end in a log.
    text = "in a rule's own words" if found[0]["kind"] in OF_RULES else said(found[0]["text"])
    newest = f"the newest {ago(now - found[0]['last_at'])} ago: {text}"
    return warning(
        "alerts", f"in the last day {times}; {newest}", "the console's /now lists them with their deliveries"
    )


def of_trouble(each: Trouble, now: datetime) -> Finding:
    told = [f"{counted(each.lost, 'alert')} of the last day could not be sent and will not be"] if each.lost else []
    if each.failure is not None and each.failed_at is not None:
        told.append(f"it took nothing {ago(now - each.failed_at)} ago: {said(each.failure)}")
    advice = "look whether what ALERT_WEBHOOKS names is there still; the console's /now has all alerts"
    return warning(f"alerts to {said(each.channel)}", "; ".join(told), advice)


def _shown_by(work: Work) -> list[str]:
    """What to type to see what ended badly."""
    options = {
        "--status failed": work.given_up,
        "--step failed": work.failed,
        "--step unknown": work.unknown,
        "--status parked": work.parked,
    }
    return [f"slotwright history list {option}" for option, number in options.items() if number]
