"""OAuth 2.0 as HighLevel speaks it: tokens for a code, for a refresh token, and a location's for its agency's."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import wraps
from typing import Annotated, Any, Literal, ParamSpec, Self
from urllib.parse import quote, quote_plus, urlencode

import aiohttp
from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic import ValidationError as Unfit
from pydantic.alias_generators import to_camel

from service.highlevel.answer import Answer, json_of, seconds, unreadable
from service.highlevel.connection import begin, require_sends_once, unanswered
from service.highlevel.errors import (
    HighLevelError,
    TokenRefused,
    Unauthorized,
    Unreadable,
    error_for,
)

VERSION = "2021-07-28"
"""Under v3 the last of the calls has another path."""

CONNECT, TOTAL = 3.0, 5.0
"""Seconds: until a connection stands, and for one call."""

REPEAT_WITHIN = 4.0
"""Seconds after which a refresh is not tried once more: with the call that is begun then it takes less than ten."""

PAUSE = 0.1
"""Seconds, the half of the first pause; each is twice as long as the one before."""

P = ParamSpec("P")
UserType = Literal["Location", "Company"]
Id = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class Granted(BaseModel):
    """What HighLevel gave. No token of it is shown by repr.

    `user_type` is what the token is for, whatever was asked for: Location, or Company for an agency.
    """

    # The newest version of the API writes all names in camel case, the ones before only some of them.
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name))),
        validate_by_name=True,
    )

    access_token: SecretStr = Field(min_length=1)
    refresh_token: SecretStr | None = None
    expires_in: int = Field(gt=0, le=10**9)
    """Seconds."""
    scope: str = ""
    user_type: UserType
    company_id: Id = None
    location_id: Id = None

    @model_validator(mode="after")
    def _says_for_whom(self) -> Self:
        if (self.location_id if self.user_type == "Location" else self.company_id) is None:
            raise ValueError("it does not say for whom it is")
        return self

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(self.scope.split())


def _frameless(call: Callable[P, Coroutine[Any, Any, Granted]]) -> Callable[P, Coroutine[Any, Any, Granted]]:
    """What it raises forgets the frames it passed: they hold secrets, and some reports show what frames hold."""

    @wraps(call)
    async def frameless(*arguments: P.args, **more: P.kwargs) -> Granted:
        try:
            return await call(*arguments, **more)
        except BaseException as error:
            # This very frame is passed as well.
            del arguments, more
            error.__context__ = None
            raise error.with_traceback(None) from None

    return frameless


class OAuth:
    """The three calls, for one app. Each is sent once but `refresh`. Raises HighLevelError."""

    def __init__(self, base: str, client_id: str, client_secret: SecretStr, session: aiohttp.ClientSession) -> None:
        """`session`: from `open_session`; it stays the caller's. Raises ValueError for another."""
        require_sends_once(session)
        self._base = base.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._session = session

    def __repr__(self) -> str:
        return f"OAuth({self._base}, {self._client_id})"

    @_frameless
    async def exchange(self, code: SecretStr, redirect_url: str, user_type: UserType) -> Granted:
        """For the code that came to `redirect_url`. A code is good once: whoever gets no answer asks for another."""
        text = code.get_secret_value()
        form = {"grant_type": "authorization_code", "code": text, "user_type": user_type, "redirect_uri": redirect_url}
        return await self._token("AccessToken", form, secrets=[text])

    @_frameless
    async def refresh(self, refresh_token: SecretStr, user_type: UserType) -> Granted:
        """The next tokens. Raises TokenRefused when HighLevel knows the refresh token no more.

        A refresh token is good once, but for thirty seconds gives the same answer again (HighLevel's change log); so
        where the answer was lost it is asked for again at once.
        """
        text = refresh_token.get_secret_value()
        form = {"grant_type": "refresh_token", "refresh_token": text, "user_type": user_type}
        until = time.monotonic() + REPEAT_WITHIN
        pause = PAUSE
        while True:
            try:
                return await self._token("RefreshToken", form, secrets=[text])
            except HighLevelError as error:
                pause = max(2 * pause, error.retry_after or 0)
                if not error.retry or time.monotonic() + pause > until:
                    raise error from None
                await asyncio.sleep(pause)

    @_frameless
    async def location_token(self, agency_token: SecretStr, company_id: str, location_id: str) -> Granted:
        """A location's tokens, for the agency's, where the agency has installed the app for it.

        The answer names the location and says neither what kind of token it is nor of which agency (the published
        schema); that is what was asked for. Raises Unreadable for one that names something else.
        """
        form = {"companyId": company_id, "locationId": location_id}
        text = agency_token.get_secret_value()
        headers = {"Authorization": f"Bearer {text}"}
        asked = {"userType": "Location", **form}
        return await self._post("LocationToken", "/oauth/locationToken", form, headers, secrets=[text], asked=asked)

    async def _token(self, name: str, form: Mapping[str, str], *, secrets: Iterable[str]) -> Granted:
        secret = self._client_secret.get_secret_value()
        whole = {"client_id": self._client_id, "client_secret": secret, **form}
        return await self._post(name, "/oauth/token", whole, {}, secrets=[secret, *secrets])

    async def _post(
        self,
        name: str,
        path: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        secrets: Iterable[str],
        asked: Mapping[str, str] | None = None,
    ) -> Granted:
        """`asked` is taken for what the answer leaves out."""
        way = begin()
        try:
            async with self._session.post(
                self._base + path,
                data=form,
                headers={**headers, "Version": VERSION, "Accept": "application/json"},
                timeout=aiohttp.ClientTimeout(total=TOTAL, sock_connect=CONNECT),
                allow_redirects=False,
            ) as response:
                body = await response.read()
                status, retry_after = response.status, seconds(response.headers.get("Retry-After"))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise unanswered(name, error, way, TOTAL) from None
        if not 200 <= status < 300:
            raise _refusal(name, Answer(status, None, retry_after, body), secrets)
        try:
            return read_granted(name, body, asked or {})
        except Unfit as faults:
            raise unreadable(name, faults, status) from None


