"""Errors as pages: what a visitor is told when something is not there, not understood, not allowed or away."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from service import telemetry
from service.console.pages import page, wants_json
from service.problem import problem
from service.store.database import AWAY, UNFIT
from service.telemetry import Tally

log = structlog.get_logger()

TALLY = web.AppKey("tally", Tally)

COME_AGAIN = 10
"""Seconds after which a page of a database that is away is asked for again."""


class Refused(Exception):
    """Said to the visitor as it is. `retry_after` is in seconds; `closes` ends the connection with the answer."""

    def __init__(
        self, status: int, title: str, detail: str, *, retry_after: int | None = None, closes: bool = False
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = retry_after
        self.closes = closes


@web.middleware
async def errors_are_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        answer = _answer(request, refused)
        if refused.closes:
            answer.force_close()
        return answer
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = _answer(request, Refused(error.status, *_words(error)))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except AWAY:
        away = "Webhooks are answered 429 meanwhile and come again, and workers wait: nothing is lost."
        return _answer(request, Refused(503, "The database does not answer", away, retry_after=COME_AGAIN))
    except UNFIT:
        unfit = "It lacks the schema of this version, or lets us not read it: run slotwright migrate."
        return _answer(request, Refused(503, "The database is another version's", unfit, retry_after=COME_AGAIN))
    except Exception as error:
        request.app[TALLY].add("unexpected_errors", role="console")
        log.exception("unexpected error", path=request.path)
        telemetry.report(error)
        return _answer(request, Refused(500, "Our fault", "Something went wrong here, and it was written down."))


def _words(error: web.HTTPException) -> tuple[str, str]:
    match error.status:
        case 404:
            return "Nothing is here", "There is no page of this name."
        case 405:
            return "Not like this", "This page cannot be asked in this way."
        case 413:
            return "Too large", "This is more than any form of ours sends."
        case _:
            return error.reason, "The request was not understood."


def _answer(request: web.Request, refused: Refused) -> web.Response:
    if wants_json(request):
        return problem(refused.status, refused.title, refused.detail, retry_after=refused.retry_after)
    answer = page(
        request,
        "error.html",
        status=refused.status,
        title=refused.title,
        detail=refused.detail,
        again=COME_AGAIN if refused.status == 503 and request.method == "GET" else None,
    )
    if refused.retry_after is not None:
        answer.headers["Retry-After"] = str(refused.retry_after)
    return answer
