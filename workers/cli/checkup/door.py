"""The door: whether webhooks get through to our receiver, as far as that can be told from here."""

from collections.abc import Sequence

import aiohttp

from service.problem import CONTENT_TYPE
from workers.cli.checkup.finding import Finding, address, failed, ok, skipped, warning

HOOK, READY = "/hooks/highlevel", "/readyz"
ADVICE = "look at the Ingress or proxy before the receiver, and at PUBLIC_URL"


class Door:
    def __init__(self, public_url: str, session: aiohttp.ClientSession) -> None:
        self._url = public_url.rstrip("/")
        self._session = session

    async def check(self, newest: str) -> Sequence[Finding]:
        """`newest`: when the newest delivery arrived, in words."""
        if not self._url:
            told = f"cannot be told from here; {newest}"
            return [skipped("door", told, "set PUBLIC_URL to where the receiver is reached from outside")]
        where = address(self._url)
        try:
            async with self._session.get(self._url + READY, allow_redirects=False) as answer:
                ready = answer.status
            async with self._session.post(self._url + HOOK, data=b"{}", allow_redirects=False) as answer:
                hook, ours = answer.status, answer.content_type == CONTENT_TYPE
        except aiohttp.ClientConnectorCertificateError:
            return [
                failed("door", f"{where} has a certificate that is not trusted", "give it one that HighLevel trusts")
            ]
        except (aiohttp.ClientError, OSError) as error:
            return [failed("door", f"{where} does not answer ({type(error).__name__})", ADVICE)]
        return [of_answers(where, ready, hook, ours=ours, newest=newest)]


def of_answers(where: str, ready: int, hook: int, *, ours: bool, newest: str) -> Finding:
    """A body that nobody signed is refused by us with 401, and told why as we tell it."""
    if 200 <= hook < 300:
        told = f"{where}{HOOK} takes a body that nobody signed, so it is none of ours"
        return failed("door", told, ADVICE)
    if hook == 401 and ours:
        told = f"{where} leads to our receiver; {newest}"
        if ready == 503:
            return warning("door", f"{told}; it is about to stop", "look again in a minute")
        return ok("door", told)
    return failed("door", f"{where}{HOOK} answers {hook} and {READY} {ready}, which is not our receiver", ADVICE)
