"""The action `call` from end to end: what another system gets, once, and what is kept of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from pydantic import SecretStr

from service.embedded import Servers
from service.highlevel.operation import Operation, ReplyT
from service.outgoing.posting import Posting
from service.store.turns import Turns
from tests.house import House, in_days, now, open_house
from tests.other_systems import SECRET, Receiver
from tests.rule_files import action, of_action
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from workers.actions.action import ActionContext, CannotAct, Plan
from workers.actions.call import Call
from workers.cli.rules import rules
from workers.facts import Facts
from workers.jobs import Drainer
from workers.names import Names
from workers.settle import MOST_POSTS

LONG = "x" * 4000
POST = "do: call, url: 'https://example.com/'"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hush-path", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hush-path?key=hush-key"))
        yield receiver


@pytest.fixture
async def house(database_url: str, servers: Servers, receiver: Receiver) -> AsyncIterator[House]:
    """One whose worker may post to `receiver`."""
    async with open_house(database_url, servers.redis_url, working=False) as house:
        place = receiver.url.split("/")[2]
        allowed = {"call_secret": SecretStr(SECRET), "call_allowed": (place,)}
        house.work = replace(house.work, settings=house.settings.model_copy(update=allowed))
        drainer = Drainer(house.work)
        sweeping = asyncio.create_task(drainer.sweep())
        try:
            yield house
        finally:
            await drainer.stop()
            await sweeping
            await house.work.outgoing.close()


def calling(url: str, body: str = "", *then: str) -> str:
    return rule("call", "appointment.created", f"do: call, url: '{url}'{body and ', body: ' + body}", *then)


async def hurried(house: House, attempts: int) -> None:
    """Once a step waits to be posted again, let it be as if so many tries had been, and its time come."""
    async with asyncio.timeout(10), house.pool.acquire() as connection:
        hurry = "UPDATE steps SET attempts = $1, next_at = now() WHERE next_at > now() RETURNING step_id"
        while not await connection.fetch(hurry, attempts):
            await asyncio.sleep(0.01)
        await connection.execute("UPDATE lanes SET ready_at = now()")


async def test_a_booking_is_posted_once_and_signed(
    house: House, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.rules(calling(receiver.url, '{who: "{{ assignee.name | default(\'nobody\') }}", when: "{{ starts }}"}'))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [(headers, body)] = receiver.got
    [delivery] = await house.deliveries(booked)
    [step] = delivery["steps"]
    assert receiver.ids == [str(step["step_id"])]
    sent = json.loads(body)
    assert sent.keys() == {"who", "when"}
    assert "12:00" in sent["when"]
    assert headers["content-type"] == "application/json"
    place = receiver.url.split("/")[2]
    assert (step["state"], step["sentence"], step["attempts"]) == ("done", f"post to {place}", 1)
    [call] = delivery["calls"]
    assert (call["operation"], call["status"], call["answer"], call["error"]) == ("Call", 200, None, None)
    assert call["request"] == {"method": "POST", "host": place, "body": sent}
    assert call["step_id"] == step["step_id"]
    printed = capsys.readouterr()
    shown = str(delivery) + printed.out + printed.err
    for secret in (SECRET, SECRET.removeprefix("whsec_"), headers["webhook-signature"], "hush-answer"):
        assert secret not in shown
    assert "hush" not in str(delivery["calls"])


async def test_a_post_that_was_not_answered_goes_out_again_as_the_same(house: House, receiver: Receiver) -> None:
    receiver.answers = [None, 503]
    await house.rules(calling(receiver.url))
    booked = await house.book(in_days(3, "12:00"))
    await hurried(house, attempts=1)
    await hurried(house, attempts=2)
    await house.settled()
    [delivery] = await house.deliveries(booked)
    [step] = delivery["steps"]
    assert receiver.ids == [str(step["step_id"])] * 3
    assert len({body for _, body in receiver.got}) == 1
    assert step["state"] == "done"
    assert [call["status"] for call in delivery["calls"]] == [None, 503, 200]
    assert delivery["calls"][0]["error"].endswith("the connection broke before the answer (ServerDisconnectedError)")


async def test_a_doubt_stays_one_when_a_later_try_is_refused_and_stops_its_rule(
    house: House, receiver: Receiver
) -> None:
    """Perhaps it is refused for being there already."""
    receiver.answers = [None, 409]
    await house.rules(calling(receiver.url, "", "do: add_note, text: told them"))
    booked = await house.book(in_days(3, "12:00"))
    await hurried(house, attempts=1)
    await house.settled()
    posted, note = await house.steps(booked)
    assert posted["state"] == "unknown"
    assert posted["reason"].startswith("an earlier try may have come there; the last did not: ")
    assert posted["reason"].endswith("answered 409: it refused")
    assert (note["state"], note["reason"]) == ("unchanged", "not reached: a step before it failed")
    assert len(receiver.got) == 2


async def test_what_is_put_off_time_after_time_is_parked(house: House, receiver: Receiver) -> None:
    receiver.answers = [429] * 3
    await house.rules(calling(receiver.url))
    booked = await house.book(in_days(3, "12:00"))
    await hurried(house, attempts=MOST_POSTS - 1)
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == "parked"
    assert step["reason"].endswith("answered 429: not now")
    assert len(receiver.got) == 2


async def test_without_a_secret_nothing_is_posted_and_the_step_says_why(house: House, receiver: Receiver) -> None:
    object.__setattr__(house.work, "settings", house.work.settings.model_copy(update={"call_secret": SecretStr("")}))
    await house.rules(calling(receiver.url))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == "failed"
    assert step["reason"].endswith(": CALL_SECRET is not set, and nothing is posted without a signature")
    assert receiver.got == []


async def test_each_step_says_how_its_call_ended(house: House, receiver: Receiver) -> None:
    receiver.answers = [200, 410]
    post = f"do: call, url: '{receiver.url}'"
    await house.rules(
        rule("ids", "appointment.created", post)
        + rule("refused", "appointment.created", post)
        + rule("inside", "appointment.created", "do: call, url: 'https://127.0.0.1:1/hook'")
        + rule("shadow", "appointment.created", post, mode="shadow")
    )
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [delivery] = await house.deliveries(booked)
    steps, place = {step["rule"]: step for step in delivery["steps"]}, receiver.url.split("/")[2]
    assert {name: (step["state"], step["reason"]) for name, step in steps.items()} == {
        "ids": ("done", None),
        "refused": ("failed", f"{place} answered 410: it refused"),
        "inside": (
            "failed",
            "127.0.0.1:1: it leads to an address that is not public, and CALL_ALLOWED does not name it",
        ),
        "shadow": ("shadow", None),
    }
    assert steps["shadow"]["sentence"] == f"post to {place}"
    assert Posting.restored(steps["shadow"]["operation"]).url == receiver.url
    assert len(receiver.got) == 2
    assert json.loads(receiver.got[0][1]) == {
        "rule": "ids",
        "event": str(delivery["delivery_id"]),
        "appointment": booked,
        "location": LOCATION,
    }


async def nobody_asks(operation: Operation[ReplyT], /) -> ReplyT:
    raise AssertionError(f"{type(operation).__name__} was asked for")


async def no_turns(accounts: Sequence[str]) -> Turns:
    raise AssertionError(f"turns of {accounts} were asked for")


async def unasked(*_: object) -> Any:
    raise AssertionError("who is reserved, or what is blocked, was asked for")


def about_nothing(**facts: Any) -> ActionContext:
    zone = ZoneInfo("Europe/London")
    return ActionContext(
        api=nobody_asks,
        rule="told",
        delivery_id=uuid4(),
        location_id=LOCATION,
        zone=zone,
        now=now(),
        last_seen=None,
        facts=Facts.given(facts, zone),
        names=Names(),
        turns=no_turns,
        reserved=unasked,
        blocked=unasked,
        bound=unasked,
    )


async def test_an_event_about_no_appointment_can_be_posted_too() -> None:
    call, context = action("{do: call, url: 'https://example.com/'}"), about_nothing()
    assert not Call.needs_booking
    plan = await call.plan(context)
    assert isinstance(plan, Plan)
    assert plan.writes[0].operation.stored() == {
        "operation": "Posting",
        "fields": {
            "url": "https://example.com/",
            "body": {"rule": "told", "event": str(context.delivery_id), "location": LOCATION},
        },
    }


async def test_a_body_that_comes_out_too_long_is_refused_before_it_is_stored() -> None:
    body = ", ".join(f"f{number}: {LONG}" for number in range(17))
    call = action(f"{{do: call, url: 'https://example.com/', body: {{{body}}}}}")
    with pytest.raises(CannotAct, match=r"the body came out 68,\d+ bytes long, 65,536 is the most"):
        await call.plan(about_nothing())


def test_what_a_body_may_mention_is_known() -> None:
    call = action("{do: call, url: 'https://example.com/', body: {a: '{{ starts }}', b: '{{ assignee.name }}'}}")
    assert call.facts == {"starts", "assignee.name"}


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        ("{do: call}", "10:5: call must say url: where to post"),
        ("{do: call, url: 5}", "10:21: text expected, found the number 5: put it in quotes"),
        (
            "{do: call, url: example.com}",
            "10:21: an address such as https://api.example.com/hook is expected",
        ),
        (
            "{do: call, url: 'https://example.com/{{ title }}'}",
            "10:21: an address is the same every time: facts go into the body",
        ),
        (
            "{do: call, url: 'https://me:word@example.com/'}",
            "10:21: an address holds no user or password: what is posted is signed",
        ),
        ("{do: call, url: 'https://example.com/', body: {}}", "10:51: it must not be empty"),
        (
            "{do: call, url: 'https://example.com/', body: text}",
            "10:51: words with their values ({word: value}) expected, found 'text'",
        ),
        (
            "{do: call, url: 'https://example.com/', body: {a: 5}}",
            "10:55: text expected, found the number 5: put it in quotes",
        ),
        (
            "{do: call, url: 'https://example.com/', body: {a: x, b: '{{ asignee }}'}}",
            "10:65: 'asignee' is not known as a fact; did you mean 'assignee'?",
        ),
        (
            "{do: call, url: 'https://example.com/', bdy: {a: x}}",
            "10:45: 'bdy' is not known in call; did you mean 'body'?",
        ),
    ],
)
def test_a_call_that_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    assert of_action(then) == [f"rules.yaml:{refused}"]


def test_who_applies_a_rule_that_calls_is_told_that_nothing_signs_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = f"do: reschedule, to: next_free, notify: false, otherwise: {{{POST}}}"
    (tmp_path / "rules.yaml").write_text(f"rules: [{rule('till', 'appointment.created', late)[4:].strip()}]")
    monkeypatch.setenv("DATABASE_URL", database_url)
    warning = "Warning: CALL_SECRET is not set here; till cannot call unless the workers have it.\n"
    assert CliRunner().invoke(rules, ["apply", str(tmp_path)]).stderr == warning
    monkeypatch.setenv("CALL_SECRET", SECRET)
    assert CliRunner().invoke(rules, ["apply", str(tmp_path)]).stderr == ""
