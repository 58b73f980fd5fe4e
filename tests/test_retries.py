"""What each error of a call leads to: how often it is tried again, what is held back meanwhile, when it is enough."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from service.embedded import Servers
from service.highlevel import errors
from service.highlevel.errors import HighLevelError
from service.store import locations
from tests.house import House, in_days, open_house
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import rule
from tests.workshop import alerts, at_work, booking, calls, fault, hasten, heal, held, states, tell, until
from workers.pauses import AWAY, BUDGET, FAILED, TOKEN, Policy, pause, policy

NOON = datetime.fromisoformat(in_days(3, "12:00"))
NOTE = rule("note", "appointment.created", "do: add_note, text: hello")
GIVE = rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
FOR_EVER = "*1000000"

POLICIES: dict[type[HighLevelError], Policy | None] = {
    errors.NotSent: AWAY,
    errors.AnswerLost: FAILED,
    errors.Unreadable: FAILED,
    errors.ServerError: FAILED,
    errors.CommandTimedOut: FAILED,
    errors.RateLimited: BUDGET,
    errors.TokenRefused: TOKEN,
    errors.Unauthorized: None,
    errors.ScopeMissing: None,
    errors.VersionRefused: None,
    errors.Refused: None,
    errors.Forbidden: None,
    errors.NotFound: None,
    errors.PathUnknown: None,
}


async def ended(house: House) -> bool:
    """Whether each delivery is."""
    return not (await states(house, "deliveries")).keys() & {"waiting", "judged"}


@pytest.fixture
async def idle(database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Pauses are short, and no breaker is shut: what is counted is the tries."""
    hasten(monkeypatch, breakers=False)
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


def test_every_kind_of_error_has_its_policy() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HighLevelError)}
    assert kinds - {HighLevelError} == set(POLICIES)
    assert {kind: policy(kind("GetCalendar", "said")) for kind in POLICIES} == POLICIES
    assert (AWAY.tries, FAILED.tries, BUDGET.tries, TOKEN.tries) == (20, 8, None, 8)


def test_a_pause_doubles_up_to_a_minute_and_is_spread() -> None:
    error = errors.ServerError("GetCalendar", "said")
    for tries, middle in ((0, 0.5), (1, 1.0), (3, 4.0), (7, 60.0), (500, 60.0)):
        pauses = [pause(error, tries).total_seconds() for _ in range(200)]
        assert middle * 0.75 <= min(pauses) < max(pauses) <= middle * 1.25
        assert max(pauses) - min(pauses) > middle * 0.2


@pytest.mark.parametrize(("asked", "least"), [(0.0, 0.5), (7.0, 7.0), (600.0, 600.0), (86_400.0, 900.0)])
def test_a_retry_after_is_believed_within_reason(asked: float, least: float) -> None:
    error = errors.RateLimited("GetCalendar", "said", retry_after=asked)
    assert all(least <= pause(error, 9).total_seconds() <= least + 0.25 for _ in range(50))


# What is sent: how often it reaches HighLevel, how its step ends, and in which words.
SENT = [
    ("429,retry_after=0*9", 10, "done", None),
    ("500", 8, "parked", "not in the world after 8 tries: CreateNote answered 500: "),
    ("timed_out", 8, "parked", "not in the world after 8 tries: CreateNote answered 401: Command timed out"),
    ("drop", 8, "parked", "not in the world after 8 tries: CreateNote: "),
    ("html", 8, "parked", "not in the world after 8 tries: CreateNote answered 502: "),
    ("400", 1, "failed", "CreateNote answered 400: "),
    ("401", 1, "failed", "CreateNote answered 401: "),
    ("missing_scope", 1, "failed", "CreateNote answered 401: The token is not authorized for this scope."),
    ("403", 1, "failed", "CreateNote answered 403: "),
    ("404", 1, "failed", "CreateNote answered 404: "),
    ("422", 1, "failed", "CreateNote answered 422: "),
]


