"""The salon that benchmarks call: one calendar wide open, one full of events, one to be booked."""

from datetime import UTC, datetime, timedelta

LOCATION = "lFk3vTj0cQxW8mPzR2bN"
OPEN, FULL, BOOKED = "oP3nT5GOBUSZGi6HWGK1", "fU1lBv3XnE6yTf1LdJ7o", "bK7dGc8PzA2uWk4YxS0i"
CONTACT = "cAdaX3mT8qLw5ZrK1vNp"
PERSON = "u8jzPde0IgxLd6GncfBA"
TOKEN = "pit-benchmark-salon"
STARTS, DAYS = datetime(2030, 1, 7, tzinfo=UTC), timedelta(days=31)
SLOTS, EVENTS = 31 * 16, 500

SEED = f"""
locations:
  - id: {LOCATION}
    name: Leeds Salon
    timezone: Europe/London
    tokens: [{TOKEN}]
    users: [{{id: {PERSON}, name: Dana}}]
    contacts: [{{id: {CONTACT}, name: Ada Example}}]
    calendars:
""" + "".join(
    f"""
      - id: {calendar}
        name: {name}
        type: event
        slot_minutes: 30
        interval_minutes: 30
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 09:00, closes: 17:00}}]
"""
    for calendar, name in ((OPEN, "Open"), (FULL, "Full"), (BOOKED, "Booked"))
)


def events() -> dict[str, dict[str, object]]:
    """Those of the full calendar by id, as they are put there."""
    found: dict[str, dict[str, object]] = {}
    for number in range(EVENTS):
        start = STARTS + timedelta(minutes=30 * number)
        found[f"event{number:015}"] = {
            "calendarId": FULL,
            "locationId": LOCATION,
            "contactId": CONTACT,
            "assignedUserId": PERSON,
            "title": f"Cut number {number} for Ada Example",
            "address": "Hollyhock Lane 7",
            "appointmentStatus": "confirmed",
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(minutes=30)).isoformat(),
        }
    return found
