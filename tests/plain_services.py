"""Schedules, services and their bookings by plain HTTP."""

from typing import Any

from tests.plain_calls import Call, Stage, expect
from tests.sandboxes import ADA, CUTS, DANA, FOREVER, KIM, LOCATION, ROOM, at

CATALOG, PLACES = "/calendars/services/catalog", "/calendars/services/locations"
BOOKINGS = "/calendars/services/bookings"
WINDOW = {"locationId": LOCATION, "startTime": "0", "endTime": str(FOREVER["endTime"])}
MONDAY = {"type": "wday", "day": "monday", "intervals": [{"from": "09:00", "to": "12:00"}]}
EASTER = {"type": "date", "date": "2026-04-05", "intervals": [{"from": "10:00", "to": "12:00"}]}
TERMS = {
    "serviceDuration": 60,
    "serviceDurationUnit": "mins",
    "preBuffer": 5,
    "preBufferUnit": "mins",
    "postBuffer": 1,
    "postBufferUnit": "hours",
    "payment": {"amount": 40, "deposit": 10, "depositType": "percentage"},
}
SERVICE = TERMS | {
    "name": "Massage",
    "slug": "massage",
    "staff": [{"id": DANA}, {"id": KIM}],
    "description": "With oil",
    "eventColor": "#039be5",
    "coverImage": "https://salon.example.com/massage.png",
    "serviceCategoryId": "cAt3gq8Lw5ZrK1vNpXyT",
    "isPrivate": False,
    "formId": "f0rMq3T8Lw5ZrK1vNpXy",
    "variations": [TERMS | {"name": "Long"}],
}
PLACE_OF_SERVICE = {
    "name": "Annexe",
    "slug": "annexe",
    "phone": "+15550100",
    "address": "Hollyhock Lane 9",
    "coverImage": "https://salon.example.com/annexe.png",
    "locationType": "offline",
}


async def schedules(call: Call) -> None:
    said: dict[str, Any] = {
        "rules": [MONDAY, EASTER],
        "timezone": "Europe/Paris",
        "locationId": LOCATION,
        "name": "Spring",
        "userId": DANA,
        "calendarIds": [CUTS],
    }
    made = (await call("POST", "/calendars/schedules", body=said))["schedule"]
    expect(made, said)
    query: dict[str, Any] = {"locationId": LOCATION, "userId": DANA, "calendarId": CUTS, "skip": 0, "limit": 500}
    assert (await call("GET", "/calendars/schedules/search", **query))["schedules"] == [made]
    said = {"name": "Summer", "rules": [EASTER, MONDAY], "timezone": "Europe/London"}
    edited = (await call("PUT", "/calendars/schedules/{id}", made["id"], body=said))["schedule"]
    expect(edited, said)
    association = "/calendars/schedules/{id}/associations/{calendarId}"
    assert (await call("DELETE", association, made["id"], CUTS))["success"] is True
    assert (await call("PUT", association, made["id"], CUTS))["success"] is True
    assert (await call("GET", "/calendars/schedules/{id}", made["id"]))["schedule"] == edited
    await call("DELETE", association, made["id"], CUTS)
    assert (await call("DELETE", "/calendars/schedules/{id}", made["id"]))["success"] is True


async def event_calendar_schedules(call: Call) -> None:
    path = "/calendars/schedules/event-calendar/{calendarId}"
    said = {"rules": [MONDAY, EASTER], "timezone": "Europe/Paris"}
    expect((await call("POST", path, ROOM, body=said))["schedule"], said | {"calendarId": ROOM})
    said |= {"rules": [EASTER, MONDAY]}
    edited = (await call("PUT", path, ROOM, body=said))["schedule"]
    expect(edited, said)
    assert (await call("GET", path, ROOM))["schedule"] == edited


