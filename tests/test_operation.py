"""Operations as values: where fields go, which ids are refused, what is kept of them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from service.highlevel import operations
from service.highlevel.appointments import DeleteEvent
from service.highlevel.calendars import GetCalendar
from service.highlevel.contacts import SearchContacts
from service.highlevel.free_slots import FreeSlots
from service.highlevel.notes import CreateNote
from service.highlevel.operation import WORDS, Moment, Operation, is_id
from service.highlevel.schedules import GetSchedule


@pytest.mark.parametrize("event_id", ["a b", "a?b", "a#b", "50%", "ä", "…", "a&b=c", "..."])
def test_an_id_is_escaped(event_id: str) -> None:
    path = DeleteEvent(event_id=event_id).wire().path
    assert path.startswith("/calendars/events/")
    assert set(path.removeprefix("/calendars/events/")) <= set("abc%.0123456789ABCDEF")


@pytest.mark.parametrize("event_id", ["", ".", "..", "a/b", "a\\b", "a%2fb", "a%5Cb", "a\nb", "\0", "/", "../notes"])
def test_an_id_that_would_change_the_path_is_refused(event_id: str) -> None:
    with pytest.raises(ValidationError, match=r"event_id is .* which would change the path"):
        DeleteEvent(event_id=event_id)


def test_an_id_that_is_a_word_of_another_path_is_refused() -> None:
    assert set(operations.__all__) > {"calendars", "schedules"}
    for word in ("events", "groups", "schedules", "resources"):
        with pytest.raises(ValidationError, match="which would change the path"):
            GetCalendar(calendar_id=word)
    with pytest.raises(ValidationError, match="which would change the path"):
        GetSchedule(schedule_id="search")


@pytest.mark.parametrize("value", ["Events", "EVENTS", "Free-Slots", "\ud83d", "a\udc80b"])
def test_a_word_in_capitals_and_half_a_character_are_no_id(value: str) -> None:
    assert not is_id(value)
    with pytest.raises(ValidationError):
        GetCalendar(calendar_id=value)


def test_what_highlevel_calls_its_things_by_are_ids() -> None:
    assert all(map(is_id, ("BqTwX8QFwXzpegMve9EQ", "e1_1729821600000_1800", "eventsRoom", "\U0001f600")))


OFFSETS = ("Z", "+01:00", "-05:30")
MOMENT = TypeAdapter(Moment)


@pytest.mark.parametrize("clock", ["18:00", "18:00:00", "18:00:00.5", "18:00:00.123", "18:00:00.123456"])
def test_a_time_keeps_its_own_words(clock: str) -> None:
    for offset in OFFSETS:
        assert MOMENT.validate_python(f"2026-03-26T{clock}{offset}") == f"2026-03-26T{clock}{offset}"


@pytest.mark.parametrize(
    "text",
    [
        "2026-W13-4T18:00+01:00",
        "20260326T180000Z",
        "2026-03-26T18:00:00,5Z",
        "2026-03-26T18Z",
        "2026-03-26T18:00:00+0100",
        "2026-03-26T18:00:00+01",
        "2026-03-26T18:00:00+01:00:30",
        "2026-03-26 18:00:00Z",
        "2026-03-26t18:00:00z",
        "2026-03-26T18:00:00",
        "2026-03-26",
        "2026-03-26T18:00:00Z\n",
        "٢٠٢٦-03-26T18:00:00Z",
    ],
)
def test_a_time_that_highlevel_would_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"written as 2026-03-26T18:00:00\+01:00 is, and needs its offset"):
        MOMENT.validate_python(text)


def test_a_time_that_no_clock_shows_is_refused() -> None:
    for text in ("2026-02-30T18:00:00Z", "2026-03-26T25:00:00Z"):
        with pytest.raises(ValidationError):
            MOMENT.validate_python(text)


def test_a_refusal_quotes_nothing_but_the_id() -> None:
    with pytest.raises(ValidationError) as refused:
        CreateNote(appointment_id="a/b", body="what Ada told us")
    assert "Ada" not in str(refused.value)


def test_no_word_of_a_path_is_an_id_wherever_it_is_asked() -> None:
    paths = (path.split("/") for _, path in Operation.known)
    assert {word for words in paths for word in words if word and not word.startswith("{")} == WORDS


def test_a_list_in_the_query_repeats_its_name() -> None:
    free = FreeSlots(calendar_id="one", start_date=0, end_date=1, timezone="Europe/London", user_ids=("a", "b c"))
    assert free.wire().target == (
        "/calendars/one/free-slots?startDate=0&endDate=1&timezone=Europe%2FLondon&userIds=a&userIds=b+c"
    )


def test_every_operation_is_known_by_its_own_name() -> None:
    names = [known.__name__ for known in Operation.known.values()]
    assert len(names) == len(set(names))
    assert all(known.reply_type() for known in Operation.known.values())


def test_a_post_may_be_a_read() -> None:
    assert not SearchContacts.changes
    assert CreateNote.changes
