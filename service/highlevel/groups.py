"""Calendar groups: several calendars under one address."""

from service.highlevel.operation import Operation
from service.highlevel.reply import Done, Reply


class Group(Reply):
    id: str | None = None
    location_id: str
    name: str
    description: str | None = None
    slug: str
    is_active: bool | None = None


class GroupReply(Reply):
    group: Group


class GroupsReply(Reply):
    groups: tuple[Group, ...]


class GroupDone(Done):
    """The answer to deleting a group and to switching it on or off."""

    success: bool = True


class SlugReply(Reply):
    available: bool


class ListGroups(Operation[GroupsReply], method="GET", path="/calendars/groups"):
    """Every group of a location; there are no pages."""

    location_id: str


class CreateGroup(Operation[GroupReply], method="POST", path="/calendars/groups", success=201):
    location_id: str
    name: str
    description: str
    slug: str
    is_active: bool | None = None


class ValidateGroupSlug(Operation[SlugReply], method="POST", path="/calendars/groups/validate-slug", changes=False):
    """Ask whether a slug is still free. A POST that changes nothing."""

    location_id: str
    slug: str


class EditGroup(Operation[GroupReply], method="PUT", path="/calendars/groups/{group_id}"):
    """Change a group: all three texts are wanted, also those that stay. Its status has a call of its own."""

    group_id: str
    name: str
    description: str
    slug: str


class DeleteGroup(Operation[GroupDone], method="DELETE", path="/calendars/groups/{group_id}"):
    group_id: str


class EditGroupStatus(Operation[GroupDone], method="PUT", path="/calendars/groups/{group_id}/status"):
    """Switch a group off, or on again."""

    group_id: str
    is_active: bool
