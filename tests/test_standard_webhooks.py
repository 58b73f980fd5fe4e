"""Standard Webhooks: what proves a request, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest

from service.standard_webhooks import NotProved, new_secret, read_secret, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The published example."""

KEY = read_secret(SECRET)
WINDOW = timedelta(minutes=5)


def refusal(headers: dict[str, str], *, body: bytes = BODY, now: datetime = AT, key: bytes = KEY) -> str | None:
    try:
        verify([key], headers, body, now=now, window=WINDOW)
    except NotProved as error:
        return str(error)
    return None


def test_the_published_example_is_signed_and_proved() -> None:
    assert sign(KEY, HEADERS["webhook-id"], AT, BODY) == HEADERS
    assert verify([KEY], HEADERS, BODY, now=AT, window=WINDOW).id == HEADERS["webhook-id"]


def test_while_a_secret_is_changed_either_may_have_signed() -> None:
    new = read_secret(new_secret())
    both = (
        HEADERS["webhook-signature"]
        + " v1a,AAAA "
        + sign(new, "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY)["webhook-signature"]
    )
    assert verify([new, KEY], HEADERS, BODY, now=AT, window=WINDOW)
    assert verify([new], {**HEADERS, "webhook-signature": both}, BODY, now=AT, window=WINDOW)


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"webhook-id": "msg_other"}, "webhook-signature"),
        ({"webhook-id": ""}, "webhook-id"),
        ({"webhook-id": "a.b"}, "webhook-id"),
        ({"webhook-id": "x" * 201}, "webhook-id"),
        ({"webhook-timestamp": "1614265331"}, "webhook-signature"),
        ({"webhook-timestamp": "now"}, "webhook-timestamp"),
        ({"webhook-timestamp": "٣"}, "webhook-timestamp"),
        ({"webhook-timestamp": ""}, "webhook-timestamp"),
        ({"webhook-signature": ""}, "webhook-signature"),
        ({"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "webhook-signature"),
        ({"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "webhook-signature"),
        ({"webhook-signature": "v1,ö"}, "webhook-signature"),
    ],
)
def test_what_is_not_signed_so_is_refused_and_says_which_header(changed: dict[str, str], because: str) -> None:
    assert refusal(HEADERS) is None
    told = refusal({**HEADERS, **changed})
    assert told is not None
    assert told.startswith(because)


def test_only_so_many_signatures_are_looked_at() -> None:
    good = HEADERS["webhook-signature"]
    assert refusal({**HEADERS, "webhook-signature": "v1,AAAA " * 7 + good}) is None
    assert refusal({**HEADERS, "webhook-signature": "v1,AAAA " * 8 + good}) is not None


def test_another_body_or_another_secret_proves_nothing() -> None:
    assert refusal(HEADERS, body=BODY + b" ") is not None
    assert refusal(HEADERS, key=read_secret(new_secret())) is not None


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_was_signed_long_ago_or_lies_ahead_may_be_a_replay(seconds: int) -> None:
    told = refusal(HEADERS, now=AT + timedelta(seconds=seconds))
    assert told is not None
    assert "sign each attempt anew" in told
    assert refusal(HEADERS, now=AT + timedelta(seconds=seconds * 299 / 301)) is None


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_short", "whsec_" + "A" * 20, "whsec_" + "AAAA" * 30, "whsec_é"])
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="a secret") as caught:
        read_secret(text)
    assert text.removeprefix("whsec_")[:8] == "" or text not in str(caught.value)
