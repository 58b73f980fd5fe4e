"""Layout: bodies and calls as a page draws them, on a sheet that has an end."""

import json
from typing import Any

from service.console.words import cut

DUMPED = 4096
"""Bytes shown of a body that is no text."""

GROWTH = 4
"""How many times its size a value may have laid out; indentation multiplies what is nested deeply by its depth."""

LITTLE = 1024
"""Characters below which growth is nobody's trouble."""


class Sheet:
    """So many characters are drawn on it and no more: what comes later has what is left."""

    def __init__(self, room: int) -> None:
        self._room = room

    def body(self, body: bytes) -> tuple[str, str]:
        """A body laid out if it is JSON and has room so, else as text, else in hexadecimal; and which of these."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            lines = [body[at : at + 16].hex(" ") for at in range(0, min(len(body), DUMPED), 16)]
            left = len(body) - DUMPED
            return "\n".join([*lines, f"… and {left} bytes more"] if left > 0 else lines), "no text: hexadecimal"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self._text(text), "no JSON: as it came"
        if (laid_out := self._laid_out(value, text)) is None:
            return self._text(text), "JSON, as it came"
        return laid_out, "JSON, laid out"

    def value(self, value: Any) -> str:
        """What was asked or answered, laid out if it has room so."""
        try:
            text = json.dumps(value, ensure_ascii=False)
        except RecursionError:
            return "nested too deeply to be drawn"
        laid_out = self._laid_out(value, text)
        return self._text(text) if laid_out is None else laid_out

    def _laid_out(self, value: Any, text: str) -> str | None:
        """`text` is the value without indentation. None where there is no room, known before it has been taken."""
        most, length, parts = min(self._room, max(LITTLE, GROWTH * len(text))), 0, []
        try:
            for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
                length += len(part)
                if length > most:
                    return None
                parts.append(part)
        except RecursionError:
            return None
        self._room -= length
        return "".join(parts)

    def _text(self, text: str) -> str:
        drawn = cut(text, self._room)
        self._room = max(0, self._room - len(text))
        return drawn
