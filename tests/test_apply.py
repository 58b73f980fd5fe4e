"""Deliveries from end to end, against the sandbox: what each means, what the rules make of it."""

from tests.house import House, in_days

NOTE = """
  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: "Hello {{ calendar.name }}"}]}
"""


async def test_a_booking_gets_its_note_once(house: House) -> None:
    await house.rules(NOTE)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["Hello cuts"]
    [delivery] = await house.deliveries(booked)
    assert delivery["state"] == "done"
    assert delivery["triggers"] == ["appointment.created"]
    [step] = delivery["steps"]
    assert (step["state"], step["attempts"]) == ("done", 1)
    assert [call["operation"] for call in delivery["calls"]] == ["CreateNote"]
