"""Records of one kind, in memory."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from service.sandbox.complaints import complaints

RecordT = TypeVar("RecordT", bound=BaseModel)


class Table(Generic[RecordT]):
    """By whom they belong to (a location, a calendar, an appointment) and by their own id, oldest first."""

    def __init__(self, model: type[RecordT]) -> None:
        self._model = model
        self._of: dict[str, dict[str, RecordT]] = {}

    def find(self, owner: str, record_id: str) -> RecordT | None:
        return self._of.get(owner, {}).get(record_id)

    def of(self, owner: str) -> tuple[RecordT, ...]:
        return tuple(self._of.get(owner, {}).values())

    def put(self, owner: str, record_id: str, record: RecordT) -> None:
        """Add it, or put it in the place of what had its id."""
        self._of.setdefault(owner, {})[record_id] = record

    def remove(self, owner: str, record_id: str) -> None:
        self._of.get(owner, {}).pop(record_id, None)

    def __iter__(self) -> Iterator[RecordT]:
        for records in self._of.values():
            yield from records.values()

    def dump(self) -> dict[str, dict[str, Any]]:
        """As JSON values: owner, id, and what has been said of the record."""
        return {
            owner: {
                record_id: record.model_dump(mode="json", by_alias=True, exclude_unset=True)
                for record_id, record in records.items()
            }
            for owner, records in self._of.items()
        }

    def load(self, dumped: dict[str, dict[str, Any]]) -> None:
        """The inverse of `dump`. Raises ValueError, which names owner, id and field."""
        self._of = {
            owner: {record_id: self._read(f"{owner}.{record_id}", record) for record_id, record in records.items()}
            for owner, records in dumped.items()
        }

    def _read(self, place: str, record: Any) -> RecordT:
        try:
            return self._model.model_validate(record)
        except ValidationError as error:
            raise ValueError("; ".join(f"{place}.{words}" for words in complaints(error))) from error
