"""Judging: what rules that hear of a delivery say to it, by their own names and their own booking before. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from service.event import Event
from service.event_types import MOMENT
from service.store.appointments import LastSeen
from service.store.conduct import Limit
from service.store.locations import Location
from service.store.verdicts import Verdict
from service.trigger import Booking
from tests.rule_files import CUTS, DANA, KIM, rule
from workers.faults import RulebookFaults
from workers.judge import Meaning, heard, limited_by, missed
from workers.rulebook import Rulebook, read, taken_up
from workers.verdicts import Judging, lot

STARTS = datetime(2027, 3, 25, 18, tzinfo=UTC)
HERE = Location("north", "Uptown", "Europe/London", "live", datetime(2027, 1, 1, tzinfo=UTC), SecretStr(""))
BOOKING = Booking(
    id="appointment", location_id="north", calendar_id=CUTS, starts=STARTS, ends=STARTS, assignee=KIM, status="new"
)
EVENT = Event({}, "AppointmentUpdate", None, None, "north", "appointment", None, None)
CREATED = Meaning(EVENT, None, LastSeen.first(BOOKING), frozenset({"appointment.created"}), STARTS)
OURS = replace(
    CREATED,
    was=BOOKING,
    triggers=frozenset({"appointment.rescheduled"}),
    own=frozenset({"appointment.reassigned"}),
    before_own=BOOKING.changed(assignee=DANA),
)


async def said(rulebook: Rulebook, found: Meaning = CREATED) -> list[Verdict]:
    return await Judging(found, rulebook, HERE, {}, None, {}).verdicts()


async def test_each_rule_sees_the_names_of_its_own_file() -> None:
    files = {
        f"{name}.yaml": f"people: {{{name}: {KIM}}}\nrules:\n" + rule(name, more=f"  if: {{assignee: {name}}}\n")
        for name in ("kim", "kimberley")
    }
    verdicts = await said(read(files))
    assert [(verdict.held, verdict.checks[0]["actual"]) for verdict in verdicts] == [(True, "kim"), (True, "kimberley")]


async def test_of_a_write_of_ours_only_the_rules_that_hear_of_it_see_the_booking_before_it() -> None:
    asks = f"  if: {{was.assignee: {DANA}}}\n"
    rules = (
        rule("theirs", when="appointment.rescheduled", more=asks),
        rule("ours", when="appointment.reassigned", more=asks + "  on_own_changes: true\n"),
        rule("theirs-too", when="appointment.rescheduled", more=asks),
    )
    assert [verdict.held for verdict in await said(read({"rules.yaml": "".join(rules)}), OURS)] == [False, True, False]


async def test_a_rule_is_rolled_out_to_as_many_of_a_hundred_as_it_says() -> None:
    drawn = lot(BOOKING.id)
    rules = (rule("as-many", more=f"  rollout: {drawn}%\n"), rule("one-more", more=f"  rollout: {drawn + 1}%\n"))
    verdicts = await said(read({"rules.yaml": "".join(rules)}))
    assert [verdict.held for verdict in verdicts] == [False, True], "from 0 to 99 is drawn"


async def test_a_rule_is_read_when_it_is_asked_and_not_while_it_is_off() -> None:
    off = rule("off", then="{do: foresee}", more="  mode: off\n")
    assert [verdict.rule for verdict in await said(taken_up({"rules.yaml": rule() + off}))] == ["one"]
    unread = taken_up({"rules.yaml": rule() + rule("later", then="{do: foresee}")})
    with pytest.raises(RulebookFaults, match="'foresee' is not known here"):
        await said(unread)


LATE = replace(
    CREATED,
    event=replace(EVENT, body={"rule": "one", "moment": "2h before start"}, type="moment"),
    triggers=frozenset[str](),
    at=STARTS - timedelta(hours=2),
    missed="it came late",
)


@pytest.mark.parametrize(
    ("top", "when", "found"),
    [
        ("", "2h before start", True),
        ("location: Uptown\n", "2h before start", True),
        ("location: elsewhere\n", "2h before start", False),
        ("defaults: {mode: off}\n", "2h before start", False),
        ("", "3h before start", False),
        ("", "[2h before start, appointment.created]", False),
    ],
)
def test_a_moment_is_missed_by_the_rule_that_waits_for_it_there_and_is_not_asked_anyway(
    top: str, when: str, found: bool
) -> None:
    rulebook = taken_up({"rules.yaml": f"{top}rules:\n" + rule("before", when=when) + rule(when=when)})
    late = replace(LATE, triggers=frozenset({"appointment.created"}) if "created" in when else frozenset())
    told = missed(late, rulebook, HERE)
    told_of = told and (told.place, told.rule, told.checks[0]["actual"])
    assert told_of == ((1, "one", "it came late") if found else None)


@pytest.mark.parametrize(
    ("top", "now", "limit"),
    [
        ("", rule(more="  limit: 3 per day\n"), Limit(3, timedelta(days=1))),
        ("location: elsewhere\n", rule(more="  limit: 3 per day\n"), None),
        ("", rule("another", more="  limit: 3 per day\n"), None),
    ],
)
def test_a_rule_is_limited_as_it_is_in_force_there_now(top: str, now: str, limit: Limit | None) -> None:
    then = taken_up({"rules.yaml": rule()}).entries[0]
    limited = limited_by(then, taken_up({"rules.yaml": f"{top}rules:\n{now}"}), HERE)
    assert limited.rule.most == limit
    assert limited.rule.then == then.rule.then


@pytest.mark.parametrize(("then", "asked"), [("{do: book, to: {shift: 7d}, notify: false}", False), ("", True)])
def test_a_moment_of_what_a_rule_booked_is_not_told_to_a_rule_that_books(then: str, asked: bool) -> None:
    """Were it laid before anybody knew whose the booking is."""
    moment, due = "15m after end", BOOKING.ends + timedelta(minutes=15)
    event = replace(EVENT, type=MOMENT, body={"moment": moment, "rule": "one", "until": due.isoformat()})
    [entry] = read({"rules.yaml": rule(when=moment, **({"then": then} if then else {}))})
    seen = LastSeen.first(BOOKING)
    for ours, told in (({}, True), ({"id": BOOKING.id}, asked)):
        found = Meaning(event, BOOKING, replace(seen, ours=ours), frozenset({moment}), due)
        assert bool(heard(found, entry.rule, HERE)) is told
