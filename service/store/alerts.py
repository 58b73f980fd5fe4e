"""Alerts: what somebody should look at. The same of one rule and kind within a quarter of an hour is one, counted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from service.store.database import Connection
from service.store.identifiers import new_id
from service.store.ledger import Entry, Sheet

TOGETHER = timedelta(minutes=15)

KINDS: Final[Mapping[str, bool]] = {
    "urgent": True,  # by a rule, which says so
    "breaker": True,  # work is held back: of everything, of a location, or of a rule that failed or reached its limit
    "token": True,  # HighLevel refuses a location's token
    "alert": False,  # by a rule
    "parked": False,  # something waits for somebody
    "late": False,  # something was not done in time
}
"""Whether somebody is woken for it. Of a kind that is not here nobody is."""

OF_RULES: Final = ("urgent", "alert")
"""Kinds whose texts are rules' own, and may name a person."""

URGENT: Final = tuple(kind for kind, wakes in KINDS.items() if wakes)


class Alarm(BaseModel):
    """An alert that a rule raises, as a value: what a step stores, and what becomes an alert as the step ends. `text`
    is as its author wants it, and may name a person."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    text: str
    urgent: bool = False

    @property
    def kind(self) -> str:
        """Two kinds, so that what wakes somebody is never counted among what does not."""
        return "urgent" if self.urgent else "alert"

    def stored(self) -> dict[str, Any]:
        """As kept in a step, beside HighLevel's operations."""
        return {"operation": ALARM, "fields": self.model_dump(mode="json")}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `stored`."""
        return cls.model_validate(stored["fields"])


ALARM: Final = Alarm.__name__
"""What a stored operation is called that is an Alarm and none of HighLevel's."""


def is_alarm(stored: Mapping[str, Any]) -> bool:
    return bool(stored["operation"] == ALARM)


# Two at once that find none yet agree on the id of the new one, and the second counts it.
RAISE = Sheet(
    85,
    """
    WITH new AS (
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
            AS new (alert_id, location_id, rule, kind, text, delivery_id)
    ),
    first AS (SELECT DISTINCT ON (location_id, rule, kind) * FROM new ORDER BY location_id, rule, kind, alert_id),
    times AS (SELECT location_id, rule, kind, count(*)::int AS times FROM new GROUP BY location_id, rule, kind),
    known AS (
        UPDATE alerts SET times = alerts.times + times.times, last_at = clock_timestamp()
        FROM times
        WHERE alerts.alert_id = (
            SELECT alert_id FROM alerts latest
            WHERE latest.location_id = times.location_id AND latest.rule = times.rule AND latest.kind = times.kind
                AND latest.first_at > now() - interval '15 minutes' AND latest.text <> 'erased'
            ORDER BY first_at DESC LIMIT 1
        )
        RETURNING alerts.location_id, alerts.rule, alerts.kind
    )
    INSERT INTO alerts (alert_id, location_id, rule, kind, text, delivery_id, times)
    SELECT md5(concat_ws(' ', location_id, rule, kind, extract(epoch FROM now())::bigint / 900))::uuid,
        location_id, rule, kind, text, delivery_id, times
    FROM first JOIN times USING (location_id, rule, kind)
    WHERE NOT EXISTS (
        SELECT FROM known WHERE known.location_id = first.location_id AND known.rule = first.rule
            AND known.kind = first.kind
    )
    ON CONFLICT (alert_id) DO UPDATE SET times = alerts.times + excluded.times, last_at = clock_timestamp()
    """,
)

LATEST = """
    SELECT a.alert_id, a.location_id, a.rule, a.kind, a.text, a.delivery_id, a.times, a.first_at, a.last_at,
        l.name AS location_name, l.time_zone
    FROM alerts a LEFT JOIN locations l USING (location_id)
    WHERE a.last_at > now() - $1::interval ORDER BY a.last_at DESC LIMIT $2
"""


def raised(kind: str, text: str, *, location_id: str = "", rule: str = "", delivery_id: UUID | None = None) -> Entry:
    """`kind` is a word of KINDS; `text` is for whoever is on call, and names no person but where a rule's author wants
    it to."""
    alert_id = new_id()
    return Entry(RAISE, alert_id, (alert_id, location_id, rule, kind, text, delivery_id))


def missed(moment: str, location_id: str, rule: str, delivery_id: UUID) -> Entry:
    """That a rule was not asked at a moment that it waited for."""
    text = f"{moment}: the moment was missed"
    return raised("late", text, location_id=location_id, rule=rule, delivery_id=delivery_id)


async def latest(connection: Connection, within: timedelta, limit: int) -> list[Mapping[str, Any]]:
    """Those that were last raised within this time, the newest first."""
    return [dict(row) for row in await connection.fetch(LATEST, within, limit)]
