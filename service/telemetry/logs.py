"""Log lines: ours and everybody else's, in one form, on standard error. JSON for machines, readable on a terminal."""

import contextlib
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from service.telemetry.subject import carried_by, with_causes

WITHHELD = "…"
"""Stands where another library put a value into its line: that may quote a booking, a row, an address."""

Line = MutableMapping[str, Any]


def set_up(form: str, level: str, role: str) -> None:
    """`form` is json or text. Of other libraries only warnings are told, and none of the values in them."""
    stream = sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )

    def with_role(_logger: Any, _method: str, line: Line) -> Line:
        # Not bound to the context: a thread of a library's own has none.
        line.setdefault("role", role)
        return line

    structlog.configure(
        processors=[
            with_role,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _places_of_errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OthersLines(renderer, role))
    logging.basicConfig(level=max(logging.WARNING, getattr(logging, level.upper())), handlers=[handler], force=True)
    log = structlog.get_logger()

    def warn(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.warning("a warning of Python's", category=category.__name__, at=f"{filename}:{lineno}")

    def uncaught(_kind: type[BaseException], error: BaseException, _traceback: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            return
        log.critical("uncaught error", error=type(error).__name__, exc_info=error)

    def uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
        log.critical("uncaught error in a thread", error=found.exc_type.__name__, exc_info=found.exc_value)

    def unraisable(found: Any) -> None:
        log.error("error that nobody could be told of", error=found.exc_type.__name__, exc_info=found.exc_value)

    warnings.showwarning = warn
    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    sys.unraisablehook = unraisable


def tell_machines(words: str) -> bool:
    """Log the words that a command ends with, if it was set up to write for machines; else they are for a person."""
    if not isinstance(structlog.get_config()["processors"][-1], structlog.processors.JSONRenderer):
        return False
    structlog.get_logger().critical(words)
    return True


class OthersLines(logging.Formatter):
    """Lines of other libraries in the form of ours: the first of each, numbers left, other values withheld."""

    def __init__(self, renderer: Any, role: str) -> None:
        super().__init__()
        self._renderer = renderer
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line: Line = {
            "role": self._role,
            **structlog.contextvars.get_contextvars(),
            "event": _words(record),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exc_info"] = record.exc_info[1]
        return str(self._renderer(None, line["level"], _places_of_errors(None, line["level"], line)))


def _words(record: logging.LogRecord) -> str:
    template = str(record.msg)
    if record.args:
        given = record.args if isinstance(record.args, tuple) else (record.args,)
        kept = tuple(value if isinstance(value, int | float) else WITHHELD for value in given)
        with contextlib.suppress(TypeError, ValueError, KeyError):
            template %= kept
    first = (template.splitlines() or [""])[0]
    # asyncio names the call that failed, with what it was called with.
    return first.partition("(")[0] if record.name == "asyncio" else first


def places(error: BaseException | None) -> str:
    """Kind and places of an error and of what caused it, without their words: they may quote a booking or a row."""
    lines = []
    for each in with_causes(error):
        lines += [f"{type(each).__name__} at", *traceback.format_tb(each.__traceback__)]
        if isinstance(each, BaseExceptionGroup):
            lines += [f"of {type(part).__name__}" for part in each.exceptions]
    return "\n".join(line.rstrip() for line in lines)


def _places_of_errors(_logger: Any, _method: str, line: Line) -> Line:
    told = line.pop("exc_info", None)
    if told:
        error = told if isinstance(told, BaseException) else sys.exc_info()[1]
        for name, value in carried_by(error).items():
            line.setdefault(name, value)
        line["exception"] = places(error)
    return line
