"""What is told of the service while it runs: log lines, Sentry, tallies, traces. Set up once by each role's command."""

from importlib.metadata import version

from service.settings import Settings
from service.telemetry import logs, sentry
from service.telemetry.logs import places
from service.telemetry.outage import Outage
from service.telemetry.sentry import report
from service.telemetry.subject import carried_by, working_on
from service.telemetry.tally import Tally

__all__ = ["Outage", "Tally", "carried_by", "places", "release", "report", "set_up", "working_on"]


def set_up(settings: Settings, role: str) -> None:
    """Configure logging to standard error and, where a DSN is set, Sentry."""
    logs.set_up(settings.log_format, settings.log_level, role)
    if settings.sentry_dsn.get_secret_value():
        sentry.set_up(settings, role, release(settings))


def release(settings: Settings) -> str:
    """What this release is called where releases are told apart."""
    return settings.release or f"slotwright@{version('slotwright')}"
