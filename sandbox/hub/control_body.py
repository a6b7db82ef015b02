"""What all controls share: which account they are about, and how their bodies are read."""

from typing import TypeVar

from aiohttp import web

from sandbox.hub.content import Wire, read_body
from sandbox.hub.state import Account, hub_of

ACCOUNT_QUERY = frozenset({"account"})


class ControlBody(Wire):
    """Base of what a control takes; without `account` it is about the first one."""

    account: str | None = None


Control = TypeVar("Control", bound=ControlBody)


def named_account(request: web.Request) -> Account:
    return hub_of(request).account(request.query.get("account"))


async def read_control(request: web.Request, model: type[Control]) -> tuple[Account, Control]:
    """Read a control's body and find its account, named in the body or in the query."""
    body = await read_body(request, model)
    return hub_of(request).account(body.account or request.query.get("account")), body
