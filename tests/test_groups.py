"""Groups: each call as it goes out, and the answers as they are read."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.groups import (
    CreateGroup,
    DeleteGroup,
    EditGroup,
    EditGroupStatus,
    GroupReply,
    GroupsReply,
    ListGroups,
    ValidateGroupSlug,
)
from service.highlevel.operation import Operation

GROUP = {"locationId": "place", "name": "Evenings", "description": "After six", "slug": "evenings"}

CALLS: list[tuple[Operation[Any], str, str, Any]] = [
    (ListGroups(location_id="place"), "GET", "/calendars/groups?locationId=place", None),
    (
        CreateGroup(location_id="place", name="Evenings", description="After six", slug="evenings"),
        "POST",
        "/calendars/groups",
        GROUP,
    ),
    (
        CreateGroup(location_id="place", name="Evenings", description="", slug="evenings", is_active=False),
        "POST",
        "/calendars/groups",
        GROUP | {"description": "", "isActive": False},
    ),
    (
        ValidateGroupSlug(location_id="place", slug="evenings"),
        "POST",
        "/calendars/groups/validate-slug",
        {"locationId": "place", "slug": "evenings"},
    ),
    (
        EditGroup(group_id="one", name="Nights", description="", slug="nights"),
        "PUT",
        "/calendars/groups/one",
        {"name": "Nights", "description": "", "slug": "nights"},
    ),
    (DeleteGroup(group_id="one"), "DELETE", "/calendars/groups/one", None),
    (EditGroupStatus(group_id="one", is_active=False), "PUT", "/calendars/groups/one/status", {"isActive": False}),
]


@pytest.mark.parametrize(("call", "method", "target", "body"), CALLS, ids=[type(call[0]).__name__ for call in CALLS])
def test_a_group_call_goes_out_as_published(call: Operation[Any], method: str, target: str, body: Any) -> None:
    wire = call.wire()
    assert (wire.method, wire.target, wire.body) == (method, target, body)
    assert call.version == ""
    assert Operation.restored(call.stored()) == call


def test_only_a_new_group_is_answered_with_201() -> None:
    assert [type(call[0]).__name__ for call in CALLS if call[0].success == 201] == ["CreateGroup", "CreateGroup"]


def test_an_edit_of_a_group_that_leaves_out_a_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="slug"):
        EditGroup.model_validate({"group_id": "one", "name": "Nights", "description": ""})


def test_a_field_that_groups_do_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        EditGroup.model_validate(
            {"group_id": "one", "name": "Nights", "description": "", "slug": "nights", "is_active": True}
        )


def test_groups_are_read_with_what_nobody_told_us_of() -> None:
    answer = {"groups": [GROUP | {"id": "one", "isActive": True, "colour": "red"}], "traceId": "trace"}
    (group,) = GroupsReply.read(answer).groups
    assert (group.id, group.location_id, group.is_active) == ("one", "place", True)
    assert group.model_extra == {"colour": "red"}


def test_a_group_without_description_and_status_is_read() -> None:
    group = GroupReply.read({"group": {"locationId": "place", "name": "Evenings", "slug": "evenings"}}).group
    assert (group.id, group.description, group.is_active) == (None, None, None)


def test_the_other_answers_about_groups_say_yes_or_no() -> None:
    assert not ValidateGroupSlug(location_id="place", slug="taken").read_reply(b'{"available": false}').available
    assert not DeleteGroup(group_id="one").read_reply(b'{"success": false}').success
    assert EditGroupStatus(group_id="one", is_active=True).read_reply(b'{"success": "true"}').success
