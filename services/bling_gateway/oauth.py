"""Bling's OAuth: where sellers consent, and the token endpoint.

Bling's flow is the authorization code grant with a Basic-authenticated token endpoint; it ignores
``redirect_uri`` and ``scope`` (developer documentation, Aplicativos).
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.answers import Answer, token_error
from services.bling_gateway.errors import ThrottledError, UnavailableError, UnreadableError
from services.bling_gateway.limits import AddressLimits

log = structlog.get_logger(__name__)

_DEADLINE: Final = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class App:
    """This system as it is registered at Bling."""

    client_id: str
    client_secret: str
    authorize_url: str
    token_url: str

    def consent_url(self, state: str) -> str:
        """Return where a seller lets this system in."""
        query = {"response_type": "code", "client_id": self.client_id, "state": state}
        separator = "&" if "?" in self.authorize_url else "?"
        return f"{self.authorize_url}{separator}{urlencode(query)}"

    def __repr__(self) -> str:
        return f"App({self.client_id!r})"


class TokenEndpoint:
    """Gets tokens, and keeps below what Bling allows an address to ask for."""

    def __init__(self, session: aiohttp.ClientSession, app: App, address: AddressLimits) -> None:
        self._session = session
        self._app = app
        self._address = address

    async def exchange(self, code: str) -> wire.TokenPair:
        """Get the first pair for a code.

        Never repeat it: a second use of a live code makes Bling revoke the seller's authorisation.
        """
        return await self._ask({"grant_type": "authorization_code", "code": code})

    async def refresh(self, refresh_token: str) -> wire.TokenPair:
        """Get another pair. The old refresh token is used up: store the new pair before use."""
        return await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def _ask(self, form: dict[str, str]) -> wire.TokenPair:
        await self._address.token_call()
        answer = await self._post(form)
        if answer.is_success:
            return _pair(answer)
        await self._address.error_answered()
        error = token_error(answer)
        log.error(
            "Bling gives no tokens",
            action="tokens_refused",
            grant=form["grant_type"],
            status=answer.status,
            kind=answer.kind,
        )
        if isinstance(error, ThrottledError):
            await self._address.token_calls_blocked()
        raise error

    async def _post(self, form: dict[str, str]) -> Answer:
        basic = aiohttp.encode_basic_auth(self._app.client_id, self._app.client_secret)
        try:
            async with self._session.post(
                self._app.token_url,
                data=form,
                headers={"Authorization": basic, "Accept": "1.0", "enable-jwt": "1"},
                timeout=_DEADLINE,
                allow_redirects=False,
            ) as response:
                return Answer.of(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(type(error).__name__) from error


def _pair(answer: Answer) -> wire.TokenPair:
    try:
        return wire.TokenPair.model_validate(answer.body)
    except ValidationError:
        # Without its cause: pydantic's text quotes the values, and they are secret.
        raise UnreadableError("the token endpoint answered without a pair of tokens") from None
