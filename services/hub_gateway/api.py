"""What operators do with accounts: give them credentials, see how they are connected."""

from typing import Annotated
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.hub_gateway import port
from services.hub_gateway.connecting import Connecting, OtherHubAccountError
from services.hub_gateway.store import connections
from services.hub_gateway.tokens import Credentials
from shared.gateway import accounts
from shared.gateway.store import Connection, Pool
from shared.web import Problem, body_of

_Printable = r"^[\x21-\x39\x3b-\x7e]{1,200}$"
"""No colon: HTTP Basic (RFC 7617) separates name and password by it."""


class CredentialsBody(BaseModel):
    """A client at 360Hub."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, Field(pattern=_Printable)]
    client_secret: Annotated[SecretStr, Field(min_length=1, max_length=500)]


class AccountsApi:
    """The handlers of ``/api/accounts``."""

    def __init__(self, pool: Pool, connecting: Connecting) -> None:
        self._pool = pool
        self._connecting = connecting

    async def put_credentials(self, request: web.Request) -> web.Response:
        """Connect the account, or connect it anew; answer when 360Hub's events reach us."""
        account_id = _account_of(request)
        body = await body_of(request, CredentialsBody)
        credentials = Credentials(body.client_id, body.client_secret.get_secret_value())
        is_verified = await self._connect(account_id, credentials)
        async with self._pool.acquire() as conn:
            account = await _known(conn, account_id)
            connection = await connections.find_connection(conn, account_id)
        return _json(_view(account, connection), status=200 if is_verified else 202)

    async def list_accounts(self, _request: web.Request) -> web.Response:
        """List all accounts with their connection."""
        async with self._pool.acquire() as conn:
            known = await accounts.every(conn)
            connected = await connections.all_connections(conn)
        views = [_view(account, connected.get(account.account_id)) for account in known]
        return _json({"accounts": views})

    async def _connect(self, account_id: UUID, credentials: Credentials) -> bool:
        try:
            return await self._connecting.connect(account_id, credentials)
        except accounts.UnknownAccount:
            raise _unknown() from None
        except OtherHubAccountError:
            raise Problem(
                409,
                "other_hub_account",
                "These credentials open another account of 360Hub's",
                "The account has shipments in the one that it was connected to before.",
            ) from None
        except port.HubError as error:
            raise _refusal(error) from error


def _refusal(error: port.HubError) -> Problem:
    match error:
        case port.UnauthorisedError():
            return Problem(
                422, "credentials_refused", "360Hub does not accept these credentials", str(error)
            )
        case port.ThrottledError():
            pause = {"Retry-After": str(max(1, round(error.retry_after_s)))}
            return Problem(503, "hub_throttled", "360Hub wants a pause", headers=pause)
        case port.MisunderstoodError():
            return Problem(502, "hub_misunderstood", "360Hub answered something else", str(error))
        case _:
            return Problem(503, "hub_unavailable", "360Hub does not answer", str(error))


async def _known(conn: Connection, account_id: UUID) -> accounts.Account:
    found = await accounts.find(conn, account_id)
    if found is None:
        raise _unknown()
    return found


def _view(
    account: accounts.Account, connection: connections.HubConnection | None
) -> dict[str, object]:
    return {
        "account_id": str(account.account_id),
        "name": account.name,
        "tag": account.tag,
        "state": account.state,
        "hub_account_id": connection.hub_account_id if connection else None,
        "webhook_verified": connection is not None and connection.verified_at is not None,
    }


def _account_of(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["account_id"])
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    return Problem(404, "account_unknown", "There is no such account")


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
