"""Our operations beside both published specifications, and the walk itself on one made up here."""

from typing import Any, Literal

import pytest
from pydantic import AwareDatetime, Field

from service.highlevel import operations
from service.highlevel.operation import Operation, Part
from service.highlevel.reply import Reply
from tests.deviations import FILES, PAGE, UNTOLD, Difference, rows, whole_numbers, written
from tests.shapes import ABSENT, gaps
from tests.specification import Calls, asked, declared, document, everything, known, opened, published, stale, walk


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def differences() -> set[Difference]:
    return everything()


def test_both_files_are_read_to_the_end() -> None:
    assert {file: len(published(document(file))) for file in FILES} == {"2021-04-15": 41, "v3": 59}


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_of_the_version_it_is_called_by(file: str) -> None:
    calls = [call for methods in document(file)["paths"].values() for call in methods.values()]
    headers = [each["schema"]["enum"] for call in calls for each in call["parameters"] if each["name"] == "Version"]
    assert headers == [[file]] * len(calls)


def test_every_file_that_declares_operations_is_among_those_that_bring_them_all() -> None:
    assert known()
    declaring = {operation.__module__ for operation in Operation.known.values()}
    here = {name for name in declaring if name.startswith("service.highlevel.")}
    assert here <= {f"service.highlevel.{name}" for name in operations.__all__}


def test_a_request_is_read_by_the_names_it_is_written_with() -> None:
    """As the sandbox does, and as one that was stored is sent again."""
    found = {
        (operation.__name__, place)
        for operation in known()
        for place, *said in gaps("", asked(operation, "serialization"), asked(operation, "validation"), asked=True)
        if ABSENT in said
    }
    assert found == set()


def test_every_difference_from_the_specifications_is_listed(differences: set[Difference], page: str) -> None:
    left = opened(differences, page)
    assert not left, "\n".join([f"change the declaration, or add to {PAGE.name} with the reason:", *written(left)])


def test_no_listed_deviation_outlives_its_difference(differences: set[Difference], page: str) -> None:
    assert stale(differences, page) == []


def test_every_listed_deviation_has_its_reason_and_is_listed_once(page: str) -> None:
    listed = rows(page)
    assert [row.line for row in listed if row.reason == UNTOLD or len(row.reason.split()) < 3] == []
    each = [difference for row in listed for difference in row.differences]
    assert sorted(difference for difference in set(each) if each.count(difference) > 1) == []
    assert len(whole_numbers(page)) == len(set(whole_numbers(page)))


def test_the_status_of_a_changed_appointment_is_never_left_to_highlevel(page: str) -> None:
    place = "body.appointmentStatus required"
    required = {Difference(file, "EditAppointment", place, "optional", "required") for file in FILES}
    assert required <= {difference for row in rows(page) for difference in row.differences}


class Made(Reply):
    id: str
    at: AwareDatetime


class MadeMany(Reply):
    array = "made"

    made: tuple[Made, ...]


class Shelf(Part):
    label: str = Field(validation_alias="lable", serialization_alias="lable")


@pytest.fixture(autouse=True)
def nothing_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operation, "known", dict(Operation.known))


def ours(version: str = "") -> Calls:
    class MakeThing(
        Operation[Made],
        method="POST",
        path="/calendars/{calendar_id}/things",
        query=frozenset({"quiet"}),
        success=201,
        version=version,
    ):
        calendar_id: str
        quiet: bool | None = None
        kind: Literal["hat", "coat"]
        shelves: tuple[Shelf, ...] | None = Field(None, max_length=4)

    return declared([MakeThing])


def ours_of_many() -> Calls:
    class MakeThing(
        Operation[MadeMany], method="POST", path="/calendars/{calendar_id}/things", success=201, whole_body="shelves"
    ):
        calendar_id: str
        shelves: tuple[Shelf, ...]

    return declared([MakeThing])


TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
SHELVES = {"type": "array", "items": {"$ref": "#/components/schemas/ShelfDTO"}}
REPLY = {"type": "object", "properties": {"id": TEXT, "at": TEXT}, "required": ["id", "at"]}
KIND = {"type": "string", "enum": ["coat", "hat"]}
BODY = {"type": "object", "properties": {"kind": KIND, "shelves": {**SHELVES, "maxItems": 4}}, "required": ["kind"]}


