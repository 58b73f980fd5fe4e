"""Operations as values: where fields go, which ids are refused, what is kept of them."""

import pytest
from pydantic import ValidationError

from service.highlevel import operations
from service.highlevel.appointments import DeleteEvent
from service.highlevel.calendars import GetCalendar
from service.highlevel.contacts import SearchContacts
from service.highlevel.free_slots import FreeSlots
from service.highlevel.notes import CreateNote
from service.highlevel.operation import Operation
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


def test_a_refusal_quotes_nothing_but_the_id() -> None:
    with pytest.raises(ValidationError) as refused:
        CreateNote(appointment_id="a/b", body="what Ada told us")
    assert "Ada" not in str(refused.value)


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
