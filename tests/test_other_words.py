"""What an author meant who wrote another word."""

import pytest

from workers.filters import FILTERS
from workers.known_facts import KNOWN
from workers.other_words import nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("strats", KNOWN, "starts"),
        ("tiem", FILTERS, "time"),
        ("asignee", KNOWN, "assignee"),
        ("tag", ("add_note", "tag_contact", "assign"), "tag_contact"),
        ("move", ("assign", "reschedule"), "reschedule"),
        ("xyzzy", KNOWN, None),
    ],
)
def test_swapped_letters_parts_and_words_of_other_tools_are_understood(
    word: str, known: tuple[str, ...], meant: str | None
) -> None:
    assert nearest(word, known) == meant
