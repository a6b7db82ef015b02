"""Controls of accounts: opening them, their secrets and tokens, what they are allowed."""

from aiohttp import web

from sandbox.hub.content import Wire, read_body
from sandbox.hub.control_body import ACCOUNT_QUERY, ControlBody, read_control
from sandbox.hub.oauth import add_secret, expire_tokens
from sandbox.hub.problems import Json
from sandbox.hub.query import Route
from sandbox.hub.state import Account, hub_of


class AccountBody(Wire):
    name: str = "Loja de teste"


class StandingBody(ControlBody):
    """What of an account is switched; what is not named stays."""

    suspended: bool | None = None
    product_photos: bool | None = None


async def open_account(request: web.Request) -> web.Response:
    """Open an account of its own, with a client that nobody else has."""
    body = await read_body(request, AccountBody)
    account = hub_of(request).open_account(body.name)
    return web.json_response({**_view(account), "client_secret": account.secrets[0]}, status=201)


async def list_accounts(request: web.Request) -> web.Response:
    accounts = hub_of(request).accounts.values()
    return web.json_response({"accounts": [_view(account) for account in accounts]})


async def set_standing(request: web.Request) -> web.Response:
    """Suspend an account, or switch the photo capability."""
    account, body = await read_control(request, StandingBody)
    if body.suspended is not None:
        account.suspended = body.suspended
    if body.product_photos is not None:
        account.takes_photos = body.product_photos
    return web.json_response(_view(account))


async def make_secret(request: web.Request) -> web.Response:
    """Make a new client secret; the one before it stays valid."""
    account, _ = await read_control(request, ControlBody)
    answer = {"client_id": account.client_id, "client_secret": add_secret(account)}
    return web.json_response(answer, status=201)


async def expire(request: web.Request) -> web.Response:
    account, _ = await read_control(request, ControlBody)
    return web.json_response({"expired": expire_tokens(hub_of(request), account)})


def _view(account: Account) -> Json:
    return {
        "account_id": account.account_id,
        "name": account.name,
        "client_id": account.client_id,
        "suspended": account.suspended,
        "product_photos": account.takes_photos,
        "balance": str(account.balance),
        "webhook_endpoints": [endpoint.view() for endpoint in account.endpoints.values()],
    }


ROUTES = (
    Route("POST", "/accounts", open_account),
    Route("GET", "/accounts", list_accounts),
    Route("POST", "/accounts/standing", set_standing, ACCOUNT_QUERY),
    Route("POST", "/secrets", make_secret, ACCOUNT_QUERY),
    Route("POST", "/tokens/expire", expire, ACCOUNT_QUERY),
)
