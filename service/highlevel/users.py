"""Users: the people of an account, to whom appointments and contacts are assigned."""

from pydantic import Field

from service.highlevel.operation import Operation
from service.highlevel.reply import Reply

VERSION = "2021-07-28"


class UserRoles(Reply):
    """`type` such as account or agency, `role` such as admin."""

    type: str | None = None
    role: str | None = None
    location_ids: tuple[str, ...] = ()
    restrict_sub_account: bool | None = None


class User(Reply):
    id: str
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    extension: str | None = None
    roles: UserRoles | None = None
    deleted: bool = False
    platform_language: str | None = None


class UsersReply(Reply):
    """`count` is of all that were found, and only in the answer to a search."""

    users: tuple[User, ...]
    count: int | None = None


class ListUsers(Operation[UsersReply], method="GET", path="/users/", version=VERSION):
    """Every user of a location.

    HighLevel calls it deprecated and its v3 lacks it; the successor, SearchUsers, wants the company's id
    (`GetLocation` tells it).
    """

    location_id: str


class SearchUsers(Operation[UsersReply], method="GET", path="/users/search", version=VERSION):
    """One page of a company's users, or of one of its locations; 25 where no `limit` is said.

    `text` is looked for in name, mail address and phone number; `ids` are separated by commas. Without `sort` they come
    by name.
    """

    company_id: str
    location_id: str | None = None
    text: str | None = Field(default=None, validation_alias="query", serialization_alias="query")
    skip: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1)
    type: str | None = None
    role: str | None = None
    ids: str | None = None
    sort: str | None = None
    sort_direction: str | None = None
    enabled_two_way_sync: bool | None = Field(
        default=None, validation_alias="enabled2waySync", serialization_alias="enabled2waySync"
    )
