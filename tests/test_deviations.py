"""The table of deviations as it is read and written."""

from itertools import product

import pytest

from tests.deviations import Difference, rows, whole_numbers, written
from tests.specification import opened, stale

HEAD = "| file | operation | place | specification | ours | reason |\n| --- | --- | --- | --- | --- | --- |\n"
NOTES = "both | CreateNote, EditNote | `body.{body, userId} maxLength` | 5000 | not there | a reason of three words"


def differences(files: str, operations: str, names: str) -> set[Difference]:
    places = product(files.split(), operations.split(), names.split())
    return {Difference(file, of, f"body.{name} maxLength", "5000", "not there") for file, of, name in places}


def test_a_row_stands_for_each_file_each_operation_and_each_name() -> None:
    [row] = rows(f"# Title\n\n{HEAD}| {NOTES} |\n\n| other | table |\n| --- | --- |\n| a | b |\n")
    assert row.differences == differences("2021-04-15 v3", "CreateNote EditNote", "body userId")
    assert row.reason == "a reason of three words"


def test_every_table_of_the_page_is_read() -> None:
    assert len(rows(f"{HEAD}| {NOTES} |\n| {NOTES} |\n\n## More\n\n{HEAD}| {NOTES} |\n")) == 3


@pytest.mark.parametrize(
    ("files", "operations", "names"),
    [
        ("2021-04-15 v3", "CreateNote EditNote", "body userId"),
        ("v3", "CreateNote", "body"),
        ("2021-04-15", "EditNote CreateNote", "userId"),
    ],
)
def test_what_is_written_is_one_row_and_reads_the_same(files: str, operations: str, names: str) -> None:
    found = differences(files, operations, names)
    [row] = rows(HEAD + "\n".join(written(found)))
    assert row.differences == found


def test_differences_that_are_no_full_rectangle_are_several_rows() -> None:
    found = differences("v3 2021-04-15", "CreateNote", "body") | differences("v3", "CreateNote EditNote", "userId")
    assert {each for row in rows(HEAD + "\n".join(written(found))) for each in row.differences} == found


@pytest.mark.parametrize("said", [r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", "^[A-Za-z_]+/[A-Za-z_]+$", r"\d{4}-\d{2}"])
def test_patterns_survive_the_table(said: str) -> None:
    difference = Difference("v3", "CreateSchedule", "body:RuleDTO.from pattern", said, "not there")
    [row] = rows(HEAD + "\n".join(written([difference])))
    assert row.differences == {difference}


def test_a_difference_is_open_until_a_row_stands_for_it_and_a_row_is_stale_after_it() -> None:
    found = differences("2021-04-15 v3", "CreateNote EditNote", "body userId")
    page = f"{HEAD}| {NOTES} |\n"
    assert (opened(found, page), stale(found, page)) == (set(), [])
    assert opened(found, "") == found
    gone = next(iter(found))
    assert stale(found - {gone}, page) == [f"| {NOTES} |"]
    assert opened({*found, Difference("v3", "X", "success", "200", "201")}, page) != set()


def test_whole_numbers_are_told_by_name() -> None:
    page = "Whole numbers: `limit`,\n`skip`.\n"
    limit = {
        Difference("v3", "List", place, "number", "integer") for place in ("query.limit type", "reply:X.limit[] type")
    }
    assert whole_numbers(page) == ["limit", "skip"]
    assert opened(limit, page) == set()
    assert stale(limit, page) == ["skip"]
    other = Difference("v3", "List", "query.offset type", "number", "integer")
    text = Difference("v3", "List", "query.limit type", "number", "string")
    assert opened({other, text}, page) == {other, text}