def theirs(
    *,
    method: str = "post",
    path: str = "/calendars/{calendarId}/things",
    told: tuple[str, ...] = ("path calendarId", "query quiet"),
    body: dict[str, Any] | None = BODY,
    shelf: str = "lable",
    reply: dict[str, Any] = REPLY,
    success: str = "201",
) -> Calls:
    """One call; as it stands it is the one that we declare."""

    def content(schema: dict[str, Any]) -> dict[str, Any]:
        return {"required": True, "content": {"application/json": {"schema": schema}}}

    parameters = [
        {"in": place, "name": name, "required": place == "path", "schema": FLAG if name == "quiet" else TEXT}
        for place, name in map(str.split, ("header Version", *told))
    ]
    call = {"parameters": parameters, "responses": {success: content(reply), "400": {}}}
    if body:
        call["requestBody"] = content(body)
    schemas = {"ShelfDTO": {"type": "object", "properties": {shelf: TEXT}, "required": [shelf]}}
    return published({"paths": {path: {method: call}}, "components": {"schemas": schemas}})


def between(their: Calls, our: Calls) -> set[tuple[str, ...]]:
    return {(each.place, each.specification, each.ours) for each in walk({"v3": their}, our)}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, set()),
        (
            {"path": "/calendars/{id}/things", "told": ("path id", "query quiet")},
            {("path.id names", "id", "calendarId")},
        ),
        ({"told": ("query quiet",)}, {("path.calendarId", "not there", "required string")}),
        ({"told": ("path calendarId",)}, {("query.quiet", "not there", "boolean")}),
        ({"told": ("path calendarId", "query quiet", "query of")}, {("query.of", "string", "not there")}),
        ({"body": None}, {("body", "not there", "object")}),
        ({"body": {**BODY, "required": []}}, {("body.kind required", "optional", "required")}),
        (
            {"shelf": "label"},
            {
                ("body:ShelfDTO.label", "required string", "not there"),
                ("body:ShelfDTO.lable", "not there", "required string"),
            },
        ),
        ({"success": "200"}, {("success", "200", "201")}),
        ({"reply": {**REPLY, "required": ["id"]}}, {("reply.at required", "optional", "required")}),
        ({"reply": {"type": "array", "items": REPLY}}, {("reply type", "array of object", "object")}),
    ],
)
def test_what_a_file_says_otherwise_is_found(changed: dict[str, Any], found: set[tuple[str, ...]]) -> None:
    assert between(theirs(**changed), ours()) == found


def test_two_places_of_a_path_that_are_swapped_are_found() -> None:
    class MakeOf(Operation[Made], method="POST", path="/calendars/{thing_id}/of/{calendar_id}", success=201):
        thing_id: str
        calendar_id: str

    path = "/calendars/{calendarId}/of/{thingId}"
    their = theirs(path=path, told=("path calendarId", "path thingId"), body={"type": "object"})
    assert between(their, declared([MakeOf])) == {
        ("path.calendarId names", "calendarId", "thingId"),
        ("path.thingId names", "thingId", "calendarId"),
    }


def test_an_operation_that_only_one_side_has_is_found() -> None:
    get = "GET /calendars/{calendarId}/things"
    found = {("operation", get, "not there"), ("operation", "not there", "MakeThing")}
    assert between(theirs(method="get"), ours()) == found


def test_bodies_and_answers_that_are_arrays_are_looked_into() -> None:
    of_many: dict[str, Any] = {
        "told": ("path calendarId",),
        "body": SHELVES,
        "reply": {"type": "array", "items": REPLY},
    }
    assert between(theirs(**of_many), ours_of_many()) == set()
    assert between(theirs(**of_many, shelf="label"), ours_of_many()) == {
        ("body:ShelfDTO.label", "required string", "not there"),
        ("body:ShelfDTO.lable", "not there", "required string"),
    }
    of_many["reply"] = {"type": "array", "items": {**REPLY, "required": []}}
    assert between(theirs(**of_many), ours_of_many()) == {
        ("reply[].id required", "optional", "required"),
        ("reply[].at required", "optional", "required"),
    }


@pytest.mark.parametrize(("version", "only_new", "gap"), [
    ("", False, None),
    ("v3", True, None),
    ("v3", False, ("not there", "v3")),
    ("", True, ("v3", "not there")),
])  # fmt: skip
def test_an_operation_asks_for_the_oldest_version_that_has_it(
    version: str, only_new: bool, gap: tuple[str, str] | None
) -> None:
    files = {"2021-04-15": {} if only_new else theirs(), "v3": theirs()}
    wanted = {Difference(file, "MakeThing", "version", *gap) for file in FILES if gap and files[file]}
    assert walk(files, ours(version)) == wanted


def test_two_classes_for_the_same_call_are_refused() -> None:
    class Make(Operation[Made], method="POST", path="/calendars/{first}/things"):
        first: str

    class MakeAgain(Operation[Made], method="POST", path="/calendars/{second}/things"):
        second: str

    with pytest.raises(ValueError, match="Make and MakeAgain"):
        declared([Make, MakeAgain])
