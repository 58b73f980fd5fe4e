"""A client that calls a sandbox whose answers go wrong as ordered: what the client's tests share."""

from typing import Any

from service.highlevel.client import HighLevel, Patience
from service.highlevel.connection import open_session
from service.highlevel.errors import HighLevelError
from service.highlevel.operation import Operation
from service.highlevel.rate_limit import Unlimited
from service.highlevel.tokens import Tokens
from tests.sandboxes import Sandbox

TOKEN = "pit-sandbox-demo"
QUICK = Patience(pause=0.001)


class Renewable:
    """A token that can be had anew once it was refused."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.told: list[str] = []

    async def token(self) -> str:
        return self.tokens[0]

    async def refused(self, token: str) -> bool:
        self.told.append(token)
        if len(self.tokens) > 1:
            self.tokens.pop(0)
            return True
        return False


async def order(sandbox: Sandbox, *faults: str | dict[str, Any]) -> None:
    for fault in faults:
        how = {"data": fault} if isinstance(fault, str) else {"json": fault}
        async with sandbox.client.post("/_sandbox/faults", **how) as answer:
            assert answer.status == 201, await answer.text()


async def received(sandbox: Sandbox) -> list[tuple[int | None, bool]]:
    """Of each call: the status it was answered with, None for none, and whether it was carried out."""
    return [(call["status"], call["carried_out"]) for call in await sandbox.call("GET", "/_sandbox/calls")]


async def called(
    sandbox: Sandbox, operation: Operation[Any], patience: Patience = QUICK, token: str | Tokens = TOKEN, **more: Any
) -> Any:
    """The reply, or the error."""
    url = str(sandbox.client.make_url(""))
    async with open_session() as session:
        api = HighLevel(url, token, session=session, rate_limit=Unlimited(), reads=patience, writes=patience, **more)
        try:
            return await api(operation)
        except HighLevelError as error:
            return error