async def services(call: Call) -> None:
    made = (await call("POST", CATALOG, body=SERVICE | {"locationId": LOCATION}))["service"]
    expect(made, SERVICE, "variations")
    (long,) = made["variations"]
    expect(long, TERMS | {"name": "Long"})
    category = SERVICE["serviceCategoryId"]
    listed = await call("GET", CATALOG, locationId=LOCATION, serviceCategoryId=category, isPrivate=False)
    assert listed["services"] == [made]
    said = SERVICE | {"name": "Thai massage", "variations": [long | {"name": "Very long"}]}
    edited = (await call("PUT", f"{CATALOG}/{{serviceId}}", made["id"], body=said))["service"]
    expect(edited, said)
    assert (await call("GET", f"{CATALOG}/{{serviceId}}", made["id"]))["service"] == edited
    assert (await call("DELETE", f"{CATALOG}/{{serviceId}}", made["id"]))["success"] is True


async def service_locations(call: Call) -> None:
    made = await call("POST", PLACES, body=PLACE_OF_SERVICE | {"locationId": LOCATION})
    expect(made, PLACE_OF_SERVICE)
    (listed,) = (await call("GET", PLACES, locationId=LOCATION))["serviceLocations"]
    expect(listed, PLACE_OF_SERVICE | {"id": made["id"]})
    said = PLACE_OF_SERVICE | {"name": "At yours", "locationType": "ask_booker"}
    expect(await call("PUT", f"{PLACES}/{{serviceLocationId}}", made["id"], body=said), said)
    expect(await call("GET", f"{PLACES}/{{serviceLocationId}}", made["id"]), said)
    assert (await call("DELETE", f"{PLACES}/{{serviceLocationId}}", made["id"]))["success"] is True


async def service_bookings(call: Call) -> None:
    service = SERVICE | {"locationId": LOCATION, "slug": "massage-booked"}
    service_id = (await call("POST", CATALOG, body=service))["service"]["id"]
    place = PLACE_OF_SERVICE | {"locationId": LOCATION, "slug": "annexe-booked", "locationType": "ask_booker"}
    place_id = (await call("POST", PLACES, body=place))["id"]
    past: dict[str, Any] = {"overrideAvailability": True, "skipSchedulingNotice": True}
    add_on = {"id": "aDd0nQ3mT8qLw5ZrK1vN", "quantity": 2, "duration": 15}
    said: dict[str, Any] = {
        "locationId": LOCATION,
        "contactId": ADA,
        "startTime": at("10:00"),
        "endTime": at("11:00"),
        "timezone": "Europe/London",
        "services": [{"id": service_id, "staffId": DANA, "position": 0, "addOns": [add_on]}],
        "serviceLocationId": place_id,
        "meetingLocation": "At the annexe",
        "title": "Massage",
        "status": "new",
    }
    made = await call("POST", BOOKINGS, body=said, **past)
    expect(made, said, "services")
    query: dict[str, Any] = WINDOW | {"timezone": "Europe/London", "serviceLocationId": place_id}
    (listed,) = (await call("GET", BOOKINGS, **query))["bookings"]
    expect(listed, {"bookingId": made["bookingId"], **said}, "services")
    assert [(each["id"], each["serviceStaffId"]) for each in listed["services"]] == [(service_id, DANA)]
    said = {name: value for name, value in said.items() if name not in ("locationId", "contactId")}
    said |= {"title": "Moved", "status": "confirmed", "startTime": at("14:00"), "endTime": at("15:00")}
    expect(await call("PUT", f"{BOOKINGS}/{{bookingId}}", made["bookingId"], body=said, **past), said, "services")
    expect(await call("GET", f"{BOOKINGS}/{{bookingId}}", made["bookingId"]), said, "services")
    assert (await call("DELETE", f"{BOOKINGS}/{{bookingId}}", made["bookingId"]))["success"] is True


STAGES: dict[str, Stage] = {
    each.__name__: each for each in (schedules, event_calendar_schedules, services, service_locations, service_bookings)
}
