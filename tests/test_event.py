"""What a webhook's body says, and what it does not."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.event import Event, NotAnEvent, read_event, read_external, read_moment, read_reconciled
from service.highlevel.appointments import Appointment
from service.trigger import Booking, differences

TOLD = {
    "id": "eVt0000000000000001a",
    "title": "Cut",
    "address": "1 High Street",
    "calendarId": "cal",
    "contactId": "con",
    "groupId": "grp",
    "appointmentStatus": "confirmed",
    "assignedUserId": "usr",
    "users": ["usr"],
    "notes": "",
    "source": "booking_widget",
    "startTime": "2027-07-05T10:00:00+01:00",
    "endTime": "2027-07-05T11:00:00+01:00",
    "dateAdded": "2027-07-01T10:00:00.000Z",
    "dateUpdated": "2027-07-01T10:00:00.123Z",
}
BODY = {
    "type": "AppointmentCreate",
    "locationId": "loc",
    "versionId": "app",
    "appId": "app",
    "appointment": TOLD,
    "timestamp": "2027-07-01T10:00:01.000Z",
    "webhookId": "11111111-2222-4333-8444-555555555555",
}


def read(**changes: Any) -> Event:
    """BODY with changes; None takes a key out."""
    return read_event(json.dumps(without_none({**BODY, **changes})).encode())


def told(**changes: Any) -> Booking | None:
    return read(appointment=without_none({**TOLD, **changes})).booking()


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def test_a_time_of_no_year_is_none_or_the_first_or_last_that_is_reckoned_with() -> None:
    for moment, instead in (
        ("0001-01-01T00:00:00Z", "1900-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", "1900-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59Z", "2200-12-31T23:59:00+00:00"),
    ):
        found = told(startTime=moment, endTime=moment, dateAdded=moment, dateUpdated=moment)
        assert found is not None
        moments = (found.starts, found.ends, found.added, found.updated)
        assert {each.isoformat() for each in moments if each} == {instead}
        event = read(timestamp=moment, appointment={**TOLD, "startTime": moment})
        assert (event.said_at, event.starts) == (None, None)


@pytest.mark.parametrize("quoted", [b"", b'"[[[[", ', b'"\\"[[[\\\\", '])
@pytest.mark.parametrize(("depth", "read_"), [(99, True), (100, False), (940, False), (100_000, False)])
def test_how_deep_a_body_may_be_nested_is_told_from_the_body_alone(quoted: bytes, depth: int, read_: bool) -> None:
    body = b'{"x": [%s%s1%s]}' % (quoted, b"[" * (depth - 1), b"]" * (depth - 1))
    if read_:
        assert read_external(body, "a", "k", {}).body
    else:
        with pytest.raises(NotAnEvent, match="nested"):
            read_external(body, "a", "k", {})


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    assert read_external(b'{"x": [%s[]]}' % (b"[]," * 1000), "a", "k", {}).body
    with pytest.raises(NotAnEvent, match="not JSON"):
        read_external(b'{"x": ' + b'\\"[' * 80_000, "a", "k", {})


def test_an_event_says_where_it_goes() -> None:
    event = read()
    assert (event.type, event.key) == ("AppointmentCreate", "11111111-2222-4333-8444-555555555555")
    assert (event.app_id, event.location_id) == ("app", "loc")
    assert (event.appointment_id, event.contact_id) == ("eVt0000000000000001a", "con")
    assert event.said_at == datetime(2027, 7, 1, 10, 0, 1, tzinfo=UTC)
    assert event.not_understood is None


def test_an_event_describes_its_booking() -> None:
    assert told() == Booking(
        id="eVt0000000000000001a",
        location_id="loc",
        calendar_id="cal",
        starts=datetime(2027, 7, 5, 9, tzinfo=UTC),
        ends=datetime(2027, 7, 5, 10, tzinfo=UTC),
        status="confirmed",
        contact_id="con",
        group_id="grp",
        assignee="usr",
        title="Cut",
        address="1 High Street",
        source="booking_widget",
        added=datetime(2027, 7, 1, 10, tzinfo=UTC),
        updated=datetime(2027, 7, 1, 10, 0, 0, 123_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["title", "address", "contactId", "groupId", "assignedUserId", "source"])
def test_an_empty_text_means_what_a_missing_one_means(name: str) -> None:
    assert told(**{name: ""}) == told(**{name: None})


def test_a_webhooks_empty_texts_equal_what_an_answer_leaves_out() -> None:
    """Webhooks send "" where answers have null or nothing: that alone must not look like a change."""
    webhook = told(title="", address="", groupId="", assignedUserId="", contactId="", source="")
    left_out = {
        name: value
        for name, value in TOLD.items()
        if name not in ("title", "address", "groupId", "assignedUserId", "contactId", "source", "users", "notes")
    }
    empty = {**left_out, "title": "", "address": "", "groupId": "", "assignedUserId": "", "contactId": ""}
    for answer in (left_out, {**left_out, "address": None, "contactId": None}, empty):
        read_by_us = Booking.of(Appointment.model_validate({**answer, "locationId": "loc"}))
        assert webhook is not None
        assert differences(webhook, read_by_us) == frozenset()
        assert webhook == read_by_us


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "NoteCreate"}, "NoteCreate is no event of an appointment or a contact"),
        ({"type": "ContactUpdate"}, "ContactUpdate names no contact"),
        ({"type": "ContactUpdate", "id": "con/tact"}, "ContactUpdate names no contact"),
        ({"type": "workflow.contact", "id": "con"}, "an event without type is no event of an appointment or a contact"),
        ({"type": "appointmentcreate"}, "appointmentcreate is no event of an appointment or a contact"),
        ({"type": None}, "an event without type is no event of an appointment or a contact"),
        ({"type": 5}, "an event without type is no event of an appointment or a contact"),
        ({"type": "Appointment\x00Create"}, "an event without type is no event of an appointment or a contact"),
        ({"locationId": None}, "AppointmentCreate names no location"),
        ({"locationId": "loc\x00"}, "AppointmentCreate names no location"),
        ({"locationId": {"$ne": 1}}, "AppointmentCreate names no location"),
        ({"appointment": None}, "AppointmentCreate names no appointment"),
        ({"appointment": "eVt0000000000000001a"}, "AppointmentCreate names no appointment"),
        ({"appointment": {}}, "AppointmentCreate names no appointment"),
        *(
            ({"appointment": {**TOLD, "id": id_}}, "AppointmentCreate names no appointment")
            for id_ in ("", 7, None, "a\x00b", "a\nb", "a\x1bb", "a\u202eb", "\ud800", "x" * 201)
        ),
    ],
)
def test_what_is_not_understood_says_why(changes: dict[str, Any], reason: str) -> None:
    assert read(**changes).not_understood == reason


@pytest.mark.parametrize("key", [None, "", 5, "k" * 201, "k\x00", ["k"]])
def test_an_unusable_webhook_id_is_no_key(key: object) -> None:
    assert read(webhookId=key).key is None


@pytest.mark.parametrize(
    "changes",
    [
        {"startTime": None},
        {"startTime": ""},
        {"startTime": "tomorrow"},
        {"startTime": "2027-07-05T10:00:00"},
        {"endTime": None},
        {"calendarId": None},
        {"appointmentStatus": None},
        {"dateUpdated": ""},
        {"dateAdded": "yesterday"},
        {"title": ["Cut"]},
    ],
)
def test_a_booking_that_is_not_told_whole_is_not_told(changes: dict[str, Any]) -> None:
    """The worker reads the appointment then. A time without an offset is nobody's time."""
    assert told(**changes) is None


