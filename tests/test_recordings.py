"""Every recorded answer, and every example of the specifications, read by the types that it is meant for."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.answer import Answer, refusal
from service.highlevel.errors import NotFound, RateLimited, Refused, TokenRefused
from tests.deviations import FILES
from tests.recordings import Recording, examples, lost, operations, recorded, times

ANSWERS = [*recorded(), *(each for file in FILES for each in examples(file))]
GOOD = [each for each in ANSWERS if each.status < 300]
BAD = [each for each in ANSWERS if each.status >= 300]
OFFSET = re.compile(r"(T\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]\d\d:\d\d)")
FREE_SLOTS = ("GET", "/calendars/{}/free-slots")


def named(answers: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("answer", answers, ids=[answer.name for answer in answers])


@named([answer for answer in GOOD if answer.key != FREE_SLOTS])
def test_an_answer_is_read_whole_by_its_operation(answer: Recording) -> None:
    reply = operations()[answer.key].reply_type()
    read = reply.read_json(json.dumps(answer.body).encode())
    body = {reply.array: answer.body} if reply.array else answer.body
    assert list(lost("reply", body, read)) == []


@named([answer for answer in GOOD if answer.key == FREE_SLOTS])
def test_every_offered_slot_is_read_with_its_own_words(answer: Recording) -> None:
    read: Any = operations()[answer.key].reply_type().read(answer.body)
    assert {day: list(slots) for day, slots in read.days.items()} == {
        day: offered["slots"] for day, offered in answer.body.items() if day != "traceId"
    }


def test_each_time_without_its_offset_is_refused() -> None:
    told = [(answer.body, operations()[answer.key].reply_type()) for answer in GOOD]
    timed = [(body, reply, len(list(times(reply.read(body))))) for body, reply in told]
    assert sum(bool(number) for *_, number in timed) > 30
    for body, reply, number in timed:
        if number:
            with pytest.raises(ValidationError) as refused:
                reply.read(json.loads(OFFSET.sub(r"\1", json.dumps(body))))
            assert [error["type"] for error in refused.value.errors()] == ["timezone_aware"] * number


@named(BAD)
def test_a_refusal_becomes_its_error_in_highlevels_words(answer: Recording) -> None:
    error = refusal("CreateNote", Answer(answer.status, None, None, json.dumps(answer.body).encode()))
    assert type(error) is {401: TokenRefused, 404: NotFound, 429: RateLimited}.get(answer.status, Refused)
    said = answer.body["message"]
    assert error.message == ("; ".join(said) if isinstance(said, list) else said)
    assert (error.status, error.trace_id) == (answer.status, answer.body.get("traceId"))


@pytest.mark.parametrize("wrapper", ["event", "appointment"])
def test_an_appointment_is_read_from_either_wrapper(wrapper: str) -> None:
    [answer] = [answer for answer in recorded() if answer.name == "get appointment"]
    appointment = answer.body["appointment"]
    read: Any = operations()[answer.key].reply_type().read({wrapper: appointment, "traceId": "t"})
    assert list(lost("appointment", appointment, read.appointment)) == []
