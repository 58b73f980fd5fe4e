"""The catalogue of services and its locations: each call as it goes out, and the answers as they are read."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.operation import Operation
from service.highlevel.service_locations import (
    CreateServiceLocation,
    DeleteServiceLocation,
    EditServiceLocation,
    GetServiceLocation,
    ListServiceLocations,
)
from service.highlevel.services import (
    CreateService,
    DeleteService,
    EditService,
    GetService,
    ListServices,
    NewVariation,
    Payment,
    Staff,
    Variation,
)

CATALOGUE = "/calendars/services/catalog"
LOCATIONS = "/calendars/services/locations"

CALLS: list[tuple[Operation[Any], str, str, Any]] = [
    (ListServices(location_id="place"), "GET", f"{CATALOGUE}?locationId=place", None),
    (
        ListServices(location_id="place", service_category_id="hair", is_private=False),
        "GET",
        f"{CATALOGUE}?locationId=place&serviceCategoryId=hair&isPrivate=false",
        None,
    ),
    (
        CreateService(
            location_id="place",
            name="Cut",
            slug="cut",
            staff=(Staff(id="ada"),),
            payment=Payment(amount=50, deposit=12.5, deposit_type="percentage"),
            service_duration=45,
            service_duration_unit="mins",
            post_buffer=0.5,
            post_buffer_unit="hours",
            variations=(NewVariation(name="Long hair", service_duration=60, pre_buffer=5, pre_buffer_unit="mins"),),
        ),
        "POST",
        CATALOGUE,
        {
            "locationId": "place",
            "name": "Cut",
            "slug": "cut",
            "staff": [{"id": "ada"}],
            "payment": {"amount": 50, "deposit": 12.5, "depositType": "percentage"},
            "serviceDuration": 45,
            "serviceDurationUnit": "mins",
            "postBuffer": 0.5,
            "postBufferUnit": "hours",
            "variations": [{"name": "Long hair", "serviceDuration": 60, "preBuffer": 5, "preBufferUnit": "mins"}],
        },
    ),
    (GetService(service_id="cut"), "GET", f"{CATALOGUE}/cut", None),
    (EditService(service_id="cut", form_id=None), "PUT", f"{CATALOGUE}/cut", {"formId": None}),
    (
        EditService(
            service_id="cut",
            description="With a wash",
            event_color="#66C61C",
            cover_image="https://pictures.example.com/cut.jpg",
            is_private=True,
            variations=(Variation(id="long", name="Very long hair"), Variation(name="Short hair")),
        ),
        "PUT",
        f"{CATALOGUE}/cut",
        {
            "description": "With a wash",
            "eventColor": "#66C61C",
            "coverImage": "https://pictures.example.com/cut.jpg",
            "isPrivate": True,
            "variations": [{"id": "long", "name": "Very long hair"}, {"name": "Short hair"}],
        },
    ),
    (EditService(service_id="cut", variations=()), "PUT", f"{CATALOGUE}/cut", {"variations": []}),
    (DeleteService(service_id="cut"), "DELETE", f"{CATALOGUE}/cut", None),
    (ListServiceLocations(location_id="place"), "GET", f"{LOCATIONS}?locationId=place", None),
    (
        CreateServiceLocation(location_id="place", name="Home", slug="home", location_type="ask_booker"),
        "POST",
        LOCATIONS,
        {"locationId": "place", "name": "Home", "slug": "home", "locationType": "ask_booker"},
    ),
    (GetServiceLocation(service_location_id="home"), "GET", f"{LOCATIONS}/home", None),
    (
        EditServiceLocation(service_location_id="home", address="1 Example Street", phone=None),
        "PUT",
        f"{LOCATIONS}/home",
        {"address": "1 Example Street", "phone": None},
    ),
    (DeleteServiceLocation(service_location_id="home"), "DELETE", f"{LOCATIONS}/home", None),
]

IMPOSSIBLE = [
    (CreateService, {"location_id": "place", "name": "Cut", "slug": "cut", "staff": ()}, "staff"),
    (CreateService, {"location_id": "place", "name": "Cut", "slug": "cut"}, "staff"),
    (EditService, {"service_id": "cut", "service_duration_unit": "days"}, "service_duration_unit"),
    (EditService, {"service_id": "cut", "payment": {"currency": "EUR"}}, "payment.currency"),
    (EditService, {"service_id": "cut", "colour": "red"}, "colour"),
    (EditService, {"service_id": "cut", "variations": [{"name": "Long", "colour": "red"}]}, "variations.0.colour"),
    (EditService, {"service_id": "cut", "service_duration": float("nan")}, "service_duration"),
    (CreateServiceLocation, {"location_id": "place", "name": "Home", "slug": "home", "is_active": True}, "is_active"),
    (EditServiceLocation, {"service_location_id": "home", "location_type": "online"}, "location_type"),
]


@pytest.mark.parametrize(("call", "method", "target", "body"), CALLS, ids=[type(call[0]).__name__ for call in CALLS])
def test_a_catalogue_call_goes_out_as_published(call: Operation[Any], method: str, target: str, body: Any) -> None:
    wire = call.wire()
    assert (wire.method, wire.target, wire.body) == (method, target, body)
    assert json.dumps(wire.body, sort_keys=True) == json.dumps(body, sort_keys=True), "30 must not become 30.0"
    assert call.version == "v3"
    assert call.success == (201 if method == "POST" else 200)
    assert Operation.restored(call.stored()) == call


@pytest.mark.parametrize(("operation", "fields", "named"), IMPOSSIBLE)
def test_a_catalogue_call_that_cannot_be_is_refused(
    operation: type[Operation[Any]], fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        operation.model_validate(fields)
    named_by = {".".join(str(step) for step in error["loc"]) for error in caught.value.errors()}
    assert any(place == named or place.startswith(f"{named}.") for place in map(_snake, named_by)), named_by


def _snake(place: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in place)


def test_a_service_is_read_to_its_innermost_field() -> None:
    answer = {
        "id": "cut",
        "locationId": "place",
        "name": "Cut",
        "serviceCategoryId": "",
        "payment": {"amount": 50, "deposit": 12.5, "depositType": "amount"},
        "serviceDuration": 45,
        "serviceDurationUnit": "mins",
        "variations": [{"id": "long", "name": "Long hair", "postBuffer": 15, "payment": {"amount": 70}}],
        "staff": [{"id": "ada", "position": 1}],
    }
    service = GetService(service_id="cut").read_reply(json.dumps({"service": answer}).encode()).service
    assert (service.service_duration, service.service_category_id, service.is_private) == (45, None, False)
    assert service.payment is not None
    assert (service.payment.amount, service.payment.deposit_type) == (50, "amount")
    (variation,) = service.variations
    assert variation.payment is not None
    assert (variation.id, variation.post_buffer, variation.payment.amount) == ("long", 15, 70)
    assert [(one.id, one.model_extra) for one in service.staff] == [("ada", {"position": 1})]


def test_a_service_is_read_when_it_says_no_more_than_it_must() -> None:
    answer = b'{"services": [{"id": "cut", "locationId": "place", "name": "Cut"}], "traceId": "trace"}'
    (service,) = ListServices(location_id="place").read_reply(answer).services
    assert (service.staff, service.variations, service.payment) == ((), (), None)


def test_a_unit_or_kind_that_nobody_told_us_of_does_not_make_an_answer_unreadable() -> None:
    answer = b'{"service": {"id": "cut", "locationId": "place", "name": "Cut", "serviceDurationUnit": "days"}}'
    assert GetService(service_id="cut").read_reply(answer).service.service_duration_unit == "days"
    answer = b'{"id": "home", "locationId": "place", "name": "Home", "slug": "home", "locationType": "online"}'
    assert GetServiceLocation(service_location_id="home").read_reply(answer).location_type == "online"


def test_an_answer_that_is_no_list_of_services_is_not_taken_for_an_empty_one() -> None:
    for operation in (ListServices(location_id="place"), ListServiceLocations(location_id="place")):
        with pytest.raises(ValidationError):
            operation.read_reply(b'{"traceId": "trace"}')


def test_a_service_location_comes_without_a_wrapper_and_is_open_to_all_unless_it_says_otherwise() -> None:
    answer = b'{"id": "home", "locationId": "place", "name": "Home", "slug": "home"}'
    location = EditServiceLocation(service_location_id="home", name="Home").read_reply(answer)
    assert (location.id, location.is_active, location.is_private, location.address) == ("home", True, False, None)
    listed = ListServiceLocations(location_id="place").read_reply(b'{"serviceLocations": [%s]}' % answer)
    assert listed.service_locations == (location,)


@pytest.mark.parametrize("operation", [DeleteService(service_id="one"), DeleteServiceLocation(service_location_id="a")])
def test_a_deletion_says_whether_it_succeeded(operation: Operation[Any]) -> None:
    reply = operation.read_reply(b'{"success": false, "message": "Still booked"}')
    assert (reply.success, reply.message) == (False, "Still booked")
    assert operation.read_reply(b'{"message": "deleted"}').success
