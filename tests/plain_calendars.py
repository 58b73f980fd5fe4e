"""Calendars and what belongs to them by plain HTTP."""

from typing import Any

from tests.plain_calls import Call, Stage, expect
from tests.sandboxes import CUTS, DANA, LOCATION, milliseconds
from tests.sandboxes import MONDAY as TODAY

HALF_A_DAY = {"openHour": 9, "openMinute": 30, "closeHour": 13, "closeMinute": 0}
PLACE = {"kind": "custom", "location": "+15550100"}
LATER = {"timeOffset": 2, "unit": "hours"}
CALENDAR: dict[str, Any] = {
    "isActive": True,
    "notifications": [
        {
            "type": "email",
            "shouldSendToContact": True,
            "shouldSendToGuest": False,
            "shouldSendToUser": True,
            "shouldSendToSelectedUsers": False,
            "selectedUsers": "kim@example.com",
        }
    ],
    "meetingLocation": "Deprecated",
    "teamMembers": [
        {
            "userId": DANA,
            "priority": 0.5,
            "meetingLocationType": "custom",
            "meetingLocation": "Deprecated",
            "isPrimary": True,
            "locationConfigurations": [PLACE],
        }
    ],
    "eventType": "RoundRobin_OptimizeForEqualDistribution",
    "name": "Colours",
    "description": "Long",
    "slug": "colours",
    "widgetSlug": "colours",
    "widgetType": "default",
    "eventTitle": "{{contact.name}} comes",
    "eventColor": "#039be5",
    "locationConfigurations": [PLACE],
    "slotDuration": 45,
    "slotDurationUnit": "mins",
    "slotInterval": 1,
    "slotIntervalUnit": "hours",
    "slotBuffer": 10,
    "preBuffer": 5,
    "preBufferUnit": "mins",
    "appoinmentPerSlot": 2,
    "appoinmentPerDay": 5,
    "allowBookingAfter": 1,
    "allowBookingAfterUnit": "hours",
    "allowBookingFor": 30,
    "allowBookingForUnit": "days",
    "openHours": [{"daysOfTheWeek": [1, 2], "hours": [HALF_A_DAY]}],
    "enableRecurring": False,
    "recurring": {"freq": "DAILY", "count": 3, "bookingOption": "skip", "bookingOverlapDefaultStatus": "new"},
    "formId": "f0rMq3T8Lw5ZrK1vNpXy",
    "stickyContact": True,
    "isLivePaymentMode": False,
    "autoConfirm": False,
    "shouldSendAlertEmailsToAssignedMember": True,
    "alertEmail": "alerts@example.com",
    "googleInvitationEmails": False,
    "allowReschedule": False,
    "allowCancellation": False,
    "shouldAssignContactToTeamMember": False,
    "shouldSkipAssigningContactForExisting": True,
    "notes": "Bring a towel",
    "pixelId": "12345",
    "formSubmitType": "RedirectURL",
    "formSubmitRedirectURL": "https://salon.example.com/thanks",
    "formSubmitThanksMessage": "Thank you",
    "availabilityType": 0,
    "availabilities": [{"date": "2026-03-25T00:00:00.000Z", "hours": [HALF_A_DAY], "deleted": False}],
    "guestType": "count_only",
    "consentLabel": "I agree",
    "calendarCoverImage": "https://salon.example.com/cover.png",
    "lookBusyConfig": {"enabled": True, "LookBusyPercentage": 50},
}
ONLY_NEW: dict[str, Any] = {"locationId": LOCATION, "calendarType": "personal", "slotBufferUnit": "mins"}
NOTIFICATION = {
    "receiverType": "contact",
    "channel": "email",
    "notificationType": "reminder",
    "isActive": True,
    "templateId": "t3MpQ8Lw5ZrK1vNpXyTa",
    "body": "See you",
    "subject": "Tomorrow",
    "afterTime": [LATER],
    "beforeTime": [LATER],
    "additionalEmailIds": ["desk@example.com"],
    "additionalPhoneNumbers": ["+15550101"],
    "selectedUsers": [DANA, "sub_account_admin"],
    "fromAddress": "salon@example.com",
    "fromName": "Salon",
    "fromNumber": "+15550102",
}
NEVER_SHOWN = {"fromAddress", "fromName", "fromNumber"}
"""The specification has them in no answer."""


