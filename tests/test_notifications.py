"""Notifications of a calendar: what goes over the wire, what is refused before, what is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.notifications import (
    CreateNotifications,
    DeleteNotification,
    EditNotification,
    GetNotification,
    ListNotifications,
    NewNotification,
    Notification,
    NotificationMessage,
    NotificationsReply,
    Offset,
)
from service.highlevel.operation import Operation

REMINDER = NewNotification(
    receiver_type="contact",
    channel="email",
    notification_type="reminder",
    before_time=(Offset(time_offset=1, unit="hours"), Offset(time_offset=0.5, unit="days")),
    additional_email_ids=("front@example.com",),
)
TOLD_STAFF = NewNotification(
    receiver_type="assignedUser",
    channel="inApp",
    notification_type="booked",
    is_active=False,
    selected_users=("kim", "sub_account_admin"),
    from_name="Front desk",
)
EACH = "/calendars/cuts/notifications/one"


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (ListNotifications(calendar_id="cuts"), ("GET", "/calendars/cuts/notifications", None)),
        (
            ListNotifications(calendar_id="cuts", is_active=True, deleted=False, limit=100, skip=0),
            ("GET", "/calendars/cuts/notifications?isActive=true&deleted=false&limit=100&skip=0", None),
        ),
        (
            CreateNotifications(calendar_id="cuts", notifications=(REMINDER, TOLD_STAFF)),
            (
                "POST",
                "/calendars/cuts/notifications",
                [
                    {
                        "receiverType": "contact",
                        "channel": "email",
                        "notificationType": "reminder",
                        "beforeTime": [{"timeOffset": 1, "unit": "hours"}, {"timeOffset": 0.5, "unit": "days"}],
                        "additionalEmailIds": ["front@example.com"],
                    },
                    {
                        "receiverType": "assignedUser",
                        "channel": "inApp",
                        "notificationType": "booked",
                        "isActive": False,
                        "selectedUsers": ["kim", "sub_account_admin"],
                        "fromName": "Front desk",
                    },
                ],
            ),
        ),
        (GetNotification(calendar_id="cuts", notification_id="one"), ("GET", EACH, None)),
        (
            EditNotification(calendar_id="cuts", notification_id="one", deleted=True, after_time=(), subject=None),
            ("PUT", EACH, {"deleted": True, "afterTime": [], "subject": None}),
        ),
        (DeleteNotification(calendar_id="cuts", notification_id="one"), ("DELETE", EACH, None)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_call_goes_out_as_published(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()).wire() == wire


@pytest.mark.parametrize(
    "fields",
    [
        {"receiver_type": "owner"},
        {"channel": "fax"},
        {"notification_type": "deleted"},
        {"notification_type": None},
        {"before_time": [{"timeOffset": 1, "unit": "hours", "at": "09:00"}]},
        {"deleted": True},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_a_notification_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    said = {"receiver_type": "contact", "channel": "sms", "notification_type": "booked"}
    NewNotification.model_validate(said)
    with pytest.raises(ValidationError):
        NewNotification.model_validate({**said, **fields})


def test_a_list_is_a_bare_array_whose_ids_are_underscored() -> None:
    reply = NotificationsReply.read_json(
        b' [{"_id": "one", "channel": "carrier", "afterTime": [{"timeOffset": 1, "unit": "hours"}], "x": 1},'
        b' {"id": "two", "additionalWhatsappNumbers": ["+15550100"]}]'
    )
    assert [notification.id for notification in reply.notifications] == ["one", "two"]
    assert reply.notifications[0].after_time[0].time_offset == 1
    assert reply.notifications[0].model_extra == {"x": 1}
    assert reply.notifications[1].additional_whatsapp_numbers == ("+15550100",)
    assert reply.notifications[0].model_dump(by_alias=True)["_id"] == "one"


def test_one_notification_comes_bare_and_a_change_is_answered_in_words() -> None:
    assert Notification.read({"_id": "one", "deleted": True}).deleted
    assert NotificationMessage.read({"message": "updated"}).message == "updated"
