"""Schedules of people in the sandbox."""

from typing import Any

from service.sandbox.outcome import Handler

HANDLERS: dict[type[Any], Handler] = {}
