"""Log lines and Sentry, set up once by the command that starts a role."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.arq import ArqIntegration

from service.settings import Settings

SAFE_TAGS = ("delivery", "step", "rule", "location", "lane")


def set_up(settings: Settings, role: str) -> None:
    """Configure logging to standard error and, where a DSN is set, Sentry."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _places_of_errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(role=role)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlacesOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if dsn := settings.sentry_dsn.get_secret_value():
        sentry_sdk.init(
            dsn=dsn,
            environment=settings.environment,
            integrations=[AioHttpIntegration(), ArqIntegration()],
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=_only_what_is_safe,
        )


class PlacesOnly(logging.Formatter):
    """Lines of other libraries: the first of each, for what follows it, and an error's words, may quote a booking."""

    def format(self, record: logging.LogRecord) -> str:
        told = f"{record.name}: {record.getMessage().splitlines()[0]}" if record.getMessage() else record.name
        return f"{told}\n{places(record.exc_info[1])}" if record.exc_info else told


def places(error: BaseException | None) -> str:
    """Kind and places of an error and of what caused it, without their words: they may quote a booking or a row."""
    lines = []
    while error is not None:
        lines += [f"{type(error).__name__} at", *traceback.format_tb(error.__traceback__)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(line.rstrip() for line in lines)


def _places_of_errors(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    told = line.pop("exc_info", None)
    if told:
        error = told if isinstance(told, BaseException) else sys.exc_info()[1]
        line["exception"] = places(error)
    return line


def report(error: BaseException, **tags: str) -> None:
    """Tell Sentry of an unexpected error, with ids only."""
    with sentry_sdk.new_scope() as scope:
        for name, value in tags.items():
            scope.set_tag(name, value)
        sentry_sdk.capture_exception(error)


def _only_what_is_safe(event: Any, _hint: dict[str, Any]) -> Any:
    """Kinds and places of errors, and our ids: an error's own words may quote a booking."""
    event.pop("request", None)
    event.pop("breadcrumbs", None)
    for words in ("extra", "logentry", "message"):
        event.pop(words, None)
    event["tags"] = {name: value for name, value in (event.get("tags") or {}).items() if name in SAFE_TAGS}
    for exception in (event.get("exception") or {}).get("values", ()):
        exception["value"] = ""
    return event
