"""Calendars in the sandbox: set up, change, delete."""

from typing import Any

from service.sandbox.outcome import Handler

HANDLERS: dict[type[Any], Handler] = {}
