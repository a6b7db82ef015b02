"""Access tokens of 360Hub: one request at a time for each account, renewed before they expire."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import aiohttp

from services.hub_gateway.hub_api import wire
from services.hub_gateway.hub_api.answers import Answer, retry_after_s
from services.hub_gateway.port import (
    Credentials,
    CredentialSource,
    ThrottledError,
    UnauthorisedError,
    UnavailableError,
)

_SCOPE: Final = "orders products tracking"
_RENEW_AT: Final = 0.8
"""The part of its life after which a token is renewed."""

_REFUSALS: Final = (400, 401, 403)
"""What a client that is not accepted is answered with (RFC 6749, section 5.2)."""

_DEFAULT_PAUSE_S: Final = 6.0
"""360Hub gives ten tokens a minute."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, the account it opens, and the monotonic time from which to replace it."""

    value: str
    hub_account_id: str
    renew_at_s: float

    def __repr__(self) -> str:
        return f"AccessToken(hub_account_id={self.hub_account_id!r})"


class Tokens:
    """The current token of each account, fetched with single flight."""

    def __init__(
        self, http: aiohttp.ClientSession, base_url: str, credentials: CredentialSource
    ) -> None:
        self._http = http
        self._url = f"{base_url}/oauth/token"
        self._credentials = credentials
        self._held: dict[UUID, AccessToken] = {}
        self._locks: dict[UUID, asyncio.Lock] = {}

    async def of(self, account_id: UUID, *, instead_of: AccessToken | None = None) -> AccessToken:
        """Return a token that 360Hub should accept.

        ``instead_of`` is one that it refused: whoever comes first fetches another, and those who
        were refused with the same token share it.
        """
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            held = self._held.get(account_id)
            if held and held is not instead_of and time.monotonic() < held.renew_at_s:
                return held
            self._held.pop(account_id, None)
            fresh = await self._fetch(await self._credentials.credentials(account_id))
            self._held[account_id] = fresh
            return fresh

    def forget(self, account_id: UUID) -> None:
        """Drop the account's token: its credentials changed, or are no longer accepted."""
        self._held.pop(account_id, None)

    async def _fetch(self, credentials: Credentials) -> AccessToken:
        asked_at_s = time.monotonic()
        try:
            async with self._http.post(
                self._url,
                data={"grant_type": "client_credentials", "scope": _SCOPE},
                headers={
                    "Authorization": aiohttp.encode_basic_auth(
                        credentials.client_id, credentials.client_secret, encoding="utf-8"
                    )
                },
                allow_redirects=False,
            ) as response:
                answer = Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(f"no token: {type(error).__name__}") from error
        return _token(answer, asked_at_s)


def _token(answer: Answer, asked_at_s: float) -> AccessToken:
    if answer.status == 429:
        raise ThrottledError(retry_after_s(answer.headers) or _DEFAULT_PAUSE_S)
    if answer.ok:
        found = answer.read(wire.Token)
        renew_at_s = asked_at_s + found.expires_in * _RENEW_AT
        return AccessToken(found.access_token, found.account_id, renew_at_s)
    if answer.status in _REFUSALS:
        # Read, so that the page of somebody in between does not pass for 360Hub's refusal.
        refusal = answer.read(wire.TokenRefusal)
        raise UnauthorisedError(refusal.error or f"status {answer.status}")
    raise UnavailableError(f"no token: 360Hub answered {answer.status}")
