"""How operators connect accounts: by giving them credentials."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.hub_gateway import port
from services.hub_gateway.connecting import Connecting, OtherHubAccountError
from services.hub_gateway.port import Credentials
from shared.gateway import accounts
from shared.gateway.operators.api import AccountsApi, account_of, unknown
from shared.web import Problem, body_of

_Printable = r"^[\x21-\x39\x3b-\x7e]{1,200}$"
"""No colon: HTTP Basic (RFC 7617) separates name and password by it."""


class CredentialsBody(BaseModel):
    """A client at 360Hub."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, Field(pattern=_Printable)]
    client_secret: Annotated[SecretStr, Field(min_length=1, max_length=500)]


class CredentialsApi:
    """The handler of ``/api/accounts/{account_id}/credentials``."""

    def __init__(self, connecting: Connecting, accounts_api: AccountsApi) -> None:
        self._connecting = connecting
        self._accounts = accounts_api

    async def put_credentials(self, request: web.Request) -> web.Response:
        """Connect the account, or connect it anew; answer when 360Hub's events reach us."""
        account_id = account_of(request)
        body = await body_of(request, CredentialsBody)
        credentials = Credentials(body.client_id, body.client_secret.get_secret_value())
        is_verified = await self._connect(account_id, credentials)
        return await self._accounts.shown(account_id, status=200 if is_verified else 202)

    async def _connect(self, account_id: UUID, credentials: Credentials) -> bool:
        try:
            return await self._connecting.connect(account_id, credentials)
        except accounts.UnknownAccount:
            raise unknown() from None
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
