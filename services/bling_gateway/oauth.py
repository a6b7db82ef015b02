"""Bling's OAuth: where sellers consent, the token endpoint, and giving an authorisation back.

Bling's flow is the authorization code grant with a Basic-authenticated token endpoint; it ignores
``redirect_uri`` and ``scope`` (developer documentation, Aplicativos).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from urllib.parse import urlencode

import aiohttp
import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.answers import Answer, is_revoked, token_error
from services.bling_gateway.errors import (
    AppRefusedError,
    BlingError,
    ThrottledError,
    UnavailableError,
    UnreadableError,
)
from services.bling_gateway.limits import AddressLimits

log = structlog.get_logger(__name__)

_DEADLINE: Final = aiohttp.ClientTimeout(total=10)

_REFUSED_REST_S: Final = 60.0
"""How long nothing is asked after Bling refused every secret: each refusal is a token call."""

_REVOCATION_DEADLINE: Final = aiohttp.ClientTimeout(total=5)
_REVOCATION_WAITS_S: Final = (0.5, 1.5)
"""How long before the second and the third try. A person may be waiting for the answer."""

Form = dict[str, str]


@dataclass(frozen=True)
class App:
    """This system as it is registered at Bling."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    revoke_url: str
    previous_secret: str | None = field(default=None, repr=False)
    """Still good while Bling changes from one secret to the next."""

    @property
    def secrets(self) -> list[str]:
        """All secrets that may be good."""
        return [secret for secret in (self.client_secret, self.previous_secret) if secret]

    def consent_url(self, state: str) -> str:
        """Return where a seller lets this system in."""
        query = {"response_type": "code", "client_id": self.client_id, "state": state}
        separator = "&" if "?" in self.authorize_url else "?"
        return f"{self.authorize_url}{separator}{urlencode(query)}"


class ClientSecrets:
    """The app's secrets, that which Bling accepted last first.

    While none is accepted nothing is asked for a minute at a time, and a person is told once.
    """

    def __init__(self, app: App, clock: Callable[[], float] = monotonic) -> None:
        self._secrets = deque(app.secrets)
        self._clock = clock
        self._resting_until = 0.0
        self._is_refused = False

    def to_try(self) -> tuple[str, ...]:
        """Return the secrets in turn. Raises `AppRefusedError` while there is no point."""
        if self._clock() < self._resting_until:
            raise AppRefusedError("Bling accepted none of our client secrets a moment ago")
        return tuple(self._secrets)

    def accepted(self, secret: str) -> None:
        """Begin with this one from now on."""
        self._secrets.remove(secret)
        self._secrets.appendleft(secret)
        self._is_refused = False

    def refused(self, secret: str) -> None:
        """Begin with another from now on, if there is one."""
        self._secrets.remove(secret)
        self._secrets.append(secret)

    def all_refused(self) -> None:
        """Note that none was accepted."""
        self._resting_until = self._clock() + _REFUSED_REST_S
        if not self._is_refused:
            log.error(
                "Bling refuses our client secret: a person must look, and all accounts wait",
                action="app_refused",
            )
        self._is_refused = True


class TokenEndpoint:
    """Gets tokens and gives them back, and keeps below what Bling allows an address to ask for."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        app: App,
        address: AddressLimits,
        *,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._app = app
        self._address = address
        self._secrets = ClientSecrets(app, clock)
        self._sleep = sleep

    async def exchange(self, code: str) -> wire.TokenPair:
        """Get the first pair for a code.

        Never repeat it, not even with another secret: a second use of a live code makes Bling
        revoke the seller's authorisation. The seller's next attempt begins with the other secret.
        """
        secret = self._secrets.to_try()[0]
        return await self._ask({"grant_type": "authorization_code", "code": code}, secret)

    async def refresh(self, refresh_token: str) -> wire.TokenPair:
        """Get another pair. The old refresh token is used up: store the new pair before use."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        for secret in self._secrets.to_try():
            try:
                return await self._ask(form, secret)
            except AppRefusedError:
                continue
        self._secrets.all_refused()
        raise AppRefusedError("Bling accepts none of our client secrets")

    async def revoke(self, *, access: str, refresh: str) -> bool:
        """Give both tokens back, and tell whether Bling took them; tries a few times.

        The refresh token goes first: without it the other is over within hours. Nothing else of
        the company is revoked: it may be connected to another account.
        """
        return await self._revoke(refresh, "refresh_token") and await self._revoke(
            access, "access_token"
        )

    async def _ask(self, form: Form, secret: str) -> wire.TokenPair:
        await self._address.token_call()
        answer = await self._post(self._app.token_url, form, secret, _DEADLINE)
        if answer.is_success:
            self._secrets.accepted(secret)
            return _pair(answer)
        await self._address.error_answered()
        error = token_error(answer)
        _tell_refused(form, answer)
        if isinstance(error, ThrottledError):
            await self._address.token_calls_blocked()
        if isinstance(error, AppRefusedError):
            self._secrets.refused(secret)
        raise error

    async def _revoke(self, token: str, hint: str) -> bool:
        form = {"token": token, "token_type_hint": hint}
        for wait_s in (0.0, *_REVOCATION_WAITS_S):
            await self._sleep(wait_s)
            try:
                if await self._is_revoked(form):
                    return True
            except BlingError as error:
                log.warning("a token was not revoked", action="not_revoked", error=str(error))
        log.error("Bling did not revoke a token", action="revocation_failed", token=hint)
        return False

    async def _is_revoked(self, form: Form) -> bool:
        for secret in self._secrets.to_try():
            await self._address.request()
            answer = await self._post(self._app.revoke_url, form, secret, _REVOCATION_DEADLINE)
            if is_revoked(answer):
                return True
            await self._address.error_answered()
            if not isinstance(token_error(answer), AppRefusedError):
                log.warning("a token was not revoked", action="not_revoked", status=answer.status)
                return False
        return False

    async def _post(
        self, url: str, form: Form, secret: str, deadline: aiohttp.ClientTimeout
    ) -> Answer:
        basic = aiohttp.encode_basic_auth(self._app.client_id, secret)
        try:
            async with self._session.post(
                url,
                data=form,
                headers={"Authorization": basic, "Accept": "1.0", "enable-jwt": "1"},
                timeout=deadline,
                allow_redirects=False,
            ) as response:
                return Answer.of(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(type(error).__name__) from error


def _tell_refused(form: Form, answer: Answer) -> None:
    log.error(
        "Bling gives no tokens",
        action="tokens_refused",
        grant=form["grant_type"],
        status=answer.status,
        kind=answer.kind,
    )


def _pair(answer: Answer) -> wire.TokenPair:
    try:
        return wire.TokenPair.model_validate(answer.body)
    except ValidationError:
        # Without its cause: pydantic's text quotes the values, and they are secret.
        raise UnreadableError("the token endpoint answered without a pair of tokens") from None