@pytest.mark.parametrize(("what", "times", "state", "words"), SENT)
async def test_a_write_that_fails_is_tried_so_often_and_then_waits_for_somebody(
    idle: House, what: str, times: int, state: str, words: str | None
) -> None:
    await idle.rules(NOTE)
    await fault(idle, f"CreateNote:{what}" + ("" if "*" in what else FOR_EVER))
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
    assert len(await calls(idle, "CreateNote")) == times
    [step] = await idle.steps("book001x0000000000")
    assert (step["state"], step["attempts"]) == (state, times)
    assert step["reason"] is words or step["reason"].startswith(words)
    assert await states(idle, "deliveries") == {"parked" if state == "parked" else "done": 1}
    assert await alerts(idle) == ({("parked", "note"): 1} if state == "parked" else {})


@pytest.mark.parametrize(
    ("what", "times", "state"), [("500", 8, "parked"), ("drop", 8, "parked"), ("403", 1, "failed")]
)
async def test_a_reading_that_fails_before_a_write_is_tried_as_often(
    idle: House, what: str, times: int, state: str
) -> None:
    await idle.rules(NOTE)
    await fault(idle, f"GetAppointment:{what}{FOR_EVER}")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
    [step] = await idle.steps("book001x0000000000")
    assert step["state"] == state
    assert step["reason"].startswith(f"before sending, {times} tries: " if times > 1 else "before sending: ")
    assert await calls(idle, "CreateNote") == []


@pytest.mark.parametrize(("what", "tries", "state"), [("500", 8, "parked"), ("403", 1, "failed")])
async def test_a_reading_that_fails_while_it_is_decided_is_tried_as_often(
    idle: House, what: str, tries: int, state: str
) -> None:
    await idle.rules(GIVE)
    await fault(idle, f"GetCalendar:{what}{FOR_EVER}")
    await tell(idle, booking(1, NOON, assignedUserId=DANA))
    async with at_work(idle.work):
        await idle.settled()
    assert len(await calls(idle, "GetCalendar")) == tries
    [step] = await idle.steps("book001x0000000000")
    assert step["state"] == state
    assert f"GetCalendar answered {what}" in step["reason"]


@pytest.mark.parametrize(("what", "tries", "state"), [("500", 8, "parked"), ("403", 1, "failed")])
async def test_a_reading_that_fails_while_a_delivery_is_judged_is_tried_as_often(
    idle: House, what: str, tries: int, state: str
) -> None:
    await idle.rules(NOTE)
    await fault(idle, f"GetAppointment:{what}{FOR_EVER}")
    # Without its date it must be read.
    delivery = await tell(idle, {key: value for key, value in booking(1, NOON).items() if key != "dateUpdated"})
    async with at_work(idle.work):
        await idle.settled()
    assert len(await calls(idle, "GetAppointment")) == tries
    shown = await idle.shown(str(delivery))
    assert shown["state"] == state
    assert shown["reason"].startswith(f"reading the appointment: GetAppointment answered {what}: ")
    assert await alerts(idle) == ({("parked", ""): 1} if state == "parked" else {})


async def test_what_never_leaves_this_machine_is_tried_twenty_times(
    database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    nowhere = "http://127.0.0.1:9"
    async with open_house(database_url, servers.redis_url, working=False, highlevel_url=nowhere) as house:
        await house.rules(NOTE)
        await tell(house, booking(1, NOON))
        async with at_work(house.work):
            await house.settled()
        [step] = await house.steps("book001x0000000000")
        assert step["state"] == "parked"
        assert step["reason"].startswith("before sending, 20 tries: GetAppointment: ")
        assert step["attempts"] == 0


async def test_a_refused_token_is_waited_for_however_long_that_takes(idle: House) -> None:
    """Its step says so, and is not tried meanwhile."""
    await idle.rules(NOTE)
    await fault(idle, f"CreateNote:expired_token{FOR_EVER}")
    await fault(idle, f"ListCalendars:expired_token{FOR_EVER}")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: held(idle))
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await until(lambda: calls(idle, "ListCalendars", answered=401))
        assert await held(idle) == [("location", "token", "")]
        [step] = await idle.steps("book001x0000000000")
        assert step["state"] == "waiting"
        assert "CreateNote answered 401" in step["reason"]
        await heal(idle)
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await idle.settled()
    assert await states(idle) == {"done": 1}
    assert await alerts(idle) == {("token", ""): 1}


