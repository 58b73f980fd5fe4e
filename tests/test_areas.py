"""Areas: whether a postcode is of an area, by how the entries of a file begin it."""

import pytest

from workers.areas import area_of

AREAS = {
    "north": ("LS", "DN14"),
    "coast": ("DN", "YO1"),
    "city": ("LS1", "LS 10"),
    "abroad": ("75", "100-01", "K1A"),
    "sector": ("BN1 4",),
    "house": ("HU12AB",),
}


@pytest.mark.parametrize(
    ("postcode", "area"),
    [
        ("LS6 2AB", "north"),
        ("ls6 2ab", "north"),
        (" LS62AB ", "north"),
        ("L1 4AB", None),
        ("LSX 4AB", None),
        ("DN14 5AA", "north"),
        ("DN145AA", "north"),
        ("DN1 4AA", "coast"),
        ("DN140 5AA", "coast"),
        ("YO1 9TT", "coast"),
        ("YO19 5LN", None),
        ("LS1 4AB", "city"),
        ("LS10 1AB", "city"),
        ("LS11 1AB", "north"),
        ("LS1A 4AB", "city"),
        ("BN1 4AA", "sector"),
        ("BN14AA", "sector"),
        ("BN1 5AA", None),
        ("BN14 4AA", None),
        ("HU1 2AB", "house"),
        ("HU1 2AC", None),
        ("75011", "abroad"),
        ("7", None),
        ("10001", "abroad"),
        ("100-01", "abroad"),
        ("10002", None),
        ("K1A 0B1", "abroad"),
        ("K1B 0B1", None),
        ("K1A0B1", "abroad"),
        ("K1B0B1", None),
        ("LS1", "city"),
        ("LS6", "north"),
        ("LS10", "city"),
        ("LS", "north"),
        ("DN14", "north"),
        ("DN1", "coast"),
        ("BN1", None),
        ("BN14", None),
        ("1AB", None),
        ("", None),
        ("  ", None),
    ],
)
def test_a_postcode_is_of_the_area_whose_longest_entry_begins_it(postcode: str, area: str | None) -> None:
    assert area_of(postcode, AREAS) == area


def test_of_two_entries_as_long_the_first_area_counts() -> None:
    assert area_of("LS1 4AB", {"one": ("LS1",), "two": ("LS1",)}) == "one"
    assert area_of("LS1 4AB", {"two": ("LS",), "one": ("LS 1",)}) == "one", "blanks do not make it longer"


def test_without_areas_there_is_none() -> None:
    assert area_of("LS1 4AB", {}) is None