def read_granted(operation: str, body: bytes, asked: Mapping[str, str]) -> Granted:
    """`asked` is taken for what the answer leaves out. Raises pydantic's ValidationError, and Unreadable for an answer
    that is for something else."""
    told = json_of(body)
    if not asked or not isinstance(told, dict):
        return Granted.model_validate_json(body)
    said = {name: value for name, value in told.items() if value not in (None, "")}
    granted = Granted.model_validate({**asked, **said})
    if (granted.user_type, granted.location_id) != (asked["userType"], asked["locationId"]):
        raise Unreadable(operation, "the answer is for another location")
    return granted


def authorize_url(page: str, client_id: str, redirect_url: str, scopes: Iterable[str], state: str) -> str:
    """Where somebody chooses the location, or the agency, that the app may act in. `page` is HighLevel's."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_url,
        "scope": " ".join(scopes),
        "state": state,
        "loginWindowOpenMode": "self",
    }
    return f"{page}{'&' if '?' in page else '?'}{urlencode(query, quote_via=quote)}"


def _refusal(name: str, answer: Answer, secrets: Iterable[str]) -> HighLevelError:
    """By OAuth's own codes where there is one, else as for any call."""
    told = json_of(answer.body)
    told = told if isinstance(told, dict) else {}
    code = str(told.get("error") or "")
    words = str(told.get("error_description") or told.get("message") or code or "no message")
    words = _without(words, secrets)[:400].encode(errors="replace").decode().replace("\0", "")
    kind: type[HighLevelError] = error_for(answer.status, words)
    if answer.status < 500 and answer.status != 429:
        kind = {"invalid_grant": TokenRefused, "invalid_client": Unauthorized}.get(code, kind)
    trace_id = told.get("traceId")
    trace_id = trace_id if isinstance(trace_id, str) else None
    return kind(name, words, status=answer.status, trace_id=trace_id, retry_after=answer.retry_after)


def _without(words: str, secrets: Iterable[str]) -> str:
    """They are kept and shown: should they quote what was sent, that goes no further."""
    for secret in secrets:
        for form in {secret, quote(secret, safe=""), quote_plus(secret)} - {""}:
            words = words.replace(form, "…")
    return words
