"""Searching contacts: filters, words, order and pages, over contacts as they are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import Any

from service.highlevel.contacts import Contact, ContactFilter, ContactFilterGroup, ContactOrder, SearchContacts
from service.highlevel.operation import milliseconds
from service.sandbox.refusals import unprocessable

REACHED_BY_NUMBER = 10_000
"""So far pages go by number (HighLevel's search documentation)."""

LOWERED = {"firstNameLowerCase": "firstName", "lastNameLowerCase": "lastName", "fullNameLowerCase": "name"}
OTHER_NAMES = {**LOWERED, "contactName": "name", "businessName": "companyName", "address": "address1"}
"""Names of the search's own for what a contact shows under another."""
FIELDS = {str(field.serialization_alias) for field in Contact.model_fields.values()} - {"searchAfter", "customFields"}
CUSTOM = "customFields."
"""Before the id of a custom field."""
MOMENTS = frozenset({"dateAdded", "dateUpdated"})
"""Given as ISO 8601 times or as milliseconds since 1970, and compared as these."""
BOUNDS: dict[str, Callable[[Any, Any], bool]] = {"gte": ge, "lte": le, "gt": gt, "lt": lt}
NEWEST_FIRST = ContactOrder(field="dateAdded", direction="desc")

Shown = dict[str, Any]
Limits = list[tuple[Callable[[Any, Any], bool], Any]]


def search(contacts: Iterable[Shown], asked: SearchContacts) -> tuple[list[Shown], int]:
    """The page asked for, and how many there are in all. Raises Refusal."""
    tests = [_test(each) for each in asked.filters or ()]
    text = (asked.text or "").casefold()
    found = [contact for contact in contacts if _speaks_of(contact, text) and all(test(contact) for test in tests)]
    return _page(found, asked), len(found)


def _page(found: Sequence[Shown], asked: SearchContacts) -> list[Shown]:
    orders = asked.sort or (NEWEST_FIRST,)
    for order in orders:
        _require_known(order.field)
    rows = [((*(_value(contact, order.field) for order in orders), contact["id"]), contact) for contact in found]
    first = (max(asked.page or 1, 1) - 1) * asked.page_limit
    if first + asked.page_limit > REACHED_BY_NUMBER:
        raise unprocessable(f"page and pageLimit reach {REACHED_BY_NUMBER} contacts; searchAfter goes on from there")
    if asked.search_after is not None:
        if len(asked.search_after) != len(orders) + 1:
            raise unprocessable("searchAfter must be that of a contact found by the same sort")
        rows.append((asked.search_after, {}))  # behind where it stands or stood: the sorting is stable
    rows.sort(key=lambda row: str(row[0][-1]))
    for place, order in reversed(list(enumerate(orders))):
        rows.sort(key=_by(place), reverse=order.direction == "desc")
    if asked.search_after is not None:
        first = next(place for place, (_, contact) in enumerate(rows) if not contact) + 1
    return [{**contact, "searchAfter": list(after)} for after, contact in rows[first : first + asked.page_limit]]


def _by(place: int) -> Callable[[tuple[tuple[Any, ...], Shown]], tuple[int, Any]]:
    return lambda row: _rank(row[0][place])


def _speaks_of(contact: Shown, text: str) -> bool:
    """In its name, its mail address or its telephone number."""
    return any(text in str(contact.get(field) or "").casefold() for field in ("name", "email", "phone"))


def _test(asked: ContactFilter | ContactFilterGroup) -> Callable[[Shown], bool]:
    if isinstance(asked, ContactFilterGroup):
        tests = [_test(each) for each in asked.filters]
        enough = all if asked.group == "AND" else any
        return lambda contact: enough(test(contact) for test in tests)
    _require_known(asked.field)
    operator = asked.operator.removeprefix("not_")
    denied = operator != asked.operator
    holds = _exists if operator == "exists" else _comparison(asked, operator, denied=denied)
    return lambda contact: holds(_values(contact, asked.field)) != denied


def _comparison(asked: ContactFilter, operator: str, *, denied: bool) -> Callable[[list[Any]], bool]:
    """Where either side is a list, one of it is enough."""
    if asked.value is None:
        raise unprocessable(f"filters: {asked.field} {asked.operator} wants a value")
    wanted = [_compared(asked.field, each) for each in _listed(asked.value)]
    match operator:
        case "eq":
            return lambda values: any(each in values for each in wanted)
        case "contains":
            parts = [str(each).casefold() for each in wanted]
            return lambda values: any(part in str(value).casefold() for part in parts for value in values)
        case "range" if not denied:
            limits = _limits(asked)
            return lambda values: any(_is_within(value, limits) for value in values)
        case _:
            raise unprocessable("operator must be a valid enum value")


def _limits(asked: ContactFilter) -> Limits:
    if not isinstance(asked.value, Mapping) or not asked.value or asked.value.keys() - BOUNDS.keys():
        raise unprocessable("filters: range wants an object of gte, lte, gt, lt")
    return [(BOUNDS[name], _compared(asked.field, limit)) for name, limit in asked.value.items()]


def _is_within(value: Any, limits: Limits) -> bool:
    return all(_rank(value)[0] == _rank(limit)[0] and holds(value, limit) for holds, limit in limits)


def _exists(values: list[Any]) -> bool:
    return bool(values)


def _values(contact: Shown, field: str) -> list[Any]:
    return [value for value in _listed(_value(contact, field)) if value not in (None, "")]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _require_known(field: str) -> None:
    if not field.startswith(CUSTOM) and OTHER_NAMES.get(field, field) not in FIELDS:
        raise unprocessable(f"{field} is no field that contacts are searched by")


def _value(contact: Shown, field: str) -> Any:
    """As it is compared."""
    if field.startswith(CUSTOM):
        return next((each["value"] for each in contact["customFields"] if f"{CUSTOM}{each['id']}" == field), None)
    value = contact.get(OTHER_NAMES.get(field, field))
    return value.lower() if isinstance(value, str) and field in LOWERED else _compared(field, value)


def _compared(field: str, value: Any) -> Any:
    if field not in MOMENTS or not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise unprocessable(f"{field} must be a valid ISO 8601 date string") from error


def _rank(value: Any) -> tuple[int, Any]:
    """Comparable with that of anything else: what is missing first, then numbers, then texts."""
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, int | float) else (2, str(value).casefold())
