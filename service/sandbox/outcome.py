"""What carrying out an operation comes to: the answer's body, and what is to be announced by webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from service.sandbox.records import Appointment, Location
from service.sandbox.world import World

EventType = Literal["AppointmentCreate", "AppointmentUpdate", "AppointmentDelete"]


@dataclass(frozen=True)
class Announcement:
    type: EventType
    appointment: Appointment


@dataclass(frozen=True)
class Outcome:
    """The body as JSON values, without its traceId."""

    body: dict[str, Any]
    announcements: tuple[Announcement, ...] = ()


Handler = Callable[[World, Location, Any], Outcome]
"""Carries out one operation at once and without waiting, so that two calls never interleave. Raises Refusal."""
