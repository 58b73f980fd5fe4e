"""How OAuth's endpoints are asked and how they answer, in both generations: names as in `client_id`, and under
`Version: v3` as in `clientId`, in a form or as JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from service.sandbox.refusals import Refusal
from service.sandbox.tokens.grants import GrantRefused

FORM: Final = "application/x-www-form-urlencoded"
IN_V3: Final = {
    "client_id": "clientId",
    "client_secret": "clientSecret",
    "grant_type": "grantType",
    "refresh_token": "refreshToken",
    "user_type": "userType",
    "redirect_uri": "redirectUri",
    "access_token": "accessToken",
    "token_type": "tokenType",
    "expires_in": "expiresIn",
}
"""Names that are others under v3; the rest are in camel case since ever."""
BEFORE_V3: Final = {new: old for old, new in IN_V3.items()}
NAMES: Final = re.compile(rf"\b(?:{'|'.join(IN_V3)})\b")
LETTERS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1"})
"""In the last some clients say that their forms are, which are ASCII all the same."""

Form = Mapping[str, str]


def is_v3(request: web.Request) -> bool:
    return request.headers.get("Version") == "v3"


def read_form(request: web.Request, raw: bytes) -> Form:
    """What was sent, by the names of before v3; empty where it is of a kind that is not read. Raises GrantRefused."""
    v3, kind = is_v3(request), request.content_type
    if kind == FORM:
        sent = _from_form(raw, request.charset or "utf-8")
    elif kind == "application/json" and v3:
        sent = _from_json(raw)
    elif kind.startswith("multipart/"):
        raise _unreadable(f"the form is sent as {FORM}, not as {kind}")
    else:
        return {}
    return {BEFORE_V3.get(name, name): value for name, value in sent.items() if name not in IN_V3} if v3 else sent


def named(body: Mapping[str, Any], *, v3: bool) -> dict[str, Any]:
    """A body as the generation has it."""
    return {IN_V3.get(name, name): value for name, value in body.items()} if v3 else dict(body)


def refusal_v3(refusal: GrantRefused | Refusal) -> dict[str, Any]:
    """The published form of v3; its codes are published nowhere, and are those of before."""
    if isinstance(refusal, GrantRefused):
        code, said = refusal.error, [refusal.description]
    else:
        code = (refusal.error or "Unauthorized").lower().replace(" ", "_")
        said = refusal.message if isinstance(refusal.message, list) else [refusal.message]
    words = [NAMES.sub(lambda name: IN_V3[name[0]], each) for each in said]
    resolution = "Correct what the message names, and ask again."
    return {"error": {"code": code, "message": "; ".join(words), "details": words, "resolution": resolution}}


def _from_form(raw: bytes, charset: str) -> dict[str, str]:
    if charset.lower() not in LETTERS:
        raise _unreadable("the form is written in UTF-8")
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        raise _unreadable("the form is not UTF-8") from None
    except ValueError:
        raise _unreadable("the form cannot be read") from None


def _from_json(raw: bytes) -> dict[str, str]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise _unreadable("the body is no JSON") from None
    if not isinstance(body, dict):
        raise _unreadable("the body is no JSON object")
    return {name: value for name, value in body.items() if isinstance(value, str)}


def _unreadable(why: str) -> GrantRefused:
    return GrantRefused(400, "invalid_request", f"Invalid request: {why}")
