"""A trial: what a delivery meant when it was judged, and what a body alone tells where there is no database."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.event import read_event
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.trigger import Booking
from tests.house import NAMES, event, in_days, now
from tests.sandboxes import ALEX, KIM, LOCATION
from tests.test_apply import rule
from tests.test_cli import say
from tests.workshop import booking
from workers.trial import arrived, remembered, unregistered

NO_EVENT = "is no event of an appointment or a contact"
NOON = datetime.fromisoformat(in_days(3, "12:00"))

BOOKED = Booking(
    id="book001x0000000000",
    location_id=LOCATION,
    calendar_id="cal",
    starts=NOON,
    ends=NOON + timedelta(hours=1),
    status="confirmed",
    assignee=KIM,
    updated=NOON - timedelta(days=1),
)


def judged(booking: Booking, was: Booking | None, *triggers: str) -> Delivery:
    """One about which rules were asked."""
    body = event(
        {
            "id": booking.id,
            "calendarId": booking.calendar_id,
            "appointmentStatus": booking.status,
            "startTime": booking.starts.isoformat(),
            "endTime": booking.ends.isoformat(),
        }
    )
    raw = json.dumps(body).encode()
    return replace(arrived(read_event(raw), raw, now()), state="done", booking=booking, was=was, triggers=triggers)


def test_of_the_last_one_that_told_anything_it_is_known_what_others_had_changed() -> None:
    """We wrote a title, somebody changed the time after us, this delivery told of it, then we wrote the assignee."""
    ours = {"title": "A cut", "assignee": ALEX}
    after = BOOKED.changed(title="A cut", assignee=ALEX)
    last = LastSeen(after, BOOKED.updated, ours, frozenset({"starts"}), False, BOOKED)
    told = BOOKED.changed(title="A cut")
    place = unregistered(LOCATION, "", "Europe/London")
    found = remembered(judged(told, told.changed(starts=NOON + timedelta(hours=6)), "appointment.updated"), place, last)
    assert found is not None
    assert found.seen == LastSeen(told, BOOKED.updated, {"title": "A cut"}, frozenset({"starts"}), False)
    later = replace(last, heard=NOON)
    found = remembered(judged(told, told.changed(assignee=ALEX), "appointment.updated"), place, later)
    assert found is not None
    assert found.seen == LastSeen(told, BOOKED.updated, {}, frozenset(), True), "by this delivery alone"


def test_about_what_waits_or_was_never_asked_nothing_is_remembered() -> None:
    place = unregistered(LOCATION, "", "Europe/London")
    done = judged(BOOKED, None, "appointment.created")
    assert remembered(replace(done, state="waiting"), place, None) is None
    assert remembered(replace(done, booking=None), place, None) is None
    found = remembered(done, place, None)
    assert found is not None
    assert (*found.triggers, found.was, found.seen) == ("appointment.created", None, LastSeen.first(BOOKED))


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SLOTWRIGHT_FOLDER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tried(tmp_path: Path) -> Any:
    def tried(body: Any, *words: object, rules: str = "", zone: object = "Europe/London") -> Any:
        note = rule("note", "appointment.created", "do: add_note, text: hello")
        (tmp_path / "rules.yaml").write_text(rules if rules.startswith("location") else NAMES + (rules or note))
        file = tmp_path / "body.json"
        file.write_text(body if isinstance(body, str) else json.dumps(body))
        clock = ("--time-zone", zone) if zone else ()
        result = say("rules", "try", tmp_path, "--delivery", file, "--folder", tmp_path, *clock, *words)
        return result, file

    return tried


def test_what_must_be_looked_up_cannot_be_told(tried: Any) -> None:
    rules = [
        rule(name, "appointment.created", "do: add_note, text: hello", more=f"if: {{{conditions}}},")
        for name, conditions in {
            "plain": "calendar: cuts, starts: {after: '11:00'}",
            "vip": "calendar: cuts, contact.tags: {contains: vip}",
            "other": "calendar: consultations, contact.tags: {contains: vip}",
        }.items()
    ]
    result, _ = tried(event(booking(1, NOON)), rules="".join(rules))
    assert result.exit_code == 0, result.output
    told = [line.strip() for line in result.stdout.partition("\n\n")[2].splitlines() if line]
    assert told == [
        "✓ plain (live)",
        "✓ calendar is cuts   was cuts",
        f"✓ starts after 11:00   was Monday {NOON.day} {NOON:%B %Y}, 12:00",
        "? vip (live)",
        "✓ calendar is cuts   was cuts",
        "? contact.tags contains vip   was not looked up",
        "✗ other (live)",
        "✗ calendar is consultations   was cuts",
        "? contact.tags contains vip   was not looked up",
        "3 rules listen, 0 do not.",
        "Offline: nothing is looked up, and no step is planned.",
    ]


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("0001-01-01T00:00:00Z", "America/New_York", "was Sunday 31 December 1899, 19:00"),
        ("9999-12-31T23:59:59Z", "Asia/Tokyo", "was Thursday 1 January 2201, 08:59"),
    ],
)
def test_a_body_with_a_time_of_no_year_is_tried_all_the_same(tried: Any, moment: str, zone: str, shown: str) -> None:
    asks = "if: {starts: {after: '11:00'}, now: {after: '2020-01-01 11:00'}, lead: {less_than: 1h}},"
    rules = rule("note", "appointment.created", "do: add_note, text: hello", more=asks)
    told = {**booking(1, NOON), "startTime": moment, "endTime": moment}
    result, _ = tried(event(told, timestamp=moment), rules=rules, zone=zone)
    assert result.exit_code == 0, result.output
    assert shown in result.stdout
    assert "now after 2020-01-01 11:00" in result.stdout
    result, _ = tried(event({**told, "dateAdded": moment, "dateUpdated": moment}, timestamp=moment), zone=zone)
    assert result.exit_code == 0, result.output


def test_the_location_may_be_said_by_name(tried: Any) -> None:
    """For rules of one location say which by its name, and the body by its id."""
    note = rule("note", "appointment.created", "do: add_note, text: hello")
    text = f"location: leeds{NAMES}{note}".removeprefix("rules:")
    body = event(booking(1, NOON))
    heads = []
    for words in ((), ("--location", "leeds")):
        result, _ = tried(body, *words, "--all", rules=text)
        heads.append([line for line in result.stdout.splitlines() if "note" in line])
    assert heads == [["    - note: it is a rule of leeds"], ["✓ note (live)"]]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{", "FILE: the body is not JSON"),
        ("[]", "FILE: the body is JSON but not an object"),
        ({"a": 1}, f"FILE: an event without type {NO_EVENT}; say --source for what another system posts"),
        (
            event({"id": "x"}, "OpportunityCreate"),
            f"FILE: OpportunityCreate {NO_EVENT}",
        ),
        (event({"id": "x"}, "INSTALL"), "FILE: INSTALL is about the app, and no rule is asked about it"),
        (
            event({"id": "book001x0000000000"}, "AppointmentDelete"),
            "FILE: the body does not describe the appointment whole, and offline HighLevel is not asked",
        ),
    ],
)
def test_a_body_that_cannot_be_tried_says_why(tried: Any, body: Any, complaint: str) -> None:
    result, file = tried(body)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {complaint.replace('FILE', str(file))}\n"


def test_the_clock_must_be_said(tried: Any) -> None:
    result, _ = tried(event(booking(1, NOON)), zone=None)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: without a database nothing tells the location's clock: say --time-zone\n"
    result, _ = tried(event(booking(1, NOON)), zone="London")
    assert result.stderr == "Error: 'London' is no time zone such as Europe/London\n"


def test_what_is_neither_a_file_nor_an_id_is_said(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(f"rules:{rule('note', 'appointment.created', 'do: add_note, text: hi')}")
    result = say("rules", "try", tmp_path, "--delivery", tmp_path / "nowhere.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: there is no file {tmp_path}/nowhere.json, and no delivery is called so")
    result = say("rules", "try", tmp_path, "--delivery", "01a2", "--folder", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: there are no data in {tmp_path}")


def test_faulty_rules_are_said_as_check_says_them(tried: Any) -> None:
    faulty = rule("note", "appointment.created", "do: add_nite, text: hello")
    result, file = tried(event(booking(1, NOON)), rules=faulty)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{result.stderr}1 fault.\n" == say("rules", "check", file.parent).stdout
    assert "^" in result.stderr
