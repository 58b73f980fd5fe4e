"""Records as the API shows them: what has been said of them, by the wire's names."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from service.sandbox.world.moments import stamp_text


def shown(record: BaseModel, **more: Any) -> dict[str, Any]:
    """JSON values, without what was never said; `more` are further keys, or other values, by the wire's names."""
    said = record.model_dump(by_alias=True, exclude_unset=True)
    return {name: _plain(value) for name, value in said.items()} | more


def said(operation: BaseModel, *but: str) -> dict[str, Any]:
    """What an operation says, by the wire's names; without the fields named, by Python's."""
    return operation.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(but))


def filled(operation: BaseModel, *but: str) -> dict[str, Any]:
    """As `said`, for records that cannot be without a value: null counts as not said."""
    return operation.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude=set(but))


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return stamp_text(value)
        case date():
            return value.isoformat()
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value
