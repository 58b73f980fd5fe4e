"""The catalogue of services and their locations in the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.service_locations import ServiceLocation, ServiceLocationsReply
from service.highlevel.services import ServiceReply, ServicesReply
from tests.salons import ELSEWHERE, SEED, status_elsewhere
from tests.sandboxes import DANA, KIM, LOCATION, Sandbox, running
from tests.specification import document

CATALOG, PLACES = "/calendars/services/catalog", "/calendars/services/locations"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as running_sandbox:
        yield running_sandbox


async def add(sandbox: Sandbox, *, status: int = 201, **fields: Any) -> Any:
    said = {"locationId": LOCATION, "name": "Cut", "slug": "cut", "staff": [{"id": KIM}], **fields}
    answer = await sandbox.call("POST", CATALOG, said, status=status)
    return answer["service"] if status == 201 else answer


async def add_place(sandbox: Sandbox, *, status: int = 201, **fields: Any) -> Any:
    said = {"locationId": LOCATION, "name": "Mill Street", "slug": "mill-street", **fields}
    return await sandbox.call("POST", PLACES, said, status=status)


def without_trace(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "traceId"}


async def test_a_service_is_read_as_it_was_written(sandbox: Sandbox) -> None:
    terms: dict[str, Any] = {
        "serviceDuration": 1.5,
        "serviceDurationUnit": "hours",
        "preBuffer": 5,
        "preBufferUnit": "mins",
    }
    price = {"amount": 40, "deposit": 10, "depositType": "percentage"}
    service = await add(sandbox, **terms, payment=price, variations=[{"name": "Short", "serviceDuration": 20}])
    assert set(document("v3")["components"]["schemas"]["ServiceResponseDTO"]["required"]) <= service.keys()
    [variation] = service["variations"]
    assert variation == {"id": variation["id"], "name": "Short", "serviceDuration": 20}
    assert (service["payment"], service["staff"], service["isPrivate"]) == (price, [{"id": KIM}], False)
    assert terms.items() <= service.items()
    assert service["serviceCategoryId"]
    read = await sandbox.call("GET", f"{CATALOG}/{service['id']}")
    assert read["service"] == service
    ServiceReply.model_validate(read)
    assert (await add(sandbox, slug="free"))["payment"] == {"amount": 0}


async def test_a_service_has_a_name_a_slug_of_its_own_and_staff_who_exist(sandbox: Sandbox) -> None:
    await add(sandbox)
    assert (await add(sandbox, status=400))["message"] == "The slug is already taken."
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"staff": []}, "staff should not be empty"),
        ({"slug": ""}, "slug should not be empty"),
        ({"serviceDurationUnit": "days"}, "serviceDurationUnit must be a valid enum value"),
        ({"colour": "red"}, "property colour should not exist"),
    ]
    for wrong, complaint in wrongs:
        assert (await add(sandbox, **{"slug": "other", **wrong}, status=422))["message"] == [complaint]
    nobody = await add(sandbox, slug="other", staff=[{"id": "nobody"}], status=400)
    assert nobody["message"] == "The user id is not valid."
    await add(sandbox, slug="other", serviceDuration=10**30, status=422)
    await add(sandbox, locationId=ELSEWHERE, status=403)
    assert len((await sandbox.call("GET", CATALOG, locationId=LOCATION))["services"]) == 1


async def test_services_are_listed_by_category_and_privacy(sandbox: Sandbox) -> None:
    plain = await add(sandbox)
    private = await add(sandbox, slug="private", isPrivate=True, serviceCategoryId="65e5f6dfacf123513228d381")

    async def listed(**query: Any) -> list[str]:
        answer = await sandbox.call("GET", CATALOG, locationId=LOCATION, **query)
        return [service.id for service in ServicesReply.model_validate(answer).services]

    assert await listed() == [plain["id"], private["id"]]
    assert await listed(isPrivate="true") == [private["id"]]
    assert await listed(isPrivate="false") == [plain["id"]]
    assert await listed(serviceCategoryId=plain["serviceCategoryId"]) == [plain["id"]]
    assert await listed(serviceCategoryId="65e5f6dfacf123513228d381", isPrivate="false") == []
    await sandbox.call("GET", CATALOG, locationId=ELSEWHERE, status=403)


async def test_a_change_of_a_service_leaves_the_rest(sandbox: Sandbox) -> None:
    before = await add(sandbox, description="Wet or dry")
    await add(sandbox, slug="colour")
    path = f"{CATALOG}/{before['id']}"
    after = (await sandbox.call("PUT", path, {"name": "Trim", "staff": [{"id": DANA}], "description": None}))["service"]
    assert after == {**before, "name": "Trim", "staff": [{"id": DANA}]}
    assert (await sandbox.call("GET", path))["service"] == after
    await sandbox.call("PUT", path, {"slug": before["slug"]})
    assert (await sandbox.call("PUT", path, {"slug": "colour"}, status=400))["message"] == "The slug is already taken."
    refused = await sandbox.call("PUT", path, {"staff": []}, status=422)
    assert refused["message"] == ["staff should not be empty"]
    await sandbox.call("PUT", path, {"staff": [{"id": "nobody"}]}, status=400)
    await sandbox.call("PUT", f"{CATALOG}/unknown", {"name": "Trim"}, status=404)
    assert (await sandbox.call("GET", path))["service"] == after


async def test_variations_are_changed_by_id_added_without_and_removed_by_an_empty_list(sandbox: Sandbox) -> None:
    service = await add(sandbox, variations=[{"name": "Short", "serviceDuration": 20}, {"name": "Long"}])
    path = f"{CATALOG}/{service['id']}"
    short, long = service["variations"]

    async def put(variations: Any, status: int = 200) -> Any:
        answer = await sandbox.call("PUT", path, {"variations": variations}, status=status)
        return answer["service"]["variations"] if status == 200 else answer["message"]

    changed, added = await put([{"id": short["id"], "name": "Shorter"}, {"name": "Dry"}])
    assert changed == {**short, "name": "Shorter"}
    assert added == {"id": added["id"], "name": "Dry"}
    assert added["id"] not in (short["id"], long["id"], "")
    assert await put([{"id": long["id"]}], 400) == "The variation id is not valid."
    assert await put([{"id": short["id"]}, {"id": short["id"]}], 400) == "The variation id is not valid."
    assert await put([{"serviceDuration": 5}], 422) == ["variations.0.name should not be empty"]
    assert (await sandbox.call("GET", path))["service"]["variations"] == [changed, added]
    assert await put([]) == []


async def test_a_deleted_service_is_gone(sandbox: Sandbox) -> None:
    service = await add(sandbox)
    path = f"{CATALOG}/{service['id']}"
    answer = await sandbox.call("DELETE", path)
    assert without_trace(answer) == {"success": True, "message": "Service deleted successfully"}
    for method in ("GET", "DELETE"):
        assert (await sandbox.call(method, path, status=404))["message"] == "The service is not found."
    await add(sandbox)


async def test_a_service_location_is_active_public_and_a_fixed_address_unless_it_says_otherwise(
    sandbox: Sandbox,
) -> None:
    written = await add_place(sandbox, phone="+44 113 496 0000")
    ServiceLocation.model_validate(written)
    assert without_trace(written) == {
        "id": written["id"],
        "locationId": LOCATION,
        "name": "Mill Street",
        "slug": "mill-street",
        "phone": "+44 113 496 0000",
        "isActive": True,
        "isPrivate": False,
        "locationType": "offline",
    }
    asking = await add_place(sandbox, slug="at-home", locationType="ask_booker")
    assert asking["locationType"] == "ask_booker"
    listed = await sandbox.call("GET", PLACES, locationId=LOCATION)
    ServiceLocationsReply.model_validate(listed)
    assert listed["serviceLocations"] == [without_trace(written), without_trace(asking)]
    read = await sandbox.call("GET", f"{PLACES}/{written['id']}")
    assert without_trace(read) == without_trace(written)


async def test_a_service_location_is_changed_but_not_switched_off(sandbox: Sandbox) -> None:
    before = without_trace(await add_place(sandbox))
    await add_place(sandbox, slug="other")
    path = f"{PLACES}/{before['id']}"
    after = without_trace(
        await sandbox.call("PUT", path, {"name": "Mill Lane", "address": "2 Mill Lane", "slug": None})
    )
    assert after == {**before, "name": "Mill Lane", "address": "2 Mill Lane"}
    assert (await sandbox.call("PUT", path, {"slug": "other"}, status=400))["message"] == "The slug is already taken."
    assert (await add_place(sandbox, status=400))["message"] == "The slug is already taken."
    await sandbox.call("PUT", path, {"isActive": False}, status=422)
    await sandbox.call("PUT", path, {"name": ""}, status=422)
    await sandbox.call("PUT", path, {"locationType": "online"}, status=422)
    await add_place(sandbox, locationId=ELSEWHERE, status=403)
    assert without_trace(await sandbox.call("GET", path)) == after


async def test_a_deleted_service_location_is_gone(sandbox: Sandbox) -> None:
    path = f"{PLACES}/{(await add_place(sandbox))['id']}"
    answer = await sandbox.call("DELETE", path)
    assert without_trace(answer) == {"success": True, "message": "Service location deleted successfully"}
    for method in ("GET", "DELETE"):
        assert (await sandbox.call(method, path, status=404))["message"] == "The service location is not found."
    assert (await sandbox.call("GET", PLACES, locationId=LOCATION))["serviceLocations"] == []


async def test_another_location_sees_none_of_this_ones(sandbox: Sandbox) -> None:
    service, place = await add(sandbox), await add_place(sandbox)
    for path in (f"{CATALOG}/{service['id']}", f"{PLACES}/{place['id']}"):
        for method, body in (("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)):
            assert await status_elsewhere(sandbox, method, path, body) == 404
