"""How a seller connects Bling: to the consent page and back."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web

from services.bling_gateway import pages, wire
from services.bling_gateway.client import BlingClient, Caller, Transport
from services.bling_gateway.errors import (
    AccountDeadError,
    AppRefusedError,
    BlingError,
    ThrottledError,
)
from services.bling_gateway.oauth import App, TokenEndpoint
from services.bling_gateway.store import changes, connections
from services.bling_gateway.tasks import ACCOUNT_STREAM
from services.bling_gateway.tokens import Tokens
from shared.contracts import derived_id
from shared.contracts.bling_gateway import AccountConnected
from shared.gateway import accounts
from shared.gateway.errors import Setback
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Priority

log = structlog.get_logger(__name__)

_COOKIE: Final = "bling_connecting"
_START_AGAIN: Final = "Volte ao link de conexão que você recebeu e comece de novo."

# Bling developer documentation, Erros comuns.
_CONSENT_ERRORS: Final = {
    "access_denied": f"O acesso não foi autorizado no Bling. {_START_AGAIN}",
    "app_inativo": "O nosso aplicativo está inativo no Bling. Fale com o nosso suporte.",
    "UNAUTHORIZED_ERROR": (
        "O Bling não deixou o seu usuário autorizar o aplicativo. Confira no Bling se o seu usuário"
        f" tem permissão e se a conta está em dia. {_START_AGAIN}"
    ),
}
_NAMES_OF_ERRORS: Final = re.compile(r"[A-Za-z_]{1,40}")


class NotConnected(Exception):  # noqa: N818 - said to the seller
    """Connecting failed. The text is for the seller."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


class WrongCompany(NotConnected):
    """The seller authorised a company that the account cannot be connected with."""

    def __init__(self, text: str) -> None:
        super().__init__(text, status=409)


class Connecting:
    """Answers ``GET /oauth/start`` and ``GET /oauth/callback``.

    The state is used once, lives ten minutes, and is bound to the browser by a cookie: nobody can
    have somebody else's consent arrive in their own account, or the reverse.
    """

    def __init__(
        self,
        pool: Pool,
        app: App,
        endpoint: TokenEndpoint,
        transport: Transport,
        tokens: Tokens,
        facts: Facts,
        *,
        reconcile_after: timedelta,
        committed: Callable[[UUID], None],
    ) -> None:
        self._pool = pool
        self._app = app
        self._endpoint = endpoint
        self._transport = transport
        self._tokens = tokens
        self._facts = facts
        self._reconcile_after = reconcile_after
        self._committed = committed

    async def start(self, request: web.Request) -> web.Response:
        """Send the seller to Bling's consent page."""
        account_id = _account_of(request)
        async with self._pool.acquire() as conn:
            account = account_id and await accounts.find(conn, account_id)
            if not account:
                return pages.went_wrong("Este link de conexão não é válido.", status=404)
            state, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
            await connections.begin_oauth(conn, account.account_id, _digest(state), _digest(cookie))
        response = web.Response(
            status=302,
            headers={"Location": self._app.consent_url(state), "Cache-Control": "no-store"},
        )
        _set_cookie(request, response, cookie)
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Take the seller back: exchange the code, see whose company it is, connect."""
        try:
            account_id = await self._begun(request)
            company = await self._connect(account_id, request)
        except NotConnected as error:
            response = pages.went_wrong(error.text, status=error.status)
        else:
            self._committed(account_id)
            response = pages.connected(company.nome or company.id)
        response.del_cookie(_COOKIE, path="/oauth")
        return response

    async def _begun(self, request: web.Request) -> UUID:
        """Return the account that this browser began to connect, and use the state up."""
        async with self._pool.acquire() as conn:
            begun = await connections.take_oauth(conn, _digest(request.query.get("state", "")))
        cookie = _digest(request.cookies.get(_COOKIE, ""))
        if begun is None or not hmac.compare_digest(begun.cookie_digest, cookie):
            raise NotConnected(f"A conexão não foi iniciada neste navegador. {_START_AGAIN}")
        if not begun.is_live:
            raise NotConnected(f"A conexão demorou demais. {_START_AGAIN}")
        return begun.account_id

    async def _connect(self, account_id: UUID, request: web.Request) -> wire.Company:
        code = request.query.get("code", "")
        if not code:
            raise _consent_refused(account_id, request.query.get("error", ""))
        try:
            pair = await self._endpoint.exchange(code)
        except BlingError as error:
            raise _bling_failed(account_id, error) from error
        try:
            return await self._connect_company(account_id, pair, request.query["state"])
        except NotConnected:
            # Nobody will use these tokens: nothing of this consent stays authorised.
            await self._endpoint.revoke(access=pair.access_token, refresh=pair.refresh_token)
            raise

    async def _connect_company(
        self, account_id: UUID, pair: wire.TokenPair, state: str
    ) -> wire.Company:
        try:
            company = await self._company_of(account_id, pair)
        except (BlingError, Setback) as error:
            raise _bling_failed(account_id, error) from error
        await self._store(account_id, company, pair, state)
        return company

    async def _company_of(self, account_id: UUID, pair: wire.TokenPair) -> wire.Company:
        transport = self._transport.with_tokens(_Fresh(pair.access_token))
        return await BlingClient(transport, Caller(account_id, Priority.STATUS)).company()

    async def _store(
        self, account_id: UUID, company: wire.Company, pair: wire.TokenPair, state: str
    ) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await self._bind(conn, account_id, company)
            await self._tokens.store(conn, account_id, pair)
            await connections.record_consent(conn, account_id)
            await changes.begin_reconciling(conn, account_id, self._reconcile_after)
            await accounts.connected(conn, account_id)
            fact_id = derived_id(account_id, "account_connected", _digest(state).hex())
            await self._facts.publish(
                conn,
                account_id,
                ACCOUNT_STREAM,
                AccountConnected(company_id=company.id, company_name=company.nome or None),
                fact_id=fact_id,
                cause=None,
                correlation=fact_id,
            )
        log.info("account connected", action="account_connected", account_id=str(account_id))

    async def _bind(self, conn: Connection, account_id: UUID, company: wire.Company) -> None:
        """Bind account and company for ever: orders of two companies must never mix."""
        if await connections.bind_company(conn, company.id, account_id, name=company.nome):
            return
        log.error(
            "an account was offered another company, or a company another account",
            action="company_refused",
            account_id=str(account_id),
        )
        raise _wrong_company(company, await connections.company_of(conn, account_id))


class _Fresh:
    """The token of a seller who just consented, before it is known whose it is."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def current(self, _account_id: UUID) -> str:
        return self._token

    async def renewed(self, _account_id: UUID, _rejected: str) -> str:
        raise AccountDeadError("a token was rejected right after the consent")

    async def dead(self, _account_id: UUID, _rejected: str, _cause: str) -> None:
        """Nothing was connected yet."""


