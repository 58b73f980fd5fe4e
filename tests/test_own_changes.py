"""Echoes of our own writes: nothing to any rule but one that says `on_own_changes`, which sees what we changed."""

import asyncio

import pytest

from tests.house import House, in_days
from tests.sandboxes import ALEX, DANA, KIM
from tests.test_apply import rule
from tests.test_cli import say
from tests.workshop import meddle, states

GIVE = rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
MOVE = rule("move", "appointment.created", "do: reschedule, to: next_free, notify: false")
OWN = "on_own_changes: true,"
NOON = in_days(3, "12:00")


def note(text: str, when: str = "appointment.reassigned", more: str = OWN) -> str:
    return rule("note", when, f"do: add_note, text: {text}", more=more)


async def news(house: House, appointment_id: str) -> list[list[str]]:
    """The triggers of each delivery about it that has any."""
    return [each["triggers"] for each in await house.deliveries(appointment_id) if each["triggers"]]


async def noted(house: House) -> list[str]:
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    return await house.notes(booked)


async def test_the_echo_of_our_write_sets_off_only_a_rule_that_says_so(house: House) -> None:
    await house.rules(GIVE + note("heard") + rule("deaf", "appointment.reassigned", "do: add_note, text: deaf"))
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    assert await house.notes(booked) == ["heard"]
    assert await states(house) == {"done": 2}
    assert await news(house, booked) == [["appointment.created"], ["appointment.reassigned (by rule give)"]]
    environ = {"DATABASE_URL": house.settings.database_url}
    assert "reassigned (by rule give)" in (await asyncio.to_thread(say, "history", "list", env=environ)).output


@pytest.mark.parametrize("when", ["appointment.updated", "appointment.rescheduled"])
async def test_a_move_of_ours_is_a_move_to_it(house: House, when: str) -> None:
    await house.rules(MOVE + note("heard", when))
    assert await noted(house) == ["heard"]


@pytest.mark.parametrize("when", ["appointment.rescheduled", "appointment.confirmed", "appointment.cancelled"])
async def test_what_we_did_not_change_is_no_news_to_it(house: House, when: str) -> None:
    await house.rules(GIVE + note("heard", when))
    assert await noted(house) == []


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ("{was.assignee: dana, assignee: kim}", True),
        ("{was.assignee: kim}", False),
        ("{was.assignee: nobody}", False),
    ],
)
async def test_what_was_is_the_booking_before_our_write(house: House, condition: str, held: bool) -> None:
    await house.rules(GIVE + note("heard", more=f"{OWN} if: {condition},"))
    assert await noted(house) == (["heard"] if held else [])


async def test_what_was_is_so_in_its_texts_as_well(house: House) -> None:
    await house.rules(GIVE + note('"{{ was.assignee.name }} gave it to {{ assignee.name }}"'))
    assert await noted(house) == ["dana gave it to kim"]


async def test_a_rule_that_hears_of_its_own_write_is_not_set_off_by_what_it_left_as_it_was(house: House) -> None:
    """What it wrote it finds written, and leaves alone: no ring begins."""
    again = rule(
        "again", "appointment.created, appointment.reassigned", "do: assign, to: kim, replace: anybody", more=OWN
    )
    await house.rules(again)
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    assert await states(house) == {"done": 1, "unchanged": 1}
    assert (await house.appointment(booked))["assignedUserId"] == KIM


async def test_several_writes_of_one_delivery_are_one_piece_of_news(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two webhooks come back; once they are read the booking shows both writes, which are told of once."""
    made = meddle(monkeypatch, {})
    both = rule(
        "both",
        "appointment.created",
        "do: assign, to: kim, replace: anybody",
        "do: reschedule, to: next_free, notify: false",
    )
    text = '"{{ assignee.name }}"'
    await house.rules(both + note(text, "appointment.rescheduled", f"{OWN} if: {{was.assignee: dana}},"))
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    assert await house.notes(booked) == ["kim"]
    assert (await news(house, booked))[1:] == [["appointment.rescheduled (by rule both)"]]
    assert (made["EditAppointment"], made["CreateNote"]) == (2, 1)


async def test_a_change_of_others_is_news_to_all_and_ours_only_to_those_who_ask(house: House) -> None:
    await house.rules(GIVE + note("own") + rule("all", "appointment.reassigned", "do: add_note, text: all"))
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, assignedUserId=ALEX)
    await house.settled()
    assert sorted(await house.notes(booked)) == ["all", "own", "own"]
    assert (await news(house, booked))[-1] == ["appointment.reassigned", "appointment.updated"]


async def test_after_others_told_of_it_our_write_is_no_news_any_more(house: House) -> None:
    await house.rules(GIVE + note("own", "appointment.reassigned"))
    booked = await house.book(NOON, assignedUserId=DANA)
    await house.settled()
    for title in ("one", "two"):
        await house.edit(booked, title=title)
    await house.settled()
    assert await house.notes(booked) == ["own"]


async def test_in_shadow_it_is_judged_on_echoes_too_and_writes_nothing(house: House) -> None:
    await house.rules(GIVE + note("own").replace("live", "shadow"))
    assert await noted(house) == []
    assert await states(house) == {"done": 1, "shadow": 1}