async def groups(call: Call) -> None:
    said = {"locationId": LOCATION, "name": "Hair", "description": "All of it", "slug": "hair", "isActive": True}
    made = (await call("POST", "/calendars/groups", body=said))["group"]
    expect(made, said)
    slug = {"locationId": LOCATION, "slug": "hair"}
    assert (await call("POST", "/calendars/groups/validate-slug", body=slug))["available"] is False
    said = {"name": "Beard", "description": "Some of it", "slug": "beard"}
    expect((await call("PUT", "/calendars/groups/{groupId}", made["id"], body=said))["group"], said)
    switched = await call("PUT", "/calendars/groups/{groupId}/status", made["id"], body={"isActive": False})
    assert switched["success"] is True
    listed = (await call("GET", "/calendars/groups", locationId=LOCATION))["groups"]
    expect(next(each for each in listed if each["id"] == made["id"]), said | {"isActive": False})
    assert (await call("DELETE", "/calendars/groups/{groupId}", made["id"]))["success"] is True


async def calendars(call: Call) -> None:
    group = {"locationId": LOCATION, "name": "Nails", "description": "Hands", "slug": "nails", "isActive": True}
    group_id = (await call("POST", "/calendars/groups", body=group))["group"]["id"]
    said = CALENDAR | {"groupId": group_id}
    made = (await call("POST", "/calendars/", body=said | ONLY_NEW))["calendar"]
    expect(made, said | ONLY_NEW, "meetingLocation", "teamMembers", "locationConfigurations", "availabilities")
    listed = (await call("GET", "/calendars/", locationId=LOCATION, groupId=group_id, showDrafted=True))["calendars"]
    assert [each["id"] for each in listed] == [made["id"]]
    (day,) = made["availabilities"]
    said |= {"name": "More colours", "slotDuration": 30, "availabilities": [day | {"date": "2026-03-26T00:00:00.000Z"}]}
    edited = (await call("PUT", "/calendars/{calendarId}", made["id"], body=said))["calendar"]
    expect(edited, said, "meetingLocation", "teamMembers", "locationConfigurations")
    read = (await call("GET", "/calendars/{calendarId}", made["id"]))["calendar"]
    expect(read, edited)
    free = await call(
        "GET",
        "/calendars/{calendarId}/free-slots",
        made["id"],
        startDate=milliseconds(TODAY),
        endDate=milliseconds(TODAY) + 86_400_000,
        timezone="Europe/Paris",
        userId=DANA,
        userIds=[DANA],
    )
    offered = free["2026-03-23"]["slots"]
    assert set(offered) < {f"2026-03-23T{hour}:30:00+01:00" for hour in (10, 11, 12, 13)}
    assert len(offered) == 2  # the calendar looks half busy
    assert (await call("DELETE", "/calendars/{calendarId}", made["id"]))["message"] == "calendar deleted"


async def notifications(call: Call) -> None:
    path = "/calendars/{calendarId}/notifications"
    one = f"{path}/{{notificationId}}"
    (made,) = await call("POST", path, CUTS, body=[NOTIFICATION])
    expect(made, NOTIFICATION, *NEVER_SHOWN)
    assert await call("GET", path, CUTS, isActive=True, deleted=False, limit=10, skip=0) == [made]
    said = NOTIFICATION | {"subject": "Today", "deleted": True}
    assert "message" in await call("PUT", one, CUTS, made["_id"], body=said)
    expect(await call("GET", one, CUTS, made["_id"]), said, *NEVER_SHOWN)
    assert "message" in await call("DELETE", one, CUTS, made["_id"])


async def resources(call: Call) -> None:
    path = "/calendars/resources/{resourceType}"
    for kind in ("rooms", "equipments"):
        said: dict[str, Any] = {
            "locationId": LOCATION,
            "name": "Chair",
            "description": "By the window",
            "quantity": 3,
            "outOfService": 1,
            "capacity": 2,
            "calendarIds": [],
        }
        made = await call("POST", path, kind, body=said)
        expect(made, said)
        assert [each["id"] for each in await call("GET", path, kind, locationId=LOCATION, limit=5, skip=0)] == [
            made["id"]
        ]
        said |= {"name": "Sofa", "isActive": False}
        expect(await call("PUT", f"{path}/{{id}}", kind, made["id"], body=said), said, "calendarIds")
        expect(await call("GET", f"{path}/{{id}}", kind, made["id"]), said)
        assert (await call("DELETE", f"{path}/{{id}}", kind, made["id"]))["success"] is True


STAGES: dict[str, Stage] = {each.__name__: each for each in (groups, calendars, notifications, resources)}
