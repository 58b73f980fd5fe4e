"""A person as somebody asks to have them found or forgotten: by contact id, e-mail or phone. Pure.

An address is somebody's where JSON says so: under a name such as `email` or `phone`, beside or within what names the
contact. Anywhere else (a note, a title) it is only mentioned, and may stand in what is another's.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

from pydantic import SecretStr

from service.highlevel.operation import is_id

Kind: TypeAlias = Literal["contact", "email", "phone"]

ADDRESS = re.compile(r"[^\s@\"\\]+@[^\s@\"\\]+\.[^\s@\"\\.]+")
SHORTEST_PHONE = 7
"""Digits; what is shorter would be found in everything."""

NAMED = {"email": re.compile(r"mail", re.IGNORECASE), "phone": re.compile(r"phone|mobile|\btel", re.IGNORECASE)}
"""How a field is called that holds its owner's address."""

BETWEEN_DIGITS = r"[\s().\-/\u00a0\u2010-\u2015]*"
PLAIN = re.compile(r"[a-z0-9.\-]+")


class NotAPerson(ValueError):
    """No contact id, address or number. Says in words for whoever asked; never repeats what was asked."""


@dataclass(frozen=True)
class Person:
    """Who is asked for. `asked` is in the form that two spellings of one address share."""

    kind: Kind
    asked: str

    def __repr__(self) -> str:
        return f"Person({self.kind})"

    @classmethod
    def of(cls, kind: Kind, text: str) -> "Person":
        """Raises NotAPerson."""
        text = text.strip()
        if kind == "contact":
            if not is_id(text):
                raise NotAPerson("that is no contact's id")
            return cls(kind, text)
        if kind == "email":
            if not ADDRESS.fullmatch(text) or not _longest_plain(text.casefold().rpartition("@")[2]):
                raise NotAPerson("that is no e-mail address")
            return cls(kind, text.casefold())
        digits = re.sub(r"\D", "", text)
        abroad = text.startswith("+") or digits.startswith("00")
        digits = digits.lstrip("0")
        if len(digits) < SHORTEST_PHONE or re.search(r"[^\d\s().+\-/]", text):
            raise NotAPerson(f"that is no phone number of {SHORTEST_PHONE} digits or more")
        return cls(kind, f"+{digits}" if abroad else digits)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in text, case folded."""
        if self.kind == "contact":
            return re.compile(rf"(?<![a-z0-9_-]){re.escape(self.asked.casefold())}(?![a-z0-9_-])")
        if self.kind == "email":
            return re.compile(rf"(?<![\w.%+\-]){re.escape(self.asked)}(?![\w\-]|\.\w)")
        digits = self.asked.removeprefix("+")
        if not self.asked.startswith("+"):
            country = rf"(?:(?:\+|00){BETWEEN_DIGITS}\d{{1,3}}{BETWEEN_DIGITS})?"
            return re.compile(rf"(?<!\d){country}0?{BETWEEN_DIGITS}{_spaced(digits)}(?!\d)")
        # As it is dialled at home: how long the country's own number is, nobody can tell from here.
        forms = [rf"(?:00)?{BETWEEN_DIGITS}{_spaced(digits)}"]
        forms += [
            rf"(?:(?:\+|00)?{_spaced(digits[:n])}{BETWEEN_DIGITS})?0{BETWEEN_DIGITS}{_spaced(digits[n:])}"
            for n in (1, 2, 3)
        ]
        forms += [_spaced(digits[1:])] if digits.startswith("1") else []
        return re.compile(rf"(?<!\d)(?:{'|'.join(forms)})(?!\d)")

    @property
    def word(self) -> str | None:
        """What the database looks for in lower case before we look closer: it is in each text that mentions them."""
        match self.kind:
            case "contact":
                return self.asked.lower()
            case "email":
                return _longest_plain(self.asked.rpartition("@")[2])
            case "phone":
                return None

    @property
    def digits(self) -> str | None:
        """The same of a phone number, where all but digits is left out."""
        return self.asked[-SHORTEST_PHONE + 1 :] if self.kind == "phone" else None

    def mentioned_in(self, *values: Any) -> bool:
        """Whether JSON, text or the bytes of a body say it anywhere."""
        text = " ".join(_text(value) for value in values).casefold()
        return self.pattern.search(text) is not None or ("%" in text and self.pattern.search(unquote(text)) is not None)

    def owners(self, contact_id: str | None, *values: Any) -> frozenset[str]:
        """The contacts whose address JSON says that it is; `contact_id` is that of the row it stands in."""
        if self.kind == "contact":
            return frozenset({self.asked})
        found = (each for value in values for each in self._owners(contact_id, _json(value)))
        return frozenset(each for each in found if each and is_id(each))

    def digest(self, key: SecretStr) -> str:
        """Tells whether somebody was asked for to who has the key, and says nothing to who has not."""
        return digest(key, self.kind, self.asked)

    def _owners(self, contact_id: str | None, value: Any, name: str = "") -> Iterator[str | None]:
        match value:
            case dict():
                own = value.get("contactId") or value.get("contact_id")
                if name in ("contact", "contacts"):
                    own = own or value.get("id")
                for key, each in value.items():
                    yield from self._owners(own if isinstance(own, str) else contact_id, each, key)
            case list():
                for each in value:
                    yield from self._owners(contact_id, each, name)
            case str() | int() if NAMED[self.kind].search(name) and self.mentioned_in(str(value)):
                yield contact_id


def digest(key: SecretStr, kind: Kind, text: str) -> str:
    """Of a contact's id or an address."""
    return hmac.new(key.get_secret_value().encode(), f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()


def people(contacts: Iterable[str]) -> list[Person]:
    """Contacts as they may be asked for."""
    return [Person("contact", contact) for contact in contacts]


def _longest_plain(text: str) -> str:
    return max(PLAIN.findall(text), key=len, default="")


def _spaced(digits: str) -> str:
    return BETWEEN_DIGITS.join(digits)


def _json(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        read = _json(value)
        value = value.decode(errors="replace") if read is None else read
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
