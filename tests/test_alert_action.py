"""`alert`: what a rule says to whoever is on call, once, and where it is seen."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, get_args

import pytest

from service.embedded import Servers
from service.store.alerts import Alarm
from tests.checkups import in_order, look
from tests.consoles import open_console
from tests.house import House, in_days
from tests.rule_files import action, of_action
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_call import about_nothing
from tests.test_console import text_of
from tests.workshop import alerts, at_work
from workers.actions.action import LeftAlone, Plan
from workers.actions.alert import SHOWN, Alert


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with in_order(database_url, servers.redis_url) as opened:
        yield opened


async def planned(then: str, **facts: Any) -> Plan | LeftAlone:
    plan: Plan | LeftAlone = await action(then).plan(about_nothing(**facts))
    return plan


@pytest.mark.parametrize(
    ("then", "fields", "sentence"),
    [
        (
            "{do: alert, text: Nobody is there}",
            {"text": "Nobody is there", "urgent": False},
            "alert: “Nobody is there”",
        ),
        ("{do: alert, text: ' Run! ', urgent: true}", {"text": "Run!", "urgent": True}, "alert at once: “Run!”"),
    ],
)
async def test_it_decides_what_is_said_and_whether_somebody_is_woken(
    then: str, fields: Mapping[str, Any], sentence: str
) -> None:
    plan = await planned(then)
    assert isinstance(plan, Plan)
    [write] = plan.writes
    assert write.operation.stored() == {"operation": "Alarm", "fields": fields}
    assert isinstance(write.operation, Alarm)
    assert Alarm.restored(write.operation.stored()) == write.operation
    assert write.sentence == sentence


async def test_what_postgres_does_not_keep_is_replaced() -> None:
    plan = await planned("{do: alert, text: '{{ title }}'}", title="a\0b")
    assert isinstance(plan, Plan)
    assert plan.writes[0].operation == Alarm(text="a\ufffdb")


async def test_nothing_is_said_where_the_text_comes_out_empty() -> None:
    assert await planned("{do: alert, text: \"{{ '' }}\"}") == LeftAlone("the text came out empty")


async def test_a_long_text_is_kept_whole_and_shown_in_part() -> None:
    plan = await planned("{do: alert, text: " + "x" * 400 + "}")
    assert isinstance(plan, Plan)
    [write] = plan.writes
    assert isinstance(write.operation, Alarm)
    assert (len(write.operation.text), write.sentence.count("x")) == (400, SHOWN - 1)


def test_it_acts_on_whatever_an_event_is_about() -> None:
    assert (Alert.needs_booking, Alert.acts_on_deleted) == (False, True)
    assert get_args(Alert.model_fields["do"].annotation) == (Alert.called,)


@pytest.mark.parametrize(
    ("then", "refused"),
    [
        ("{do: alert}", "10:5: alert must say text"),
        ("{do: alert, text: x, urgent: yes please}", "10:34: true or false expected, found 'yes please'"),
        ("{do: alert, text: x, ugrent: true}", "10:26: 'ugrent' is not known in alert; did you mean 'urgent'?"),
        ("{do: alert, text: '{{ titel }}'}", "10:27: 'titel' is not known as a fact; did you mean 'title'?"),
    ],
)
def test_an_alert_that_is_not_right_is_refused_where_it_stands(then: str, refused: str) -> None:
    assert of_action(then) == [f"rules.yaml:{refused}"]


async def test_it_is_raised_once_with_its_step_and_only_by_a_rule_that_is_live(idle: House) -> None:
    says = "do: alert, text: 'Wigfitting for {{ calendar }}'"
    await idle.rules(
        rule("told", "appointment.created", says, "do: add_note, text: and a note")
        + rule("twice", "appointment.created", f"{says}, urgent: true", f"{says}, urgent: true")
        + rule("shadow", "appointment.created", says, mode="shadow")
    )
    async with at_work(idle.work):
        booked = await idle.book(in_days(3, "12:00"))
        await idle.settled()
    steps = {(step["rule"], step["action"]): step for step in await idle.steps(booked)}
    assert {name: step["state"] for name, step in steps.items()} == {
        ("told", "alert"): "done",
        ("told", "add_note"): "done",
        ("twice", "alert"): "done",
        ("shadow", "alert"): "shadow",
    }
    assert steps["shadow", "alert"]["sentence"] == "alert: “Wigfitting for cuts”"
    assert await alerts(idle) == {("alert", "told"): 1, ("urgent", "twice"): 2}
    rows = await idle.pool.fetch("SELECT DISTINCT text, location_id, delivery_id IS NOT NULL AS led FROM alerts")
    assert [tuple(row) for row in rows] == [("Wigfitting for cuts", LOCATION, True)]
    async with open_console(idle.pool) as site:
        page = text_of(await site.page("/now"))
    assert "alert Wigfitting for cuts" in page
    assert "urgent Wigfitting for cuts 2 times since" in page
    found = (await look(idle.settings, offline=True))["alerts"].found
    assert "urgent 2 times" in found
    assert "Wigfitting" not in found, "which may be a customer's"
