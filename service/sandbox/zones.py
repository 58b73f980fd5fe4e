"""Time zones by their names."""

from zoneinfo import ZoneInfo

from service.sandbox import refusals


def known_zone(name: str) -> ZoneInfo:
    """Raises Refusal."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise refusals.unprocessable("timezone must be a valid IANA time zone") from error
