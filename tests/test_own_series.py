"""What comes back of a series that we changed: no news to any rule but one that hears of our own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.highlevel.appointments import EditAppointment
from service.store import appointments, steps
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.store.series import changes_since
from service.store.steps import Step, rules_that_changed
from tests.crash_effects import singles as singles_of
from tests.house import House, event, in_days
from tests.sandboxes import ALEX, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_own_bookings import BOOKED
from tests.test_series import SERIES
from tests.test_settle import EDITS, fault
from tests.workshop import hasten

GIVE = rule(
    "give",
    "appointment.updated",
    "do: assign, to: kim, replace: anybody, scope: series",
    more='if: {title: {is: "go"}},',
)
DEAF = rule("deaf", "appointment.updated", "do: add_note, text: news")
HEARS = rule("hears", "appointment.reassigned", "do: add_note, text: ours", more="on_own_changes: true,")


async def laid(house: House) -> tuple[str, list[str]]:
    """Dana's, of three days from a Monday on: what stands for it, and the single ones, of which the last was never
    told of."""
    master = await house.book(in_days(3, "12:00"), assignedUserId=DANA, **SERIES)
    singles = [each["id"] for each in await singles_of(house, master)]
    for each in singles[:2]:
        await told(house, each, "AppointmentCreate")
    await house.settled()
    return master, singles


async def told(house: House, appointment_id: str, type_: str = "AppointmentUpdate", **fields: Any) -> None:
    """As HighLevel may post of each single one; with `fields`, of what somebody has changed just now."""
    if fields:
        fields["dateUpdated"] = datetime.now(UTC).isoformat()
    assert (await house.post(event({**await house.appointment(appointment_id), **fields}, type_)))[0] == 202


async def heard(house: House, appointment_id: str) -> list[str]:
    """It is told of, and that is news of this."""
    await told(house, appointment_id)
    await house.settled()
    triggers: list[str] = (await house.deliveries(appointment_id))[-1]["triggers"]
    return triggers


async def whose(house: House, appointment_id: str) -> dict[str, Any]:
    """The values that we wrote and nobody else has changed since, and what somebody else has."""
    async with house.pool.acquire() as connection:
        seen = await appointments.find(connection, LOCATION, appointment_id)
    assert seen is not None
    return {**seen.ours, **dict.fromkeys(seen.others, "somebody else")}


OWN = ["appointment.reassigned (by rule give)"]


@pytest.mark.parametrize(
    "broken", [{}, {"status": 502}, {"drop": True, "after_write": True}], ids=["answered", "not_done", "answer_lost"]
)
async def test_a_series_is_changed_once_and_what_comes_back_of_it_is_no_news(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any]
) -> None:
    hasten(monkeypatch)
    master, [first, second, third] = await laid(house)
    await house.rules(GIVE + DEAF + HEARS)
    if broken:
        await fault(house, EDITS, **broken)
    await told(house, first, title="go")
    await house.settled()
    [step] = [each for each in await house.steps(first) if each["rule"] == "give"]
    assert (step["state"], step["attempts"]) == ("done", 2 if broken == {"status": 502} else 1)
    assert [(await house.appointment(each))["assignedUserId"] for each in (first, second, third)] == [KIM] * 3
    assert await house.notes(master) == ["ours"], "the sandbox tells of what stands for the series"
    assert await heard(house, second) == OWN
    assert await house.notes(second) == ["ours"]
    assert (await house.notes(first), await whose(house, first)) == (["news"], {"assignee": KIM})
    assert await heard(house, first) == ["appointment.updated", *OWN], "of its title, which was only told of, besides"
    assert await heard(house, third) == ["appointment.created"], "that it is there, and not whose it is"
    assert [await whose(house, each) for each in (master, second, third)] == [{"assignee": KIM}] * 3
    async with house.pool.acquire() as connection:
        counted = await rules_that_changed(connection, LOCATION, second, "assign", within=timedelta(hours=1))
    assert counted == ["give"], "for each of them it is one more time round"


async def test_what_somebody_changes_of_one_is_theirs_and_is_news(house: House) -> None:
    _, [first, second, third] = await laid(house)
    await told(house, third, "AppointmentCreate")
    await house.edit(third, assignedUserId=ALEX)
    await house.settled()
    await house.rules(GIVE + HEARS)
    await told(house, first, title="go")
    await house.settled()
    await house.edit(second, address="Room 2")
    await house.settled()
    both = (await house.deliveries(second))[-1]["triggers"]
    assert both == ["appointment.updated", *OWN], "what we did, and the address, which is theirs"
    await house.edit(third, address="Room 2")
    await house.settled()
    assert (await house.deliveries(third))[-1]["triggers"] == ["appointment.updated"]
    assert await whose(house, third) == {}, "it is Alex's, as before"
    await house.edit(second, assignedUserId=ALEX)
    await house.settled()
    assert (await house.deliveries(second))[-1]["triggers"] == ["appointment.reassigned", "appointment.updated"]
    assert await whose(house, second) == {"assignee": "somebody else"}
    assert await house.notes(second) == ["ours", "ours"]


async def test_what_we_made_of_a_series_is_among_what_was_not_heard_of_yet(house: House) -> None:
    delivery = (await house.post(event({"id": "sEr1es"})))[1]["delivery"]
    at_noon = datetime.now(UTC)
    change = EditAppointment(event_id="sEr1es", appointment_status="confirmed", assigned_user_id=KIM)
    single = BOOKED.changed(id="sEr1es_1774260000000_3600", updated=at_noon + timedelta(hours=1))
    step = Step(
        step_id=new_id(),
        delivery_id=delivery,
        rule="give",
        place=0,
        part=0,
        action="assign",
        state="planned",
        sentence="assign kim",
        location_id=LOCATION,
        appointment_id="sEr1es_1774260000000_3600",
        contact_id=None,
        operation=change.stored(),
        meant={"before": {"assignee": DANA}, "series": {"of": "sEr1es_1774260000000_3600"}},
    )

    async def found(heard: datetime | None, **fields: Any) -> bool:
        async with house.pool.acquire() as connection:
            return bool(await changes_since(connection, single.changed(**fields), heard, skew=timedelta(minutes=1)))

    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(step)])
    assert not await found(None), "it was never sent"
    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(step.sent())])
    assert await found(None)
    assert await found(at_noon - timedelta(hours=1))
    assert await found(at_noon + timedelta(seconds=30)), "their clock may be ahead of ours"
    assert not await found(at_noon + timedelta(hours=1)), "that was told of already"
    assert not await found(None, updated=at_noon - timedelta(hours=1)), "it was so before"
    assert await found(None, id="sEr1es", updated=None)
    assert not await found(None, id="an0ther")
    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(step.sent().ended("parked"))])
    assert await found(None), "given up on in doubt"
    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(step.sent().ended("failed"))])
    assert not await found(None)
