"""Kinds: what a fact is, which decides how it may be tested."""

from enum import Enum


class Kind(Enum):
    """The value is what an author calls it."""

    TEXT = "text"
    STATUS = "a status"
    MOMENT = "a moment"
    DURATION = "a duration"
    NUMBER = "a number"
    PERSON = "a person"
    CALENDAR = "a calendar"
    FLAG = "true or false"
