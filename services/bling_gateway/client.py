"""Bling's HTTP API behind one class, as one account sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

import aiohttp
import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.answers import Answer, resource_error
from services.bling_gateway.errors import (
    AccountDeadError,
    BlingError,
    ThrottledError,
    TooLateError,
    UnavailableError,
    UnreadableError,
)
from services.bling_gateway.limits import AddressLimits, Breakers
from shared.gateway.values import Priority

log = structlog.get_logger(__name__)

# Bling caps a page at 100 entries, by all accounts of those who tried.
PAGE_SIZE: Final = 100

_DEADLINE_S: Final = 8.0
"""Under half the lease of a piece of work."""
_SALES_MODULE: Final = 98310

W = TypeVar("W", bound=wire.Wire)
R = TypeVar("R", wire.Channel, wire.Logistics, wire.LogisticsService)
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Caller:
    """On whose behalf a call is made, and how it ranks among the account's calls."""

    account_id: UUID
    priority: Priority


@dataclass(frozen=True)
class Request:
    """One call.

    ``turns`` are taken from the account's pace, and of the address, before it: two if a second call
    follows at once, none for that second one. ``not_after`` (on the monotonic clock): do not send
    it later.
    """

    method: str
    path: str
    query: Query = ()
    body: dict[str, Any] | None = None
    turns: int = 1
    not_after: float | None = None


@dataclass(frozen=True)
class Page(Generic[W]):
    """What can be understood of one page of a list, and whether another may follow."""

    entries: list[W]
    is_full: bool


@dataclass(frozen=True)
class Found:
    """A record as Bling showed it at some moment after ``sent_s`` (on the monotonic clock)."""

    raw: Any
    sent_s: float


class AccessTokens(Protocol):
    """Where access tokens come from."""

    async def current(self, account_id: UUID) -> str:
        """Return a token that should work. Raises `AccountDeadError` without one."""

    async def renewed(self, account_id: UUID, rejected: str) -> str:
        """Return another token than the rejected one."""

    async def dead(self, account_id: UUID, rejected: str, cause: str) -> None:
        """Note that the account's authorisation is over, if this is still its token."""


class Pace(Protocol):
    """Lets calls through at the account's pace."""

    async def turn(self, account_id: UUID, priority: Priority, calls: int = 1) -> None:
        """Wait for the turn of as many calls, or raise to try the whole work again later."""