async def probed(house: House) -> bool:
    """It is time to probe; whether each delivery has ended."""
    await house.pool.execute("UPDATE holds SET probe_at = now() WHERE kind = 'token'")
    return await ended(house)


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ("CreateNote", "3 tries: CreateNote answered 401: "),
        ("GetAppointment", "before sending, 3 tries: GetAppointment answered 401: "),
        ("GetCalendar", "planning it failed: GetCalendar answered 401: "),
    ],
)
async def test_a_token_that_is_refused_for_one_kind_of_call_alone_is_not_waited_for_without_end(
    idle: House, monkeypatch: pytest.MonkeyPatch, operation: str, reason: str
) -> None:
    monkeypatch.setattr("workers.pauses.TOKEN", Policy(3, "token"))
    await idle.rules(GIVE if operation == "GetCalendar" else NOTE)
    await fault(idle, f"{operation}:expired_token{FOR_EVER}")
    await tell(idle, booking(1, NOON, assignedUserId=DANA))
    async with at_work(idle.work):
        await until(lambda: probed(idle))
    assert len(await calls(idle, operation, answered=401)) == 3
    [step] = await idle.steps("book001x0000000000")
    assert step["state"] == "parked"
    assert step["reason"].startswith(reason)
    assert (await alerts(idle)).keys() == {("token", ""), ("parked", step["rule"])}


async def test_what_waited_long_for_the_budget_waits_for_a_token_as_any_other(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.pauses.TOKEN", Policy(3, "token"))
    await idle.rules(NOTE)
    await fault(idle, "CreateNote:429,retry_after=0*3")
    await fault(idle, "CreateNote:expired_token")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: probed(idle))
    assert await states(idle) == {"done": 1}


async def test_a_retry_after_holds_the_location_for_as_long(idle: House) -> None:
    await idle.rules(NOTE)
    await fault(idle, "CreateNote:429,retry_after=120")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: held(idle))
        [row] = await idle.pool.fetch("SELECT kind, until - since AS long, urgent_until FROM holds")
        assert row["kind"] == "budget"
        assert timedelta(seconds=119) < row["long"] < timedelta(seconds=121)
        assert row["urgent_until"] is None, "what is urgent may use what is kept"
        await tell(idle, booking(2, NOON))
        assert await calls(idle, "CreateNote", answered=200) == []
        await idle.pool.execute("UPDATE holds SET until = now()")
        await idle.settled()
    assert await states(idle) == {"done": 2}


async def test_what_waits_for_a_token_of_a_location_that_is_removed_ends_with_it(idle: House) -> None:
    await idle.rules(NOTE)
    await fault(idle, f"CreateNote:expired_token{FOR_EVER}")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: held(idle))
        async with idle.pool.acquire() as connection:
            await locations.remove(connection, LOCATION)
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await until(lambda: ended(idle))
    assert await held(idle) == []
    assert not (await states(idle)).keys() & {"planned", "sent", "waiting"}, "nobody comes back to it"


async def test_a_delivery_whose_step_waits_says_what_for(idle: House) -> None:
    await idle.rules(rule("note", "appointment.created", "do: add_note, text: hello"))
    await fault(idle, "CreateNote:503*9")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await until(lambda: idle.pool.fetch("SELECT FROM deliveries WHERE waits_for LIKE 'a step waits: %503%'"))
        await heal(idle)
        await idle.settled()
