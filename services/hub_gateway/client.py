"""360Hub's HTTP API: the adapter of the port."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import orjson

from services.hub_gateway import events, port, translate, wire
from services.hub_gateway.answers import Answer, exhausted_for_s, settle
from services.hub_gateway.signatures import usable
from services.hub_gateway.tokens import AccessToken, CredentialSource, Tokens
from shared.contracts.hub_gateway import FieldError

TIMEOUT: Final = aiohttp.ClientTimeout(total=9, connect=3)
"""Well under half of a work's lease, so that no call outlives the right to its result."""

_EVENT_TYPES: Final = ("order.*", "product.*", "manifest.*")
_PAGE: Final = 200
_Query = Mapping[str, str | int]

Pace = Callable[[UUID], Awaitable[None]]
"""Waits for the account's turn to be called."""


async def at_once(account_id: UUID) -> None:
    """Let a call through that a person waits for."""


def open_http(contact: str) -> aiohttp.ClientSession:
    """Return the HTTP session that all calls to 360Hub share."""
    agent = f"bling-360hub-sync/0.1 ({contact})"
    return aiohttp.ClientSession(timeout=TIMEOUT, headers={"User-Agent": agent})


class HubClient:
    """Implements :class:`~services.hub_gateway.port.Hub` over HTTP.

    Calls wait for their turn by ``pace``. A call is made once; only a token that was refused
    is replaced and the call repeated. Everything else is for the caller's work queue to repeat.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        credentials: CredentialSource,
        pace: Pace,
    ) -> None:
        self._http = http
        self._pace = pace
        self._base_url = base_url.rstrip("/")
        self._tokens = Tokens(http, self._base_url, credentials)
        self._exhausted_until_s: dict[UUID, float] = {}

    def forget(self, account_id: UUID) -> None:
        """Use the account's stored credentials anew."""
        self._tokens.forget(account_id)

    # --- orders

    async def register_order(
        self, account_id: UUID, order: port.OrderToRegister, request_id: UUID
    ) -> port.RegisterOutcome:
        """Create the order, or bring it up to the version."""
        try:
            body = orjson.dumps(translate.order_body(order))
        except translate.UntranslatableError as missing:
            return port.UnknownProduct((missing.error,))
        path = f"/v1/orders/{order.reference}"
        answer = await self._call(account_id, "PUT", path, body, request_id=request_id)
        if answer.ok:
            return translate.registered(answer.read(wire.RegisterAnswer))
        return _register_refusal(answer)

    def prepare_cancellation(self, cancellation: port.Cancellation, key: str) -> port.PreparedCall:
        """Return the bytes to keep before :meth:`cancel_order` is first tried."""
        return port.PreparedCall(key, orjson.dumps(translate.cancel_body(cancellation)))

    async def cancel_order(
        self, account_id: UUID, reference: str, call: port.PreparedCall, request_id: UUID
    ) -> port.CancelOutcome:
        """Cancel the order. After an unknown result, repeat with the same ``call``."""
        path = f"/v1/orders/{reference}/cancel"
        answer = await self._call(
            account_id, "POST", path, call.body, key=call.key, request_id=request_id
        )
        if answer.ok:
            return translate.cancelled(answer.read(wire.CancelAnswer))
        return _cancel_refusal(answer)

    async def order(self, account_id: UUID, reference: str) -> port.OrderSnapshot | port.NotFound:
        """Return the order as it stands."""
        answer = await self._call(account_id, "GET", f"/v1/orders/{reference}")
        if answer.status == 404:
            return port.NotFound()
        return translate.order_snapshot(_found(answer).read(wire.Order))

    async def order_events(
        self, account_id: UUID, reference: str, shipment: int, after: int
    ) -> Sequence[port.OrderEvent]:
        """Return all events of the order after the sequence ``after``; none if it is unknown."""
        path = f"/v1/orders/{reference}/events"
        found: list[port.OrderEvent] = []
        more = True
        while more:
            last = found[-1].sequence if found else after
            query = {"after_sequence": last, "limit": _PAGE}
            answer = await self._call(account_id, "GET", path, query=query)
            if answer.status == 404:
                return []
            page = _found(answer).read(wire.EventList)
            told = [events.order_event(event, shipment) for event in page.events]
            fresh = [event for event in told if event is not None and event.sequence > last]
            found += fresh
            more = page.has_more and bool(fresh)
        return found

    async def orders(self, account_id: UUID, cursor: str | None) -> port.OrderPage:
        """Return a page of all the account's orders."""
        query: dict[str, str | int] = {"limit": _PAGE}
        if cursor:
            query["cursor"] = cursor
        answer = await self._call(account_id, "GET", "/v1/orders", query=query)
        page = _found(answer).read(wire.OrderList)
        return port.OrderPage(
            tuple(translate.order_snapshot(order) for order in page.orders),
            page.next_cursor if page.has_more else None,
        )

    # --- products

    async def import_product(
        self, account_id: UUID, product: port.ProductToImport, request_id: UUID
    ) -> port.ImportOutcome:
        """Create the product, or bring it up to the version."""
        body = orjson.dumps(translate.product_body(product))
        path = f"/v1/products/{product.reference}"
        answer = await self._call(account_id, "PUT", path, body, request_id=request_id)
        if answer.ok:
            return translate.imported(answer.read(wire.Product))
        return _import_refusal(answer)

    async def product(
        self, account_id: UUID, reference: str
    ) -> port.ProductSnapshot | port.NotFound:
        """Return where the product's approval stands."""
        answer = await self._call(account_id, "GET", f"/v1/products/{reference}")
        if answer.status == 404:
            return port.NotFound()
        return translate.product_snapshot(_found(answer).read(wire.Product))

    # --- what changed

    async def changes(
        self, account_id: UUID, cursor: str | None
    ) -> port.ChangePage | port.CursorExpired:
        """Return what changed since the cursor (None: since the oldest that is kept)."""
        query: dict[str, str | int] = {"limit": _PAGE, "resource": "order,product"}
        if cursor:
            query["cursor"] = cursor
        answer = await self._call(account_id, "GET", "/v1/changes", query=query)
        if answer.status == 410:
            return port.CursorExpired()
        return translate.change_page(_found(answer).read(wire.ChangeList))

    async def newest_change(self, account_id: UUID) -> str:
        """Return the cursor behind the newest change."""
        answer = await self._call(account_id, "GET", "/v1/changes", query={"cursor": "now"})
        return _found(answer).read(wire.ChangeList).next_cursor

    # --- the account

    async def hub_account(self, account_id: UUID) -> str:
        """Return 360Hub's own id of the account that the credentials open."""
        return (await self._tokens.of(account_id)).hub_account_id

    async def register_webhook(self, account_id: UUID, url: str) -> port.WebhookEndpoint:
        """Have events delivered to ``url``; 360Hub then verifies it with a signed event."""
        body = orjson.dumps({"url": url, "event_types": _EVENT_TYPES, "description": "gateway"})
        # Never repeated: an endpoint whose secret got lost on the way is of no use to anyone.
        key = f"endpoint-{uuid4()}"
        answer = await self._call(account_id, "POST", "/v1/webhook-endpoints", body, key=key)
        made = _found(answer).read(wire.WebhookEndpoint)
        if not usable(made.secret):
            raise port.MisunderstoodError("the webhook secret has another form")
        return port.WebhookEndpoint(made.endpoint_id, made.secret)

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        """Have no more events delivered to the endpoint, whether or not it still exists."""
        path = f"/v1/webhook-endpoints/{quote(endpoint_id, safe='')}"
        answer = await self._call(account_id, "DELETE", path)
        if answer.status != 404:
            _found(answer)

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        """Tell whether 360Hub still delivers to the endpoint."""
        path = f"/v1/webhook-endpoints/{quote(endpoint_id, safe='')}"
        answer = await self._call(account_id, "GET", path)
        if answer.status == 404:
            return False
        return _found(answer).read(wire.EndpointState).status == "active"

    # --- one call

    async def _call(
        self,
        account_id: UUID,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: _Query | None = None,
        key: str | None = None,
        request_id: UUID | None = None,
    ) -> Answer:
        self._respect_limit(account_id)
        await self._pace(account_id)
        headers = _headers(body, key, request_id)
        token = await self._tokens.of(account_id)
        answer = await self._send(token, method, path, body, query, headers)
        if answer.status == 401 and answer.problem.code:
            token = await self._tokens.of(account_id, instead_of=token)
            answer = await self._send(token, method, path, body, query, headers)
        if answer.status in (401, 403):
            self._tokens.forget(account_id)
        self._note_limit(account_id, answer)
        return settle(answer)

    async def _send(
        self,
        token: AccessToken,
        method: str,
        path: str,
        body: bytes | None,
        query: _Query | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            async with self._http.request(
                method,
                self._base_url + path,
                data=body,
                params=query,
                headers={**headers, "Authorization": f"Bearer {token.value}"},
                allow_redirects=False,
            ) as response:
                return Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise port.UnavailableError(f"{method}: {type(error).__name__}") from error

    def _respect_limit(self, account_id: UUID) -> None:
        pause_s = self._exhausted_until_s.get(account_id, 0.0) - time.monotonic()
        if pause_s > 0:
            raise port.ExhaustedError(pause_s)

    def _note_limit(self, account_id: UUID, answer: Answer) -> None:
        pause_s = exhausted_for_s(answer.headers)
        if pause_s:
            self._exhausted_until_s[account_id] = time.monotonic() + pause_s
        else:
            self._exhausted_until_s.pop(account_id, None)


def _headers(body: bytes | None, key: str | None, request_id: UUID | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if key is not None:
        headers["Idempotency-Key"] = key
    if request_id is not None:
        headers["X-Request-Id"] = str(request_id)
    return headers


def _found(answer: Answer) -> Answer:
    if answer.ok:
        return answer
    raise port.MisunderstoodError(f"360Hub answered {answer.status} {answer.problem.code}".strip())


def _register_refusal(answer: Answer) -> port.RegisterOutcome:
    problem = answer.problem
    errors = translate.field_errors(problem)
    match problem.code:
        case "stale-version":
            return port.Stale(problem.current_source_version, problem.current_status)
        case "order-locked":
            return port.Locked(problem.current_status)
        case "order-closed":
            return port.Closed(problem.current_status)
        case "unknown-product":
            return port.UnknownProduct(errors)
        case "validation":
            return port.UnknownProduct(errors) if _only_products(errors) else port.Invalid(errors)
        case _:  # version-conflict above all: two contents under one version
            raise port.MisunderstoodError(problem.code or f"answered {answer.status}")


def _only_products(errors: tuple[FieldError, ...]) -> bool:
    return bool(errors) and all(error.code == "unknown-product" for error in errors)


def _cancel_refusal(answer: Answer) -> port.CancelOutcome:
    problem = answer.problem
    match problem.code:
        case "order-not-found":
            return port.NotFound()
        case "not-cancellable":
            return port.NotCancellable(problem.current_status)
        case "order-closed":
            return port.Closed(problem.current_status)
        case _:
            raise port.MisunderstoodError(problem.code or f"answered {answer.status}")


def _import_refusal(answer: Answer) -> port.ImportOutcome:
    problem = answer.problem
    match problem.code:
        case "stale-version":
            return port.Stale(problem.current_source_version, None)
        case "validation":
            return port.Invalid(translate.field_errors(problem))
        case _:
            raise port.MisunderstoodError(problem.code or f"answered {answer.status}")