def test_a_payload_that_highlevel_cut_describes_nothing() -> None:
    event = read(payloadTooLarge=True)
    assert event.truncated
    assert event.booking() is None
    assert event.not_understood is None


def test_the_body_of_a_deletion_describes_nothing() -> None:
    """It has no deleted flag, and may be older than what was last seen: only reading tells."""
    assert read(type="AppointmentDelete").booking() is None
    assert read(type="AppointmentDelete").not_understood is None


def test_what_postgres_keeps_no_text_of_is_told_as_it_will_be_kept() -> None:
    """Otherwise what was kept would differ from what is told again, and look like a change each time."""
    booking = told(title="a\x00b\ud83d", contactId="c\x00")
    assert booking is not None
    assert (booking.title, booking.contact_id) == ("a\ufffdb?", "c\ufffd")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-07-01T10:00:00.5+02:00", datetime(2027, 7, 1, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2027-07-01T10:00:00", None),
        ("now", None),
        ("", None),
        (1_798_000_000, None),
        (None, None),
    ],
)
def test_when_it_was_said_is_known_only_with_an_offset(text: object, moment: datetime | None) -> None:
    assert read(timestamp=text).said_at == moment


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*BODY, "deleted", "payloadTooLarge"])
APPOINTMENT_NAMES = st.sampled_from([*TOLD, "deleted"])


@given(
    changes=st.dictionaries(NAMES, JSON, max_size=4), appointment=st.dictionaries(APPOINTMENT_NAMES, JSON, max_size=4)
)
def test_whatever_an_object_holds_is_read_without_an_error(
    changes: dict[str, Any], appointment: dict[str, Any]
) -> None:
    event = read_event(json.dumps({**BODY, "appointment": {**TOLD, **appointment}, **changes}).encode())
    for id_ in (event.key, event.app_id, event.location_id, event.appointment_id, event.contact_id):
        assert id_ is None or (id_.isprintable() and 0 < len(id_) <= 200)
    if event.not_understood is None:
        booking = event.booking()
        assert booking is None or (booking.id, booking.location_id) == (event.appointment_id, event.location_id)


@given(st.binary(max_size=30))
def test_whatever_bytes_come_they_are_an_event_or_refused(body: bytes) -> None:
    with contextlib.suppress(NotAnEvent):
        assert isinstance(read_event(body).body, dict)


def test_how_soon_it_starts_is_told_by_what_was_read_and_by_a_moment_as_by_a_webhook() -> None:
    starts = datetime(2027, 7, 5, 9, tzinfo=UTC)
    was_read = Appointment.model_validate({**TOLD, "locationId": "loc"}).model_dump_json(by_alias=True).encode()
    assert read().starts == read_reconciled(was_read).starts == starts
    body = {"key": "k", "location_id": "loc", "appointment_id": "a", "contact_id": None, "due": starts.isoformat()}
    assert read_moment(json.dumps({**body, "starts": starts.isoformat()}).encode()).starts == starts
    assert read_moment(json.dumps(body).encode()).starts is None
