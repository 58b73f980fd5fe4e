"""The schedule of an event calendar: it has no team, so its hours are its own."""

from service.highlevel.operation import Operation
from service.highlevel.reply import Reply, SentTime
from service.highlevel.schedules import KeptRule, ScheduleRule, TimeZone


class EventCalendarSchedule(Reply):
    """Its two dates are when it was made and last changed, though the specification says who."""

    calendar_id: str
    timezone: str
    rules: tuple[KeptRule, ...] = ()
    date_added: SentTime = None
    date_updated: SentTime = None


class EventCalendarScheduleReply(Reply):
    schedule: EventCalendarSchedule


class CreateEventCalendarSchedule(
    Operation[EventCalendarScheduleReply],
    method="POST",
    path="/calendars/schedules/event-calendar/{calendar_id}",
    version="v3",
    success=201,
):
    calendar_id: str
    rules: tuple[ScheduleRule, ...]
    timezone: TimeZone


class GetEventCalendarSchedule(
    Operation[EventCalendarScheduleReply],
    method="GET",
    path="/calendars/schedules/event-calendar/{calendar_id}",
    version="v3",
):
    calendar_id: str


class EditEventCalendarSchedule(
    Operation[EventCalendarScheduleReply],
    method="PUT",
    path="/calendars/schedules/event-calendar/{calendar_id}",
    version="v3",
):
    """Change what is said. Whether `rules` replaces them all is not published: send those that stay too
    (`KeptRule.to_send`)."""

    calendar_id: str
    rules: tuple[ScheduleRule, ...] | None = None
    timezone: TimeZone | None = None
