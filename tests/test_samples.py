"""The samples that HighLevel publishes, from the door to their triggers. Its Update and Delete are byte for byte
Creates, so only reading the appointment tells what they are news of. In all of them startTime equals endTime."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service.embedded import Servers
from tests.house import House, open_house, register

SAMPLES = {path.stem: path.read_bytes() for path in (Path(__file__).parent / "samples").glob("Appointment*.json")}
CREATE = SAMPLES["AppointmentCreate.published"]
DELETES = ["AppointmentDelete.published", "AppointmentDelete.full-envelope"]
APPOINTMENT: dict[str, Any] = json.loads(CREATE)["appointment"]
LOCATION = "0007BWpSzSwfiuSl0tR2"
CONNECTED = datetime(2023, 9, 1, tzinfo=UTC)
"""Before the samples' dateAdded: what they tell of was created in front of us."""
LATER = "2023-09-26T09:00:00.000Z"

SEED = f"""
strict: false
locations: [{{id: {LOCATION}, timezone: Asia/Kolkata, tokens: [pit-sandbox-demo]}}]
"""
RULE = """
  - name: listens to all
    when: [appointment.created, appointment.updated, appointment.deleted]
    then: [{do: add_note, text: seen}]
"""
"""In shadow, so that it only leaves its verdict."""


@pytest.fixture
async def house(database_url: str, servers: Servers, tmp_path: Path) -> AsyncIterator[House]:
    """With the location, and the appointment, that the samples are of."""
    seed = tmp_path / "seed.yaml"
    seed.write_text(SEED)
    async with open_house(database_url, servers.redis_url, seed=seed) as opened:
        await register(opened.pool, LOCATION, CONNECTED)
        await opened.rules(RULE)
        await place(opened)
        yield opened


async def place(house: House, **changes: Any) -> None:
    """Have the sandbox say that the appointment is so; it tells nobody."""
    await house.call("PUT", f"/_sandbox/appointments/{APPOINTMENT['id']}", {**APPOINTMENT, **changes})


async def delivered(house: House, body: bytes) -> Any:
    """Post it, have it worked on, and show what became of it."""
    status, answer = await house.post(body)
    assert (status, answer["known"], answer.get("ignored")) == (202, False, None)
    await house.settled()
    async with house.pool.acquire() as connection:
        query = "SELECT body FROM deliveries WHERE delivery_id = $1"
        assert await connection.fetchval(query, UUID(answer["delivery"])) == body
    shown = await house.shown(answer["delivery"])
    assert shown["state"] == "done"
    return shown


def words(shown: Any) -> str:
    """The triggers, without their family name."""
    return " ".join(trigger.removeprefix("appointment.") for trigger in shown["triggers"])


def reads(shown: Any) -> int:
    """How often the appointment itself was asked."""
    return sum(call["operation"] == "GetAppointment" for call in shown["calls"])


def test_there_are_six_samples_and_the_published_ones_are_byte_for_byte_creates() -> None:
    assert len(SAMPLES) == 6
    assert {SAMPLES[name] for name in SAMPLES if name.endswith("published")} == {CREATE}
    assert APPOINTMENT["startTime"] == APPOINTMENT["endTime"]


@pytest.mark.parametrize("name", sorted(SAMPLES))
async def test_each_sample_is_accepted_and_kept_byte_for_byte(house: House, name: str) -> None:
    shown = await delivered(house, SAMPLES[name])
    assert (shown["location_id"], shown["appointment_id"]) == (LOCATION, APPOINTMENT["id"])


@pytest.mark.parametrize("name", ["AppointmentCreate.published", "AppointmentCreate.full-envelope"])
async def test_a_create_is_a_creation_and_its_word_is_taken_for_it(house: House, name: str) -> None:
    shown = await delivered(house, SAMPLES[name])
    assert words(shown) == "created"
    assert reads(shown) == 0
    assert [verdict["rule"] for verdict in shown["verdicts"]] == ["listens to all"]


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "moved": (
        {"startTime": "2023-09-26T10:00:00+05:30", "endTime": "2023-09-26T11:00:00+05:30"},
        "rescheduled updated",
    ),
    "cancelled": ({"appointmentStatus": "cancelled"}, "cancelled updated"),
    "reassigned": ({"assignedUserId": "9NkT25Vor1v4aQatFsv2"}, "reassigned updated"),
    "retitled": ({"title": "Appointment with somebody else"}, "updated"),
}


@pytest.mark.parametrize(("changes", "expected"), CHANGES.values(), ids=CHANGES.keys())
async def test_the_published_update_is_what_the_appointment_says_it_is(
    house: House, changes: dict[str, Any], expected: str
) -> None:
    assert words(await delivered(house, CREATE)) == "created"
    await place(house, dateUpdated=LATER, **changes)
    shown = await delivered(house, SAMPLES["AppointmentUpdate.published"])
    assert words(shown) == expected
    assert reads(shown) == 1


@pytest.mark.parametrize(("changes", "expected"), CHANGES.values(), ids=CHANGES.keys())
async def test_an_update_that_names_itself_one_is_taken_at_its_word(
    house: House, changes: dict[str, Any], expected: str
) -> None:
    """As the sample stands it tells nothing new: an echo. With what an update would have changed in it, it is news."""
    sample = json.loads(SAMPLES["AppointmentUpdate.full-envelope"])
    assert words(await delivered(house, CREATE)) == "created"
    echo = await delivered(house, SAMPLES["AppointmentUpdate.full-envelope"])
    assert (words(echo), echo["verdicts"], reads(echo)) == ("", [], 0)
    told = {**APPOINTMENT, "dateUpdated": LATER, **changes}
    shown = await delivered(house, json.dumps({**sample, "appointment": told, "webhookId": "another"}).encode())
    assert words(shown) == expected
    assert reads(shown) == 0


@pytest.mark.parametrize("name", DELETES)
async def test_a_delete_is_a_deletion_because_the_appointment_says_so(house: House, name: str) -> None:
    assert words(await delivered(house, CREATE)) == "created"
    await place(house, deleted=True)
    shown = await delivered(house, SAMPLES[name])
    assert words(shown) == "deleted"
    assert reads(shown) == 1


async def test_a_deletion_is_no_older_than_what_was_seen_before_it(house: House) -> None:
    """Its body may be: it repeats the appointment as it was at some time."""
    await delivered(house, CREATE)
    await place(house, dateUpdated=LATER, title="Another")
    assert words(await delivered(house, SAMPLES["AppointmentUpdate.published"])) == "updated"
    await place(house, dateUpdated=LATER, title="Another", deleted=True)
    assert words(await delivered(house, SAMPLES["AppointmentDelete.full-envelope"])) == "deleted"


async def test_the_same_create_again_sets_off_nothing(house: House) -> None:
    assert words(await delivered(house, CREATE)) == "created"
    again = await delivered(house, CREATE)
    assert (words(again), again["verdicts"], again["steps"]) == ("", [], [])
    assert again["reason"] == "an echo: nothing that a rule can ask about has changed"
    assert reads(again) == 1


async def test_a_full_envelope_sent_again_is_known(house: House) -> None:
    body = SAMPLES["AppointmentCreate.full-envelope"]
    shown = await delivered(house, body)
    assert await house.post(body) == (200, {"delivery": str(shown["delivery_id"]), "known": True})


async def test_of_an_appointment_that_was_there_before_us_a_create_is_no_creation(house: House) -> None:
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET connected_at = now() WHERE location_id = $1", LOCATION)
    assert words(await delivered(house, CREATE)) == "updated"