def _account_of(request: web.Request) -> UUID | None:
    try:
        return UUID(request.query.get("account", ""))
    except ValueError:
        return None


def _set_cookie(request: web.Request, response: web.Response, value: str) -> None:
    # Behind a proxy that ends TLS the request itself is plain.
    is_secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(
        _COOKIE,
        value,
        path="/oauth",
        max_age=int(connections.OAUTH_STATE_LIFE.total_seconds()),
        httponly=True,
        # Lax: Bling sends the seller back by a link from another site.
        samesite="Lax",
        secure=is_secure,
    )


def _wrong_company(
    authorised: wire.Company, bound: connections.BoundCompany | None
) -> WrongCompany:
    """Say which company is meant. Of the other account that may have it nothing is told."""
    offered = authorised.nome or authorised.id
    if bound is None:
        return WrongCompany(
            f"A empresa {offered}, que você autorizou no Bling, já está ligada a outra conta nossa."
            f" Entre no Bling com a empresa desta conta. {_START_AGAIN}"
        )
    own = bound.name or bound.company_id
    return WrongCompany(
        f"Você autorizou a empresa {offered} no Bling, mas esta conta é da empresa {own}."
        f" Saia do Bling e entre com a empresa {own}. {_START_AGAIN}"
    )


def _consent_refused(account_id: UUID, error: str) -> NotConnected:
    """Say why. Whatever else Bling says (``error_description``) is in English, and not shown."""
    known = _NAMES_OF_ERRORS.fullmatch(error)
    log.warning(
        "Bling sent a seller back without a code",
        action="consent_refused",
        account_id=str(account_id),
        error=error if known else "unreadable",
    )
    unknown = f"O Bling não concluiu a autorização. {_START_AGAIN}"
    return NotConnected(_CONSENT_ERRORS.get(error, unknown))


def _bling_failed(account_id: UUID, error: Exception) -> NotConnected:
    log.error(
        "connecting failed at Bling",
        action="connect_failed",
        account_id=str(account_id),
        error=f"{type(error).__name__}: {error}",
    )
    if isinstance(error, AppRefusedError):
        return NotConnected(
            "O Bling não está aceitando o nosso aplicativo. Fale com o nosso suporte.", status=503
        )
    if isinstance(error, AccountDeadError) and error.cause == "company_inactive":
        return NotConnected(
            f"Esta empresa está inativa no Bling. Reative a conta no Bling. {_START_AGAIN}"
        )
    if isinstance(error, AccountDeadError):
        return NotConnected(f"O Bling não aceitou a autorização. {_START_AGAIN}")
    if isinstance(error, ThrottledError | Setback):
        return NotConnected(f"Há conexões demais neste momento. {_START_AGAIN}", status=503)
    return NotConnected(f"O Bling não respondeu como esperado. {_START_AGAIN}", status=502)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
