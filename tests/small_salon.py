"""Three calendars of one location, a fourth out of its reach, and what is asked of them."""

from typing import Any

from tests.sandboxes import ADA, CONSULTATIONS, CUTS, DANA, KIM, LOCATION, MONDAY, ROOM, Sandbox

OTHER = "oTh3rLocati0nOfTests"
NEW: dict[str, Any] = {"locationId": LOCATION, "name": "Fair", "calendarType": "event"}
HOURS = {"openHour": 9, "openMinute": 0, "closeHour": 11, "closeMinute": 0}
SEED = f"""
locations:
  - id: {LOCATION}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}, {{id: {KIM}, name: Kim}}]
    contacts: [{{id: {ADA}, name: Ada Example}}]
    calendars:
      - {{id: {CUTS}, name: Cuts, team: [{DANA}, {KIM}], open_hours: [{{days: [Mon], opens: 09:00, closes: 12:00}}]}}
      - id: {CONSULTATIONS}
        name: Consultations
        type: personal
        team: [{DANA}]
        open_hours: [{{days: [Mon], opens: 09:00, closes: 12:00}}]
      - {{id: {ROOM}, name: Room, type: event, open_hours: [{{days: [Mon], opens: 09:00, closes: 12:00}}]}}
  - id: {OTHER}
    timezone: UTC
    users: [{{id: stranger, name: Sam}}]
    calendars: [{{id: EL5E, name: Elsewhere, type: event}}]
"""
OPEN = {"openHours": [{"daysOfTheWeek": [1, 2], "hours": [HOURS]}]}


async def make(sandbox: Sandbox, **fields: Any) -> Any:
    return (await sandbox.call("POST", "/calendars/", NEW | fields))["calendar"]


async def change(sandbox: Sandbox, calendar_id: str, **fields: Any) -> Any:
    return (await sandbox.call("PUT", f"/calendars/{calendar_id}", fields))["calendar"]


async def read(sandbox: Sandbox, calendar_id: str) -> Any:
    return (await sandbox.call("GET", f"/calendars/{calendar_id}"))["calendar"]


async def refused(sandbox: Sandbox, status: int, calendar_id: str = "", **fields: Any) -> Any:
    """What is said to a change of the calendar, or to a new one."""
    asked = fields if calendar_id else NEW | fields
    method = "PUT" if calendar_id else "POST"
    return (await sandbox.call(method, f"/calendars/{calendar_id}", asked, status=status))["message"]


async def clocks(sandbox: Sandbox, calendar_id: str, **query: Any) -> list[str]:
    """Of that Monday's free slots."""
    return [slot[11:16] for slot in await sandbox.free(MONDAY.replace(hour=0), calendar_id, **query)]
