"""Sentry: unexpected errors with our ids and nothing of a booking. What goes out is made anew from what may."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.arq import ArqIntegration

from service.settings import Settings
from service.telemetry.subject import carried_by

IDENTIFIER = re.compile(r"[A-Za-z_][\w.]{0,199}|<\w{1,30}>", re.ASCII)
PLACE = re.compile(r"[\w./<>\-]{1,300}", re.ASCII)
HEXADECIMAL = re.compile(r"[0-9a-f]{16,32}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VERSION = re.compile(r"[\w.+@/-]{1,200}", re.ASCII)

TAGS = {
    "delivery": UUID,
    "step": UUID,
    "lane": UUID,
    "rule": re.compile(r"(?!.*\d{5})[\w .,:'()&/+-]{1,100}"),
    "location": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "role": re.compile(r"[a-z]{1,20}"),
}
"""What an event may be tagged with, and the shape that each must have."""

OF_ALERTS = TAGS | {"kind": re.compile(r"[a-z_]{1,40}"), "times": re.compile(r"\d{1,9}")}

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Alarmed:
    """An alert as Sentry is told of it; its text, which may name somebody, is not. `times`: since it was told last."""

    kind: str
    urgent: bool
    rule: str
    location: str
    delivery: str
    times: int


def set_up(settings: Settings, role: str, release: str) -> None:
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        release=release,
        environment=settings.environment,
        integrations=[AioHttpIntegration(), ArqIntegration()],
        auto_enabling_integrations=False,
        before_send=lambda event, hint: _only_what_may(event, hint, role),
        before_send_transaction=lambda _event, _hint: None,
        before_breadcrumb=lambda _breadcrumb, _hint: None,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        # Nothing of ours is told to HighLevel, and nothing that a sender says of its own traces goes on.
        trace_propagation_targets=[],
        propagate_traces=False,
        strict_trace_continuation=True,
        spotlight=False,
    )


def report(error: BaseException, **ids: str) -> None:
    """Tell Sentry of an unexpected error. Besides `ids` it is tagged with what was being worked on."""
    with sentry_sdk.new_scope() as scope:
        for name, value in ids.items():
            scope.set_tag(name, value)
        sentry_sdk.capture_exception(error)


def alert(alarmed: Alarmed) -> None:
    """Tell Sentry of an alert. It is sent by the SDK, in its own time, and whether it came there nobody says."""
    sentry_sdk.capture_event({"message": "alert"}, hint={"alert": alarmed})


def _of_alert(event: Found, alarmed: Alarmed, role: str) -> dict[str, Any]:
    ids = _matching({**asdict(alarmed), "times": str(alarmed.times), "role": role}, OF_ALERTS)
    return {
        **_of_all(event),
        "level": "error" if alarmed.urgent else "warning",
        "message": ": ".join(filter(None, (f"alert: {ids.get('kind', 'of a kind')}", ids.get("rule")))),
        "fingerprint": ["alert", *(ids.get(name, "") for name in ("kind", "location", "rule"))],
        "tags": ids,
    }


def _only_what_may(event: Any, hint: Mapping[str, Any], role: str) -> Any:
    if isinstance(alarmed := hint.get("alert"), Alarmed):
        return _of_alert(event, alarmed, role)
    found = (event.get("exception") or {}).get("values")
    if not found:
        return None  # a line of a log, whose words may quote anything
    error = (hint.get("exc_info") or (None, None, None))[1]
    ids = {**(event.get("tags") or {}), **structlog.contextvars.get_contextvars(), **carried_by(error), "role": role}
    return {
        **_of_all(event),
        **_matching(event, {"level": IDENTIFIER, "logger": IDENTIFIER}),
        "tags": _matching(ids, TAGS),
        "contexts": _contexts(event.get("contexts") or {}),
        "exception": {"values": [_exception(each) for each in found]},
    }


def _of_all(event: Found) -> dict[str, Any]:
    return {
        **_matching(event, {"event_id": HEXADECIMAL, "platform": IDENTIFIER}),
        **_matching(event, {"environment": VERSION, "release": VERSION}),
        "sdk": _matching(event.get("sdk") or {}, {"name": IDENTIFIER, "version": VERSION}),
        **({"timestamp": event["timestamp"]} if "timestamp" in event else {}),
    }


def _exception(found: Found) -> dict[str, Any]:
    """Kind and places. Its words, and the notes that were added to them, may quote anything."""
    mechanism = found.get("mechanism") or {}
    frames = (found.get("stacktrace") or {}).get("frames") or ()
    return {
        **_matching(found, {"type": IDENTIFIER, "module": IDENTIFIER}),
        "mechanism": {
            "type": "generic",
            **_matching(mechanism, {"type": IDENTIFIER}),
            **_whole(mechanism, ("handled", "exception_id", "parent_id", "is_exception_group")),
        },
        "stacktrace": {
            "frames": [
                {
                    **_matching(frame, {"function": IDENTIFIER, "module": IDENTIFIER, "filename": PLACE}),
                    **_whole(frame, ("lineno", "in_app")),
                }
                for frame in frames
            ]
        },
    }


def _contexts(found: Found) -> dict[str, Any]:
    return {
        "runtime": _matching(found.get("runtime") or {}, {"name": IDENTIFIER, "version": VERSION}),
        "trace": _matching(found.get("trace") or {}, {"trace_id": HEXADECIMAL, "span_id": HEXADECIMAL}),
    }


def _matching(found: Found, shapes: Mapping[str, re.Pattern[str]]) -> dict[str, str]:
    return {
        name: value
        for name, shape in shapes.items()
        if isinstance(value := found.get(name), str) and shape.fullmatch(value)
    }


def _whole(found: Found, names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if isinstance(value := found.get(name), int)}
