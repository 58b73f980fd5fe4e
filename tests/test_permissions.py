"""`slotwright locations check`: what a token may do, what it may not, and what cannot be told."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.settings import read_settings
from service.store.database import Pool
from tests.connecting import Office, by_hand
from tests.house import register
from tests.sandboxes import LOCATION
from tests.test_cli import say
from workers.cli.permissions import PROBES, Probe


@pytest.fixture
async def office(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with by_hand(pool, database_url, monkeypatch) as opened:
        yield opened


async def test_check_says_of_each_scope_whether_the_token_has_it(office: Office, pool: Pool) -> None:
    office.settings = office.settings.model_copy(
        update={"oauth_scopes": ("calendars.readonly", "calendars/events.readonly", "locations.readonly")}
    )
    await office.connect()
    result = await asyncio.to_thread(say, "locations", "check", "leeds salon")
    assert (result.exit_code, result.stderr) == (1, "Error: rules need calendars/events.write\n")
    marks = {line.split()[1]: line.split()[0] for line in result.stdout.splitlines() if line[:1] in "✓✗?"}
    had = {"calendars.readonly", "calendars/events.readonly", "locations.readonly"}
    assert {scope for scope, mark in marks.items() if mark == "✓"} == had
    assert len(marks) == 13
    missing = [line for line in result.stdout.splitlines() if " calendars/events.write " in line]
    assert "401: The token is not authorized for this scope." in missing[0]
    [people] = [line for line in result.stdout.splitlines() if " users.readonly " in line]
    assert "no rule needs it" not in people, "the look through a location lists them"
    [contacts] = [line for line in result.stdout.splitlines() if " contacts.write " in line]
    assert "(rules that tag contacts, " in contacts, "it is wanting, and only some rules want it"
    async with office.sandbox.client.get("/_sandbox/calls") as answer:
        carried_out = [call for call in await answer.json() if call["method"] != "GET" and call["status"] == 200]
    assert [call["operation"] for call in carried_out] == ["AccessToken"], "nothing was written"


@pytest.mark.parametrize(
    ("fault", "mark", "end"),
    [
        ("ListCalendars:422*9", "?", "HighLevel does not tell whether it has what rules need: calendars.readonly"),
        (
            "EditBlockSlot:422*9",
            "?",
            "HighLevel does not tell whether it has what rules need: calendars/events.write",
        ),
        ("ListCalendars:503*99", "?", "HighLevel does not tell whether it has what rules need: calendars.readonly"),
        (
            "ListCalendars:timed_out*99",
            "?",
            "HighLevel does not tell whether it has what rules need: calendars.readonly",
        ),
        ("ListCalendars:blocked*9", "✗", "rules need calendars.readonly"),
        ("*:expired_token*99", "✗", "the token itself is refused: give it a new token: slotwright locations add"),
        ("*:drop*99", "?", "HighLevel does not answer"),
    ],
)
async def test_check_tells_what_is_refused_from_what_it_cannot_tell(
    fault: str, mark: str, end: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(office.pool)
    monkeypatch.setenv("READ_TIMEOUT", "0.2")
    await office.order(fault)
    result = await asyncio.to_thread(say, "locations", "check", LOCATION)
    assert (result.exit_code, result.stderr) == (1, f"Error: {end}\n")
    marks = {line.split()[1]: line.split()[0] for line in result.stdout.splitlines() if line[:1] in "✓✗?"}
    assert marks["calendars/events.write" if "EditBlockSlot" in fault else "calendars.readonly"] == mark


def test_each_scope_that_is_asked_for_is_of_use_to_rules() -> None:
    """And check says the same of it."""
    asked = set(read_settings().oauth_scopes)
    assert asked == {probe.scope for probe in PROBES if probe.use != Probe.use}
