"""Notifications of a calendar: who is told of a booking, how, and when."""

from typing import Any, Literal

from pydantic import Field, model_validator

from service.highlevel.operation import Number, Operation, Part
from service.highlevel.reply import Done, Reply, no_refusal

ReceiverType = Literal["contact", "guest", "assignedUser", "emails", "phoneNumbers", "business"]
Channel = Literal["email", "inApp", "sms", "whatsapp"]
NotificationType = Literal["booked", "confirmation", "cancellation", "reminder", "followup", "reschedule"]


class NotificationOffset(Reply):
    """How long before or after the appointment, as kept."""

    time_offset: Number | None = None
    unit: str | None = None


class Notification(Reply):
    """A notification as kept. A deleted one stays, with `deleted` set. On the wire its id is `_id`."""

    id: str | None = Field(default=None, validation_alias="_id", serialization_alias="_id")
    receiver_type: str | None = None
    channel: str | None = None
    notification_type: str | None = None
    is_active: bool | None = None
    template_id: str | None = None
    body: str | None = None
    subject: str | None = None
    after_time: tuple[NotificationOffset, ...] = ()
    before_time: tuple[NotificationOffset, ...] = ()
    additional_email_ids: tuple[str, ...] = ()
    additional_phone_numbers: tuple[str, ...] = ()
    additional_whatsapp_numbers: tuple[str, ...] = ()
    selected_users: tuple[str, ...] = ()
    deleted: bool = False

    @model_validator(mode="before")
    @classmethod
    def is_no_refusal(cls, answer: Any) -> Any:
        """It is the answer to GetNotification, and none of its fields is counted on."""
        return no_refusal(answer)


class NotificationsReply(Reply):
    array = "notifications"

    notifications: tuple[Notification, ...]


class NotificationMessage(Done):
    """The answer to edit and delete: what was done, in words, and not the notification."""

    message: str = ""


class Offset(Part):
    """How long before or after the appointment, as in 1 `hours`. HighLevel publishes no list of units."""

    time_offset: Number | None = None
    unit: str | None = None


class NewNotification(Part):
    """One notification to be made.

    `after_time` is for follow-ups, `before_time` for reminders. `selected_users` are ids of users or the word
    `sub_account_admin`, for the channel inApp and for mail to the business. In the app neither template, subject nor
    body is needed.
    """

    receiver_type: ReceiverType
    channel: Channel
    notification_type: NotificationType
    is_active: bool | None = None
    template_id: str | None = None
    body: str | None = None
    subject: str | None = None
    after_time: tuple[Offset, ...] | None = None
    before_time: tuple[Offset, ...] | None = None
    additional_email_ids: tuple[str, ...] | None = None
    additional_phone_numbers: tuple[str, ...] | None = None
    selected_users: tuple[str, ...] | None = None
    from_address: str | None = None
    from_name: str | None = None
    from_number: str | None = None


class ListNotifications(Operation[NotificationsReply], method="GET", path="/calendars/{calendar_id}/notifications"):
    """One page, 100 where no `limit` is said. The answer does not say whether there are more."""

    calendar_id: str
    is_active: bool | None = None
    deleted: bool | None = None
    limit: int | None = None
    skip: int | None = None


class CreateNotifications(
    Operation[NotificationsReply],
    method="POST",
    path="/calendars/{calendar_id}/notifications",
    whole_body="notifications",
):
    """Add notifications to a calendar, several in one call: the body is an array."""

    calendar_id: str
    notifications: tuple[NewNotification, ...]


class GetNotification(
    Operation[Notification], method="GET", path="/calendars/{calendar_id}/notifications/{notification_id}"
):
    calendar_id: str
    notification_id: str


class EditNotification(
    Operation[NotificationMessage], method="PUT", path="/calendars/{calendar_id}/notifications/{notification_id}"
):
    """Change what is said, as in NewNotification. `deleted` marks it as deleted."""

    calendar_id: str
    notification_id: str
    receiver_type: ReceiverType | None = None
    channel: Channel | None = None
    notification_type: NotificationType | None = None
    is_active: bool | None = None
    deleted: bool | None = None
    template_id: str | None = None
    body: str | None = None
    subject: str | None = None
    after_time: tuple[Offset, ...] | None = None
    before_time: tuple[Offset, ...] | None = None
    additional_email_ids: tuple[str, ...] | None = None
    additional_phone_numbers: tuple[str, ...] | None = None
    selected_users: tuple[str, ...] | None = None
    from_address: str | None = None
    from_name: str | None = None
    from_number: str | None = None


class DeleteNotification(
    Operation[NotificationMessage], method="DELETE", path="/calendars/{calendar_id}/notifications/{notification_id}"
):
    calendar_id: str
    notification_id: str
