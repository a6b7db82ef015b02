"""360Hub's HTTP API: one call each, behind the port."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import orjson
import structlog

from services.hub_gateway import port
from services.hub_gateway.hub_api import events, signatures, translate, wire
from services.hub_gateway.hub_api.answers import Answer, exhausted_for_s, settle
from services.hub_gateway.hub_api.tokens import AccessToken, Tokens
from shared.contracts.hub_gateway import Capability, FieldError, Label

log = structlog.get_logger(__name__)

R = TypeVar("R")

DEADLINE_S: Final = 9.0
"""Under half of a work's lease, so that no call outlives the right to its result."""

_EVENT_TYPES: Final = ("order.*", "product.*", "manifest.*")
_PAGE: Final = 200
_Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class _Request:
    """One call, but for the token that opens the door."""

    method: str
    path: str
    body: bytes | None
    query: _Query | None
    headers: Mapping[str, str]


def open_http(contact: str) -> aiohttp.ClientSession:
    """Return the HTTP session that all calls to 360Hub share."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=DEADLINE_S, connect=3),
        headers={"User-Agent": f"bling-360hub-sync/0.1 ({contact})"},
    )


class HubClient:
    """Implements :class:`~services.hub_gateway.port.Hub` over HTTP.

    Calls wait for their turn by ``pace``. A call is made once; only a token that was refused
    is replaced and the call repeated. Everything else is for the caller's work queue to repeat.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        credentials: port.CredentialSource,
        pace: port.Pace,
    ) -> None:
        self._http = http
        self._pace = pace
        self._base_url = base_url.rstrip("/")
        self._tokens = Tokens(http, self._base_url, credentials)
        self._exhausted_until_s: dict[UUID, float] = {}

    @property
    def lacks(self) -> frozenset[Capability]:
        """What 360Hub cannot do at all: nothing of what the port asks for."""
        return frozenset()

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
        if _is_missing(answer, "order-not-found"):
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
            if _is_missing(answer, "order-not-found"):
                return []
            page = _found(answer).read(wire.EventList)
            told = [events.order_event(event, shipment) for event in _readable(page.events)]
            fresh = [event for event in told if event is not None and event.sequence > last]
            found += fresh
            more = page.has_more and bool(fresh)
        return found

    async def labels(self, account_id: UUID, reference: str) -> tuple[Label, ...]:
        """Return every label that the order ever had; none if it is unknown."""
        answer = await self._call(account_id, "GET", f"/v1/orders/{reference}/labels")
        if _is_missing(answer, "order-not-found"):
            return ()
        found = _found(answer).read(wire.LabelList).labels
        return tuple(map(translate.label, _readable(found)))

    async def scans(self, account_id: UUID, reference: str) -> tuple[port.ScanSeen, ...]:
        """Return what the carrier reported of the order, in the order of its recording."""
        answer = await self._call(account_id, "GET", f"/v1/orders/{reference}/tracking")
        if _is_missing(answer, "order-not-found"):
            return ()
        found = _found(answer).read(wire.ScanList).events
        recorded = sorted(_readable(found), key=lambda scan: scan.recorded_at)
        return tuple(map(translate.scan_seen, recorded))

    async def occurrences(
        self, account_id: UUID, reference: str
    ) -> tuple[port.OccurrenceSeen, ...]:
        """Return every occurrence that the order ever had."""
        answer = await self._call(account_id, "GET", f"/v1/orders/{reference}/occurrences")
        if _is_missing(answer, "order-not-found"):
            return ()
        found = _found(answer).read(wire.OccurrenceList).occurrences
        return tuple(map(translate.occurrence_seen, _readable(found)))

    async def orders(self, account_id: UUID, cursor: str | None) -> port.OrderPage:
        """Return a page of all the account's orders."""
        answer = await self._call(account_id, "GET", "/v1/orders", query=_paging(cursor))
        page = _found(answer).read(wire.OrderList)
        return port.OrderPage(
            tuple(map(translate.order_snapshot, _readable(page.orders))),
            page.next_cursor if page.has_more else None,
        )

    async def manifest(self, account_id: UUID, manifest_id: str) -> port.Manifest | port.NotFound:
        """Return the romaneio as it stands."""
        path = f"/v1/manifests/{_segment(manifest_id)}"
        answer = await self._call(account_id, "GET", path)
        if _is_missing(answer, "manifest-not-found"):
            return port.NotFound()
        found = _found(answer).read(wire.Manifest)
        references = tuple(order.external_ref for order in _readable(found.orders))
        return port.Manifest(found.manifest_id, found.number, found.status, references)

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
        if _is_missing(answer, "product-not-found"):
            return port.NotFound()
        return translate.product_snapshot(_found(answer).read(wire.Product))

    async def products(self, account_id: UUID, cursor: str | None) -> port.ProductPage:
        """Return a page of all the account's products."""
        answer = await self._call(account_id, "GET", "/v1/products", query=_paging(cursor))
        page = _found(answer).read(wire.ProductList)
        return port.ProductPage(
            tuple(map(translate.product_snapshot, _readable(page.products))),
            page.next_cursor if page.has_more else None,
        )

    def prepare_photo(self, photo: port.PhotoToAdd, key: str) -> port.PreparedCall:
        """Return the bytes to keep before :meth:`add_product_photo` is first tried."""
        return port.PreparedCall(key, orjson.dumps(translate.photo_body(photo)))

    async def add_product_photo(
        self, account_id: UUID, reference: str, call: port.PreparedCall, request_id: UUID
    ) -> port.PhotoOutcome:
        """Hand a photo over. After an unknown result, repeat with the same ``call``."""
        path = f"/v1/products/{reference}/photos"
        answer = await self._call(
            account_id, "POST", path, call.body, key=call.key, request_id=request_id
        )
        if answer.ok:
            photo = answer.read(wire.Photo)
            return port.PhotoAdded(photo.photo_id, photo.status)
        return _photo_refusal(answer)

    # --- what changed

    async def changes(
        self, account_id: UUID, cursor: str | None
    ) -> port.ChangePage | port.CursorExpired:
        """Return what changed since the cursor (None: since the oldest that is kept)."""
        query = {**_paging(cursor), "resource": "order,product"}
        answer = await self._call(account_id, "GET", "/v1/changes", query=query)
        if answer.status == 410 and answer.problem.code == "cursor-expired":
            return port.CursorExpired()
        page = _found(answer).read(wire.ChangeList)
        found = map(translate.change, _readable(page.changes))
        return port.ChangePage(tuple(filter(None, found)), page.next_cursor, page.has_more)

    async def newest_change(self, account_id: UUID) -> str:
        """Return the cursor behind the newest change."""
        answer = await self._call(account_id, "GET", "/v1/changes", query={"cursor": "now"})
        return _found(answer).read(wire.ChangeList).next_cursor

    # --- the account

    async def hub_account(self, account_id: UUID) -> str:
        """Return 360Hub's own id of the account that the credentials open."""
        return (await self._tokens.of(account_id)).hub_account_id

    def prepare_webhook(self, url: str, key: str) -> port.PreparedCall:
        """Return the bytes to keep before :meth:`register_webhook` is first tried."""
        body = {"url": url, "event_types": _EVENT_TYPES, "description": "gateway"}
        return port.PreparedCall(key, orjson.dumps(body))

    async def register_webhook(
        self, account_id: UUID, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        """Have events delivered to an address; 360Hub then verifies it with a signed event."""
        answer = await self._call(
            account_id, "POST", "/v1/webhook-endpoints", call.body, key=call.key
        )
        return _endpoint(answer)

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        """Have no more events delivered to the endpoint, whether or not it still exists."""
        answer = await self._call(account_id, "DELETE", _endpoint_path(endpoint_id))
        if answer.status not in (204, 404):
            _found(answer).read(wire.Wire)  # a page of somebody in between removed nothing

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        """Tell whether 360Hub still delivers to the endpoint."""
        answer = await self._call(account_id, "GET", _endpoint_path(endpoint_id))
        if answer.status == 404:
            return False
        return _found(answer).read(wire.EndpointState).status == "active"

    def prepare_rotation(self, key: str) -> port.PreparedCall:
        """Return the bytes to keep before :meth:`rotate_webhook_secret` is first tried."""
        return port.PreparedCall(key, b"{}")

    async def rotate_webhook_secret(
        self, account_id: UUID, endpoint_id: str, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        """Have a new secret made. For a day deliveries are signed with the one before as well."""
        path = f"{_endpoint_path(endpoint_id)}/rotate-secret"
        answer = await self._call(account_id, "POST", path, call.body, key=call.key)
        return _endpoint(answer)

    async def failed_deliveries(
        self, account_id: UUID, endpoint_id: str, cursor: str | None
    ) -> port.FailedDeliveryPage:
        """Return a page of the events that 360Hub gave up delivering."""
        query = {**_paging(cursor), "state": "failed"}
        path = f"{_endpoint_path(endpoint_id)}/deliveries"
        answer = await self._call(account_id, "GET", path, query=query)
        page = _found(answer).read(wire.DeliveryList)
        return port.FailedDeliveryPage(
            tuple(map(translate.failed_delivery, _readable(page.deliveries))),
            page.next_cursor if page.has_more else None,
        )

    async def redeliver(self, account_id: UUID, delivery_id: str) -> bool:
        """Have one event delivered again; False if 360Hub no longer keeps it."""
        path = f"/v1/webhook-deliveries/{_segment(delivery_id)}/redeliver"
        answer = await self._call(account_id, "POST", path, b"{}", key=f"redeliver-{uuid4()}")
        if answer.status == 404:
            return False
        _found(answer).read(wire.Wire)
        return True

    async def replay(
        self, account_id: UUID, endpoint_id: str, begin: datetime, end: datetime
    ) -> int | None:
        """Have every event of a range delivered again; return how many, if 360Hub says."""
        body = orjson.dumps({"from": wire.rfc3339(begin), "to": wire.rfc3339(end)})
        path = f"{_endpoint_path(endpoint_id)}/replay"
        answer = await self._call(account_id, "POST", path, body, key=f"replay-{uuid4()}")
        return _found(answer).read(wire.Replay).deliveries

    # --- what a webhook says

    @property
    def signature_headers(self) -> tuple[str, ...]:
        """The headers that :meth:`verify_webhook` reads."""
        return signatures.HEADERS

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now_s: float
    ) -> str:
        """Return the webhook's id. Raises ``NotAuthenticError``."""
        return signatures.verify(headers, body, secrets, now_s=now_s)

    def read_webhook(self, body: bytes) -> port.Notice:
        """Return what an authentic webhook is about."""
        return events.notice(body)

    def order_event(self, event: port.Json, shipment: int) -> port.OrderEvent | None:
        """Return the event as facts; None if it only says that the order changed."""
        return events.order_event(wire.Event.model_validate(event), shipment)

    def product_event(self, event: port.Json) -> port.ProductEvent | None:
        """Return the event; None if it only says that the product changed."""
        return events.product_event(wire.Event.model_validate(event))

    def manifest_event(self, event: port.Json) -> port.ManifestEvent | None:
        """Return the closed romaneio, or None if the event tells of something else."""
        return events.manifest_event(wire.Event.model_validate(event))

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
        request = _Request(method, path, body, query, _headers(body, key, request_id))
        try:
            async with asyncio.timeout(DEADLINE_S):
                answer = await self._authorised(account_id, request)
        except TimeoutError as error:
            raise port.UnavailableError(f"{method}: no answer in {DEADLINE_S:g} s") from error
        self._note_limit(account_id, answer)
        return settle(answer)

    async def _authorised(self, account_id: UUID, request: _Request) -> Answer:
        """Send the request, and once more with another token if 360Hub refuses the first."""
        token = await self._tokens.of(account_id)
        answer = await self._send(token, request)
        if answer.status == 401 and answer.problem.code:
            token = await self._tokens.of(account_id, instead_of=token)
            answer = await self._send(token, request)
        if answer.status in (401, 403):
            self._tokens.forget(account_id)
        return answer

    async def _send(self, token: AccessToken, request: _Request) -> Answer:
        try:
            async with self._http.request(
                request.method,
                self._base_url + request.path,
                data=request.body,
                params=request.query,
                headers={**request.headers, "Authorization": f"Bearer {token.value}"},
                allow_redirects=False,
            ) as response:
                return Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise port.UnavailableError(f"{request.method}: {type(error).__name__}") from error

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


def _paging(cursor: str | None) -> dict[str, str | int]:
    return {"limit": _PAGE} if cursor is None else {"limit": _PAGE, "cursor": cursor}


def _segment(name: str) -> str:
    return quote(name, safe="")


def _endpoint_path(endpoint_id: str) -> str:
    return f"/v1/webhook-endpoints/{_segment(endpoint_id)}"


def _endpoint(answer: Answer) -> port.WebhookEndpoint:
    made = _found(answer).read(wire.WebhookEndpoint)
    if not signatures.usable(made.secret):
        raise port.MisunderstoodError("the webhook secret has another form")
    return port.WebhookEndpoint(made.endpoint_id, made.secret)


def _found(answer: Answer) -> Answer:
    if answer.ok:
        return answer
    raise port.MisunderstoodError(answer.refusal)


def _is_missing(answer: Answer, code: str) -> bool:
    """Tell whether 360Hub holds nothing there. Another 404 means that the address is wrong."""
    return answer.status == 404 and answer.problem.code == code


def _readable(rows: Iterable[R | None]) -> list[R]:
    """Return the rows of a list that can be read: one odd row must not hide the others."""
    rows = list(rows)
    found = [row for row in rows if row is not None]
    if len(found) < len(rows):
        log.error(
            "Entries of a list of 360Hub's cannot be read",
            action="entries_left_out",
            count=len(rows) - len(found),
        )
    return found


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
        case "capability-off":
            return port.Unsupported("updates")
        case "validation":
            return port.UnknownProduct(errors) if _only_products(errors) else port.Invalid(errors)
        case _:  # version-conflict above all: two contents under one version
            raise port.MisunderstoodError(answer.refusal)


def _only_products(errors: tuple[FieldError, ...]) -> bool:
    return bool(errors) and all(error.code == "unknown-product" for error in errors)


def _cancel_refusal(answer: Answer) -> port.CancelOutcome:
    problem = answer.problem
    match problem.code:
        case "order-not-found":
            return port.NotFound()
        case "not-cancellable":
            return port.NotCancellable(problem.current_status)
        case "capability-off":
            return port.Unsupported("cancellation")
        case "order-closed":
            return port.Closed(problem.current_status)
        case _:
            raise port.MisunderstoodError(answer.refusal)


def _import_refusal(answer: Answer) -> port.ImportOutcome:
    problem = answer.problem
    match problem.code:
        case "stale-version":
            return port.Stale(problem.current_source_version, None)
        case "capability-off":
            return port.Unsupported("updates")
        case "validation":
            return port.Invalid(translate.field_errors(problem))
        case _:
            raise port.MisunderstoodError(answer.refusal)


def _photo_refusal(answer: Answer) -> port.PhotoOutcome:
    problem = answer.problem
    match problem.code:
        case "capability-off":
            return port.Unsupported("photos")
        case "product-not-found":
            return port.NotFound()
        case "validation":
            return port.Invalid(translate.field_errors(problem))
        case _:
            raise port.MisunderstoodError(answer.refusal)
