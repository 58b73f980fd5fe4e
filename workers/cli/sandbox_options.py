"""What the options of `slotwright sandbox` take."""

import base64
import math
import re
from typing import Any
from urllib.parse import urlsplit

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from service.sandbox.complaints import complaints
from service.sandbox.door.fault_notation import read_fault
from service.sandbox.door.faults import Fault

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class FaultType(click.ParamType[Fault]):
    name = "fault"

    def convert(self, value: Fault | str, param: click.Parameter | None, ctx: click.Context | None) -> Fault:
        if isinstance(value, Fault):
            return value
        try:
            return read_fault(value)
        except ValidationError as error:
            self.fail("; ".join(complaints(error)), param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    of = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):  # which is in every range
            self.fail(f"{value} is no number of {self.of}.", param, ctx)
        return number


class Percent(Seconds):
    of = "percent"


class WebhookUrl(click.ParamType[str]):
    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _is_web_address(value):
            self.fail("it is no address as in http://127.0.0.1:8000/hooks/highlevel", param, ctx)
        return value


class Word(click.ParamType[str]):
    """What can stand in a header and in a path."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[!-.0-~]+", value):  # no slash
            self.fail("it is not printable ASCII without spaces and slashes", param, ctx)
        return value


class Header(click.ParamType[tuple[str, str]]):
    """As in `Name: value`; what is wrong with it is said without its value, which may be a secret."""

    name = "header"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, text = value.partition(":")
        if not (colon and HEADER_NAME.fullmatch(name) and re.fullmatch(r"[ -~\t]*", text)):
            self.fail("it is no header as in 'Name: value'", param, ctx)
        return name, text.strip()


def signing_key(text: str) -> Ed25519PrivateKey:
    """From 32 bytes in base64."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise click.ClickException("--signing-key (SANDBOX_SIGNING_KEY) is not 32 bytes in base64") from None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"\s", text)
        )
    except ValueError:
        return False
