"""A post that has been decided, as a value: what a step stores, and what it sends."""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from service.outgoing.addresses import target


class Posting(BaseModel):
    """`url` is where to, `body` the texts that are sent as one JSON object."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    body: Mapping[str, str]

    @property
    def content(self) -> bytes:
        """The bytes that are signed and sent: the same at every try, though Postgres keeps no order of names."""
        return json.dumps(dict(self.body), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def host(self) -> str:
        """Where it goes, without what stands in the path or query: there are addresses that are secrets themselves."""
        return target(self.url).host

    def shown(self) -> dict[str, Any]:
        """As the record of calls keeps it."""
        return {"method": "POST", "host": self.host, "body": dict(self.body)}

    def stored(self) -> dict[str, Any]:
        """As kept in a step, beside HighLevel's operations."""
        return {"operation": POSTING, "fields": self.model_dump(mode="json")}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `stored`."""
        return cls.model_validate(stored["fields"])


POSTING: Final = Posting.__name__
"""What a stored operation is called that is a Posting and none of HighLevel's."""


def is_posting(stored: Mapping[str, Any]) -> bool:
    return bool(stored["operation"] == POSTING)