class Transport:
    """One HTTP connection pool to Bling for all accounts, with everything that limits it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        api_url: str,
        tokens: AccessTokens,
        pace: Pace,
        address: AddressLimits,
    ) -> None:
        self._session = session
        self._api_url = api_url.rstrip("/")
        self._tokens = tokens
        self._pace = pace
        self._address = address
        self._breakers = Breakers()

    def with_tokens(self, tokens: AccessTokens) -> "Transport":
        """Return a transport under the same limits that uses other tokens."""
        return Transport(self._session, self._api_url, tokens, self._pace, self._address)

    async def call(self, caller: Caller, request: Request) -> Answer:
        """Make one call, with a renewed token if Bling rejects ours. Raises `BlingError`."""
        self._breakers.refuse_if_open(caller.account_id)
        token = await self._tokens.current(caller.account_id)
        answer = await self._paced(caller, request, token)
        if answer.rejects_token:
            token = await self._tokens.renewed(caller.account_id, token)
            answer = await self._paced(caller, request, token)
        if not answer.is_success:
            error = await self._failure(caller.account_id, answer)
            if isinstance(error, AccountDeadError):
                await self._tokens.dead(caller.account_id, token, error.cause)
            raise error
        self._breakers.answered(caller.account_id)
        self._address.let_in()
        return answer

    async def _paced(self, caller: Caller, request: Request, token: str) -> Answer:
        if request.turns:
            await self._pace.turn(caller.account_id, caller.priority, request.turns)
            await self._address.request(request.turns)
        if request.not_after is not None and monotonic() > request.not_after:
            raise TooLateError
        try:
            answer = await self._send(request, token)
        except aiohttp.ConnectionTimeoutError as error:
            self._breakers.failed(caller.account_id)
            # There was no connection to send it by.
            raise TooLateError from error
        except (aiohttp.ClientError, TimeoutError) as error:
            self._breakers.failed(caller.account_id)
            raise UnavailableError(type(error).__name__) from error
        if not answer.is_success:
            await self._address.error_answered()
        return answer

    async def _send(self, request: Request, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if _is_jwt(token):
            # Asked for in the documentation. With a token of the other kind it is refused.
            headers["enable-jwt"] = "1"
        sent_s = monotonic()
        async with self._session.request(
            request.method,
            self._api_url + request.path,
            params=list(request.query),
            data=None if request.body is None else wire.json_text(request.body),
            headers=headers,
            timeout=_timeout(request),
            allow_redirects=False,
        ) as response:
            return Answer.of(response.status, await response.read(), sent_s=sent_s)

    async def _failure(self, account_id: UUID, answer: Answer) -> BlingError:
        error = resource_error(answer)
        if isinstance(error, UnavailableError):
            self._breakers.failed(account_id)
        else:
            self._breakers.answered(account_id)
        if isinstance(error, ThrottledError) and error.period == "address":
            await self._address.shut_out(account_id)
        elif answer.error is not None:
            self._address.let_in()
        return error


class BlingClient:
    """What one account can ask of Bling, at one priority. Every method raises `BlingError`."""

    def __init__(self, transport: Transport, caller: Caller) -> None:
        self._transport = transport
        self._caller = caller

    async def company(self) -> wire.Company:
        """Read whose tokens these are."""
        return _parse(wire.Company, await self._get("/empresas/me/dados-basicos"))

    async def order(self, order_id: int, *, turns: int = 1) -> Found:
        """Read an order, unparsed: what cannot be parsed wholly must still be told of.

        With two ``turns`` that of the write that follows at once is taken too.
        """
        request = Request("GET", f"/pedidos/vendas/{order_id}", turns=turns)
        answer = await self._transport.call(self._caller, request)
        return Found(answer.data(), answer.sent_s)

    async def orders_changed_since(
        self, since_local: datetime, until_local: datetime, page: int
    ) -> Page[wire.ListedOrder]:
        """List one page of the orders changed in a period of Brasília's time."""
        query = [
            ("dataAlteracaoInicial", wire.local_text(since_local)),
            ("dataAlteracaoFinal", wire.local_text(until_local)),
        ]
        return await self._page(wire.ListedOrder, "/pedidos/vendas", page, query)

    async def orders_in(
        self, situations: Sequence[int], since: date, until: date, page: int
    ) -> Page[wire.ListedOrder]:
        """List one page of the orders dated within some days that hold one of the situações."""
        query = [
            *(("idsSituacoes[]", str(situation)) for situation in situations),
            ("dataInicial", since.isoformat()),
            ("dataFinal", until.isoformat()),
        ]
        return await self._page(wire.ListedOrder, "/pedidos/vendas", page, query)

    async def newest_orders(self, count: int) -> list[wire.ListedOrder]:
        """List a few orders, to see whether orders can be read at all."""
        query = [("pagina", "1"), ("limite", str(count))]
        return self._understood(wire.ListedOrder, await self._get("/pedidos/vendas", query))

    async def contact(self, contact_id: int) -> Any:
        """Read a contact, unparsed."""
        return await self._get(f"/contatos/{contact_id}")

    async def product(self, product_id: int) -> Any:
        """Read a product, unparsed."""
        return await self._get(f"/produtos/{product_id}")

    async def invoice(self, invoice_id: int) -> Any:
        """Read an NF-e, unparsed."""
        return await self._get(f"/nfe/{invoice_id}")

    async def set_situation(self, order_id: int, situation_id: int, *, not_after: float) -> None:
        """Put an order into a situação. Bling takes no precondition and no idempotency key.

        Its turn was taken by :meth:`order`. Raises `TooLateError`, and sends nothing, if
        it is held up until after ``not_after``.
        """
        path = f"/pedidos/vendas/{order_id}/situacoes/{situation_id}"
        request = Request("PATCH", path, turns=0, not_after=not_after)
        answer = await self._transport.call(self._caller, request)
        if answer.status != HTTPStatus.NO_CONTENT:
            # Somebody in between answered: whether Bling wrote is unknown.
            raise UnavailableError(f"status {answer.status} instead of 204")

    async def replace_order(self, order_id: int, body: dict[str, Any], *, not_after: float) -> None:
        """Save an order anew: what the body leaves out is emptied. Bling takes no precondition.

        Its turn was taken by :meth:`order`; ``not_after`` as in :meth:`set_situation`.
        """
        path = f"/pedidos/vendas/{order_id}"
        request = Request("PUT", path, body=body, turns=0, not_after=not_after)
        answer = await self._transport.call(self._caller, request)
        if answer.status != HTTPStatus.OK:
            raise UnavailableError(f"status {answer.status} instead of 200")

    async def sales_module(self) -> int:
        """Find the module that the situações of sales orders belong to."""
        modules = self._understood(wire.Module, await self._get("/situacoes/modulos"))
        named = (module.id for module in modules if module.nome.casefold() == "vendas")
        return next(named, _SALES_MODULE)

    async def situations(self, module_id: int) -> list[wire.SituationDefinition]:
        """List a module's situações: all or none, as one that is missing would be made anew."""
        data = await self._get(f"/situacoes/modulos/{module_id}")
        return _parse_list(wire.SituationDefinition, data)

    async def situation(self, situation_id: int) -> wire.SituationDefinition:
        """Read one situação."""
        data = await self._get(f"/situacoes/{situation_id}")
        return _parse(wire.SituationDefinition, data)

    async def transitions(self, module_id: int) -> list[wire.Transition]:
        """List what Bling does by itself between situações: all or none, as they need consent."""
        data = await self._get(f"/situacoes/modulos/{module_id}/transicoes")
        return _parse_list(wire.Transition, data)

    async def actions(self, module_id: int) -> list[wire.Action]:
        """List what transitions of a module can do."""
        data = await self._get(f"/situacoes/modulos/{module_id}/acoes")
        return self._understood(wire.Action, data)

    async def create_situation(
        self, module_id: int, name: str, *, inherits: int, colour: str
    ) -> int:
        """Create a situação. A repetition after an unknown result may create a second one."""
        body = {
            "idModuloSistema": module_id,
            "nome": name,
            "idHerdado": inherits,
            "cor": colour,
        }
        request = Request("POST", "/situacoes", body=body)
        answer = await self._transport.call(self._caller, request)
        return _parse(wire.Created, answer.data()).id

    async def channels(self) -> list[wire.Channel]:
        """List the company's sales channels, disabled ones too."""
        return await self._all_pages(wire.Channel, "/canais-venda")

    async def channel(self, channel_id: int) -> wire.ChannelDetail:
        """Read a sales channel with the branches that use it."""
        return _parse(wire.ChannelDetail, await self._get(f"/canais-venda/{channel_id}"))

    async def logistics(self) -> list[wire.Logistics]:
        """List how the company ships."""
        return await self._all_pages(wire.Logistics, "/logisticas")

    async def logistics_services(self) -> list[wire.LogisticsService]:
        """List the services that parcels are sent by."""
        return await self._all_pages(wire.LogisticsService, "/logisticas/servicos")

    async def _all_pages(self, model: type[R], path: str) -> list[R]:
        """List all pages of what seldom changes, each record once."""
        found: dict[int, R] = {}
        number, is_last = 0, False
        while not is_last:
            number += 1
            page = await self._page(model, path, number)
            listed = {each.id: each for each in page.entries}
            is_last = not page.is_full or listed.keys() <= found.keys()
            found |= listed
        return list(found.values())

    async def _page(self, model: type[W], path: str, number: int, query: Query = ()) -> Page[W]:
        paged = [*query, ("pagina", str(number)), ("limite", str(PAGE_SIZE))]
        data = await self._get(path, paged)
        return Page(self._understood(model, data), is_full=len(data) >= PAGE_SIZE)

    def _understood(self, model: type[W], data: Any) -> list[W]:
        """Parse a list without what has not the documented shape, which an operator is told of."""
        entries = [_understood(model, entry) for entry in _entries(model, data)]
        understood = [entry for entry in entries if entry is not None]
        if odd := len(entries) - len(understood):
            log.error(
                "Entries of a list have not the documented shape",
                action="entries_left_out",
                account_id=str(self._caller.account_id),
                what=model.__name__,
                count=odd,
            )
        return understood

    async def _get(self, path: str, query: Query = ()) -> Any:
        answer = await self._transport.call(self._caller, Request("GET", path, query))
        return answer.data()


class Clients(Protocol):
    """Makes the client for a piece of work."""

    def __call__(self, caller: Caller) -> BlingClient: ...


def _is_jwt(token: str) -> bool:
    """Tell Bling's two kinds of access tokens apart. What a JWT says is not documented."""
    return token.count(".") == 2 and all(token.split("."))


def _timeout(request: Request) -> aiohttp.ClientTimeout:
    if request.not_after is None:
        return aiohttp.ClientTimeout(total=_DEADLINE_S)
    # Waiting for a connection must not make it late either. Zero would mean for ever.
    left_s = max(request.not_after - monotonic(), 0.001)
    return aiohttp.ClientTimeout(total=_DEADLINE_S, connect=left_s)


def _parse(model: type[W], data: Any) -> W:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # Without its cause: pydantic's text quotes the values, which may be personal.
        raise UnreadableError(f"{model.__name__}: {error.error_count()} fields") from None


def _parse_list(model: type[W], data: Any) -> list[W]:
    return [_parse(model, entry) for entry in _entries(model, data)]


def _understood(model: type[W], entry: Any) -> W | None:
    try:
        return _parse(model, entry)
    except UnreadableError:
        return None


def _entries(model: type[W], data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise UnreadableError(f"no list of {model.__name__}")
    return data
