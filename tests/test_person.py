"""Persons: an address or a number found however it is written, and whose JSON says that it is."""

from typing import Any

import pytest

from service.store.person import NotAPerson, Person

PHONES = ("+447700900813", "+44 (0)7700 900-813", "0044 7700 900 813", "447700900813", "07700 900813", "07700.900813")


@pytest.mark.parametrize("asked", ["+44 7700 900813", "07700 900813", "0044-7700-900813"])
@pytest.mark.parametrize("written", PHONES)
def test_a_number_is_the_same_however_it_is_written(asked: str, written: str) -> None:
    person = Person.of("phone", asked)
    assert person.mentioned_in({"notes": f"call {written} or 2027-07-05"}) or (asked, written) == (
        "07700 900813",
        "447700900813",
    ), "without a sign of it nobody can tell a country's number"
    assert not person.mentioned_in(f"{written}4", "+447700900814")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": "Ada\\u0040Example.com"}', True),
        ("https://x.example/?e=ada%40example.com&n=1", True),
        ("write to ADA@EXAMPLE.COM.", True),
        ("xada@example.com", False),
        ("ada@example.com.au", False),
        ("ada@example.community", False),
        (b"\xff ada@example.com", True),
    ],
)
def test_an_address_is_found_whole_or_not_at_all(text: Any, said: bool) -> None:
    assert Person.of("email", "ada@example.com").mentioned_in(text) is said


def test_whose_an_address_is_json_says() -> None:
    person = Person.of("email", "ada@example.com")
    mine = {"email": "Ada@example.com"}
    assert person.owners("cRow", mine) == {"cRow"}
    assert person.owners("cRow", {"contact": {"id": "cAda", **mine}}) == {"cAda"}
    assert person.owners("cRow", {"contacts": [{"id": "cAda", **mine}, {"id": "cBob", "email": "b@example.com"}]}) == {
        "cAda"
    }
    assert person.owners(None, {"contact_id": "cAda", "customData": {"E-Mail": "ada@example.com"}}) == {"cAda"}
    assert person.owners("cRow", {"notes": "ada@example.com"}) == frozenset()


def test_who_is_asked_for_is_not_written_down_by_chance() -> None:
    with pytest.raises(NotAPerson) as refused:
        Person.of("phone", "1234")
    assert "1234" not in str(refused.value)
    assert "example" not in repr(Person.of("email", "ada@example.com"))
