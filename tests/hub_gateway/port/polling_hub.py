"""A second adapter of the port, for a hub that can do much less than the first one.

It shares no code with the first, and nothing with 360Hub but a few of the double's calls. Whoever
wants to know what else changes asks again and again: nothing is told by itself, no event is
counted. An order or product is handed over once and stays as it is; it cannot be cancelled, and
nobody says why it waits.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar, get_args
from uuid import UUID, uuid4

import aiohttp
import orjson

from services.hub_gateway import port
from shared.contracts.hub_gateway import (
    Approval,
    Capability,
    FieldError,
    HubStatus,
    Label,
    Occurrence,
)

R = TypeVar("R")

_STATUSES: Final = get_args(HubStatus)
_APPROVALS: Final = ("awaiting_photos", "in_review", "rejected", "suspended", "approved")
_RANKS: Final = 16
"""More than there are statuses: they fit between two milliseconds."""

_PAGE: Final = 200
_SIGNATURE: Final = "X-Hub-Signature"


class RefusedError(Exception):
    """The hub refused a call for good."""

    def __init__(self, problem: port.Json) -> None:
        super().__init__(problem["code"])
        self.code: str = problem["code"]
        self.errors = tuple(
            FieldError(pointer=e["pointer"], code=e["code"], message=e.get("message"))
            for e in problem.get("errors", ())
        )


class PollingHub:
    """Implements :class:`~services.hub_gateway.port.Hub` for a hub that has to be asked."""

    lacks: frozenset[Capability] = frozenset(
        {"webhooks", "event_sequence", "updates", "cancellation", "holds", "photos"}
    )
    signature_headers: tuple[str, ...] = ()

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        credentials: port.CredentialSource,
        pace: port.Pace,
    ) -> None:
        self._http = http
        self._url = base_url.rstrip("/")
        self._credentials = credentials
        self._pace = pace
        self._tokens: dict[UUID, port.Json] = {}
        self._fetching = asyncio.Lock()

    def forget(self, account_id: UUID) -> None:
        self._tokens.pop(account_id, None)

    # --- orders

    async def register_order(
        self, account_id: UUID, order: port.OrderToRegister, request_id: UUID
    ) -> port.RegisterOutcome:
        """Look whether the order is there, and hand it over only if it is not."""
        unknown = tuple(
            FieldError(pointer=f"/items/{index}/product_ref", code="unknown-product")
            for index, item in enumerate(order.content.items)
            if item.product_id not in order.product_references
        )
        if unknown:
            return port.UnknownProduct(unknown)
        path = f"/v1/orders/{order.reference}"
        held = await self._find(account_id, path)
        if held is not None:
            return _order_held(held, order.version)
        try:
            made = await self._call(account_id, "PUT", path, _order_body(order))
        except RefusedError as refused:
            match refused.code:
                case "unknown-product":
                    return port.UnknownProduct(refused.errors)
                case "validation":
                    return port.Invalid(refused.errors)
                case code:
                    raise port.MisunderstoodError(code) from refused
        return _read(lambda: port.Registered("created", made["hub_id"], 0, ()))

    def prepare_cancellation(self, cancellation: port.Cancellation, key: str) -> port.PreparedCall:
        return port.PreparedCall(key, b"")

    async def cancel_order(
        self, account_id: UUID, reference: str, call: port.PreparedCall, request_id: UUID
    ) -> port.CancelOutcome:
        return port.Unsupported("cancellation")

    async def order(self, account_id: UUID, reference: str) -> port.OrderSnapshot | port.NotFound:
        found = await self._find(account_id, f"/v1/orders/{reference}")
        return port.NotFound() if found is None else _read(lambda: _order_snapshot(found))

    async def order_events(
        self, account_id: UUID, reference: str, shipment: int, after: int
    ) -> Sequence[port.OrderEvent]:
        return ()

    async def labels(self, account_id: UUID, reference: str) -> tuple[Label, ...]:
        return await self._parts(account_id, reference, "labels", "labels", _label)

    async def scans(self, account_id: UUID, reference: str) -> tuple[port.ScanSeen, ...]:
        found = await self._parts(account_id, reference, "tracking", "events", _scan)
        return tuple(sorted(found, key=lambda scan: scan.recorded_at))

    async def occurrences(
        self, account_id: UUID, reference: str
    ) -> tuple[port.OccurrenceSeen, ...]:
        return await self._parts(account_id, reference, "occurrences", "occurrences", _occurrence)

    async def orders(self, account_id: UUID, cursor: str | None) -> port.OrderPage:
        page = await self._list(account_id, "/v1/orders", cursor)
        return _read(
            lambda: port.OrderPage(tuple(map(_order_snapshot, page["orders"])), _next_of(page))
        )

    async def manifest(self, account_id: UUID, manifest_id: str) -> port.Manifest | port.NotFound:
        found = await self._find(account_id, f"/v1/manifests/{manifest_id}")
        return port.NotFound() if found is None else _read(lambda: _manifest(found))

    # --- products

    async def import_product(
        self, account_id: UUID, product: port.ProductToImport, request_id: UUID
    ) -> port.ImportOutcome:
        """Look whether the product is there, and hand it over only if it is not."""
        path = f"/v1/products/{product.reference}"
        held = await self._find(account_id, path)
        if held is not None:
            return _product_held(held, product.version)
        try:
            made = await self._call(account_id, "PUT", path, _product_body(product))
        except RefusedError as refused:
            if refused.code == "validation":
                return port.Invalid(refused.errors)
            raise port.MisunderstoodError(refused.code) from refused
        return _read(lambda: port.Imported("created", _product_sequence(made), _approval(made)))

    def prepare_photo(self, photo: port.PhotoToAdd, key: str) -> port.PreparedCall:
        return port.PreparedCall(key, b"")

    async def add_product_photo(
        self, account_id: UUID, reference: str, call: port.PreparedCall, request_id: UUID
    ) -> port.PhotoOutcome:
        return port.Unsupported("photos")

    async def product(
        self, account_id: UUID, reference: str
    ) -> port.ProductSnapshot | port.NotFound:
        found = await self._find(account_id, f"/v1/products/{reference}")
        return port.NotFound() if found is None else _read(lambda: _product_snapshot(found))

    async def products(self, account_id: UUID, cursor: str | None) -> port.ProductPage:
        page = await self._list(account_id, "/v1/products", cursor)
        return _read(
            lambda: port.ProductPage(
                tuple(map(_product_snapshot, page["products"])), _next_of(page)
            )
        )

    # --- what changed

    async def changes(
        self, account_id: UUID, cursor: str | None
    ) -> port.ChangePage | port.CursorExpired:
        """Walk all orders, then all products: what changed is for the caller to compare.

        Nothing is left out for its time: what the hub writes late would be lost for good.
        """
        kind, _, place = (cursor or "orders").partition(":")
        match kind:
            case "orders":
                orders = await self.orders(account_id, place or None)
                changes = [port.Change("order", o.reference, o.sequence) for o in orders.orders]
                following = f"orders:{orders.cursor}" if orders.cursor else "products"
                return port.ChangePage(tuple(changes), following, more=True)
            case "products":
                products = await self.products(account_id, place or None)
                changes = [
                    port.Change("product", p.reference, p.sequence) for p in products.products
                ]
                more = products.cursor is not None
                following = f"products:{products.cursor}" if more else "orders"
                return port.ChangePage(tuple(changes), following, more)
            case _:
                return port.CursorExpired()

    async def newest_change(self, account_id: UUID) -> str:
        return "orders"

    # --- the account, which nothing is delivered to

    async def hub_account(self, account_id: UUID) -> str:
        token = await self._token(account_id)
        return _read(lambda: str(token["account_id"]))

    def prepare_webhook(self, url: str, key: str) -> port.PreparedCall:
        body = {"url": url, "event_types": ["order.*", "product.*", "manifest.*"]}
        return port.PreparedCall(key, orjson.dumps(body))

    async def register_webhook(
        self, account_id: UUID, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        _no_webhooks()

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        pass

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        return False

    def prepare_rotation(self, key: str) -> port.PreparedCall:
        return port.PreparedCall(key, b"{}")

    async def rotate_webhook_secret(
        self, account_id: UUID, endpoint_id: str, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        _no_webhooks()

    async def failed_deliveries(
        self, account_id: UUID, endpoint_id: str, cursor: str | None
    ) -> port.FailedDeliveryPage:
        _no_webhooks()

    async def redeliver(self, account_id: UUID, delivery_id: str) -> bool:
        _no_webhooks()

    async def replay(
        self, account_id: UUID, endpoint_id: str, begin: datetime, end: datetime
    ) -> int | None:
        _no_webhooks()

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now_s: float
    ) -> str:
        raise port.NotAuthenticError("this hub sends no webhooks")

    def read_webhook(self, body: bytes) -> port.Notice:
        return port.UnrecognisedNotice(None)

    def order_event(self, event: port.Json, shipment: int) -> port.OrderEvent | None:
        return None

    def product_event(self, event: port.Json) -> port.ProductEvent | None:
        return None

    def manifest_event(self, event: port.Json) -> port.ManifestEvent | None:
        return None

    # --- one call

    async def _find(self, account_id: UUID, path: str) -> port.Json | None:
        try:
            return await self._call(account_id, "GET", path)
        except RefusedError as refused:
            if refused.code.endswith("-not-found"):
                return None
            raise port.MisunderstoodError(refused.code) from refused

    async def _parts(
        self,
        account_id: UUID,
        reference: str,
        path: str,
        name: str,
        translate: Callable[[Any], R],
    ) -> tuple[R, ...]:
        found = await self._find(account_id, f"/v1/orders/{reference}/{path}")
        return () if found is None else _read(lambda: tuple(map(translate, found[name])))

    async def _list(self, account_id: UUID, path: str, cursor: str | None) -> port.Json:
        query = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        try:
            return await self._call(account_id, "GET", path, query=query)
        except RefusedError as refused:
            raise port.MisunderstoodError(refused.code) from refused

    async def _call(
        self,
        account_id: UUID,
        method: str,
        path: str,
        body: port.Json | None = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> port.Json:
        """Return what the hub answered. Raises `RefusedError`, or the ``HubError`` it means."""
        await self._pace(account_id)
        for has_another_try in (True, False):
            token = await self._token(account_id)
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            if method == "POST":
                headers["Idempotency-Key"] = key or f"once-{uuid4()}"
            status, pause_s, answer = await self._send(
                method, path, json=body, params=query, headers=headers
            )
            if status != 401 or not has_another_try:
                break
            self.forget(account_id)
        return _settled(status, pause_s, answer)

    async def _token(self, account_id: UUID) -> port.Json:
        async with self._fetching:
            if account_id not in self._tokens:
                client = await self._credentials.credentials(account_id)
                auth = aiohttp.encode_basic_auth(client.client_id, client.client_secret)
                status, pause_s, answer = await self._send(
                    "POST",
                    "/oauth/token",
                    data={"grant_type": "client_credentials", "scope": "orders products tracking"},
                    headers={"Authorization": auth},
                )
                if status in (400, 401) and "error" in answer:
                    raise port.UnauthorisedError(answer["error"])
                self._tokens[account_id] = _settled(status, pause_s, answer)
            return self._tokens[account_id]

    async def _send(
        self, method: str, path: str, **parts: Any
    ) -> tuple[int, float | None, port.Json]:
        """Return the status, the pause that the hub wants, and its answer."""
        try:
            async with self._http.request(
                method, self._url + path, allow_redirects=False, **parts
            ) as response:
                pause = response.headers.get("Retry-After", "")
                body = await response.read()
                answer = {} if response.status == 204 else _storable(orjson.loads(body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise port.UnavailableError(type(error).__name__) from error
        except orjson.JSONDecodeError:
            raise port.UnavailableError("answered without JSON") from None
        if not isinstance(answer, dict):
            raise port.MisunderstoodError("an answer of another shape")
        return response.status, float(pause) if pause.isdecimal() else None, answer


def _storable(value: Any) -> Any:
    """Keep NUL visible, which PostgreSQL's text cannot hold."""
    match value:
        case str():
            return value.replace("\x00", "\\u0000")
        case list():
            return [_storable(part) for part in value]
        case dict():
            return {_storable(name): _storable(part) for name, part in value.items()}
        case _:
            return value


def _settled(status: int, pause_s: float | None, answer: port.Json) -> port.Json:
    if 200 <= status < 300:
        return answer
    if status == 429:
        raise port.ThrottledError(pause_s or 5.0)
    if status >= 500:
        raise port.UnavailableError(f"answered {status}", pause_s)
    if not isinstance(answer.get("code"), str):
        raise port.UnavailableError(f"answered {status} without a code")
    if status in (401, 403):
        raise port.UnauthorisedError(answer["code"])
    if answer.get("retryable"):
        raise port.BusyError(answer["code"])
    raise RefusedError(answer)


def _read(translate: Callable[[], R]) -> R:
    try:
        return translate()
    except (KeyError, TypeError, ValueError, AttributeError):
        # From None: the reason would repeat the answer, which may tell of a person.
        raise port.MisunderstoodError("an answer of another shape") from None


def _no_webhooks() -> NoReturn:
    raise port.MisunderstoodError("this hub has no webhooks")


# --- what is handed over


def _order_body(order: port.OrderToRegister) -> port.Json:
    content = order.content
    body = content.model_dump(
        mode="json", exclude_none=True, exclude={"items", "totals", "volumes"}
    )
    body |= {"source": "bling", "source_version": order.version}
    body["items"] = [
        {
            "line_ref": item.line,
            "product_ref": order.product_references[item.product_id],
            "name": item.name,
            "quantity": item.quantity,
            "unit_price": f"{item.unit_price:.2f}",
            **({"sku": item.sku} if item.sku else {}),
        }
        for item in content.items
    ]
    totals = content.totals
    body["totals"] = {name: f"{getattr(totals, name):.2f}" for name in type(totals).model_fields}
    body["totals"]["currency"] = "BRL"
    if content.volumes:
        body["volumes"] = [volume.model_dump() for volume in content.volumes]
    return body


def _product_body(product: port.ProductToImport) -> port.Json:
    body = product.content.model_dump(
        mode="json", exclude_none=True, exclude={"price", "parent_product_id"}
    )
    body |= {"source": "bling", "source_version": product.version}
    body["price"] = f"{product.content.price:.2f}"
    if product.parent_reference:
        body["parent_ref"] = product.parent_reference
    return body


# --- what is there already


def _order_held(held: port.Json, version: int) -> port.RegisterOutcome:
    def compare() -> port.RegisterOutcome:
        if held["source_version"] > version:
            return port.Stale(held["source_version"], held["status"])
        if held["source_version"] < version:
            return port.Unsupported("updates")
        return port.Registered("unchanged", held["hub_id"], 0, ())

    return _read(compare)


def _product_held(held: port.Json, version: int) -> port.ImportOutcome:
    def compare() -> port.ImportOutcome:
        if held["source_version"] > version:
            return port.Stale(held["source_version"], None)
        if held["source_version"] < version:
            return port.Unsupported("updates")
        return port.Imported("unchanged", _product_sequence(held), _approval(held))

    return _read(compare)


# --- what is read


def _next_of(page: port.Json) -> str | None:
    return page["next_cursor"] if page["has_more"] else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else _time(text)


def _sequence(changed_at: str, word: str, ranks: Sequence[str]) -> int:
    """Return a number that grows: the time of the change, and how far the status is."""
    rank = ranks.index(word) if word in ranks else _RANKS - 1
    return round(_time(changed_at).timestamp() * 1000) * _RANKS + rank


def _product_sequence(found: port.Json) -> int:
    return _sequence(found["updated_at"], found["approval"]["status"], _APPROVALS)


def _order_snapshot(found: port.Json) -> port.OrderSnapshot:
    carrier = found["carrier"]["code"] if found.get("carrier") else None
    labels = tuple(
        Label(
            label_id=volume["label_id"],
            volume=volume["volume"],
            status="ready",
            tracking_code=volume.get("tracking_code"),
            tracking_url=volume.get("tracking_url"),
            carrier=carrier,
        )
        for volume in found["volumes"]
    )
    return port.OrderSnapshot(
        found["external_ref"],
        _sequence(found["updated_at"], found["status"], _STATUSES),
        found["status"],
        _time(found["status_changed_at"]),
        (),
        labels,
    )


def _label(found: port.Json) -> Label:
    return Label(
        label_id=found["label_id"],
        volume=found["volume"],
        status=found["status"],
        tracking_code=found.get("tracking_code"),
        tracking_url=found.get("tracking_url"),
        carrier=found.get("carrier_code"),
        failure=found.get("failure_code"),
    )


def _scan(found: port.Json) -> port.ScanSeen:
    return port.ScanSeen(
        found.get("stage"),
        found.get("volume"),
        found.get("carrier_raw_code"),
        _time_or_none(found.get("occurred_at")),
        _time(found["recorded_at"]),
    )


def _occurrence(found: port.Json) -> port.OccurrenceSeen:
    told = {name: found.get(name) for name in Occurrence.model_fields if name != "carrier_code"}
    occurrence = Occurrence.model_validate({**told, "carrier_code": found.get("carrier_raw_code")})
    return port.OccurrenceSeen(
        occurrence, _time(found["opened_at"]), _time_or_none(found.get("resolved_at"))
    )


def _manifest(found: port.Json) -> port.Manifest:
    references = tuple(order["external_ref"] for order in found["orders"])
    return port.Manifest(found["manifest_id"], found.get("number"), found["status"], references)


def _approval(found: port.Json) -> Approval:
    return Approval.model_validate(
        {name: found["approval"].get(name) for name in Approval.model_fields}
    )


def _product_snapshot(found: port.Json) -> port.ProductSnapshot:
    return port.ProductSnapshot(
        found["external_ref"],
        _product_sequence(found),
        _approval(found),
        _time_or_none(found["approval"].get("decided_at")),
    )


# --- the same hub, which tells of changes after all


class BodySigningHub(PollingHub):
    """The same, but that it tells by webhooks what changed.

    Their signature covers the body and nothing else, and they bear no id of their own: the same
    body is the same event. They say that something changed, and not what.
    """

    lacks: frozenset[Capability] = PollingHub.lacks - {"webhooks"} | {"signed_time"}
    signature_headers = (_SIGNATURE,)

    async def register_webhook(
        self, account_id: UUID, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        return await self._endpoint(account_id, "/v1/webhook-endpoints", call)

    async def _endpoint(
        self, account_id: UUID, path: str, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        body = orjson.loads(call.body)
        made = await self._write(account_id, "POST", path, body, key=call.key)
        return _read(lambda: port.WebhookEndpoint(made["endpoint_id"], made["secret"]))

    async def remove_webhook(self, account_id: UUID, endpoint_id: str) -> None:
        try:
            await self._call(account_id, "DELETE", f"/v1/webhook-endpoints/{endpoint_id}")
        except RefusedError as refused:
            if refused.code != "endpoint-not-found":
                raise port.MisunderstoodError(refused.code) from refused

    async def webhook_is_active(self, account_id: UUID, endpoint_id: str) -> bool:
        found = await self._find(account_id, f"/v1/webhook-endpoints/{endpoint_id}")
        return found is not None and _read(lambda: found["status"] == "active")

    async def rotate_webhook_secret(
        self, account_id: UUID, endpoint_id: str, call: port.PreparedCall
    ) -> port.WebhookEndpoint:
        path = f"/v1/webhook-endpoints/{endpoint_id}/rotate-secret"
        return await self._endpoint(account_id, path, call)

    async def failed_deliveries(
        self, account_id: UUID, endpoint_id: str, cursor: str | None
    ) -> port.FailedDeliveryPage:
        path = f"/v1/webhook-endpoints/{endpoint_id}/deliveries"
        page = await self._list(account_id, path, cursor)
        return _read(
            lambda: port.FailedDeliveryPage(
                tuple(_failed(each) for each in page["deliveries"] if each["state"] == "failed"),
                _next_of(page),
            )
        )

    async def redeliver(self, account_id: UUID, delivery_id: str) -> bool:
        path = f"/v1/webhook-deliveries/{delivery_id}/redeliver"
        try:
            await self._call(account_id, "POST", path, {})
        except RefusedError as refused:
            if refused.code == "delivery-not-found":
                return False
            raise port.MisunderstoodError(refused.code) from refused
        return True

    async def replay(
        self, account_id: UUID, endpoint_id: str, begin: datetime, end: datetime
    ) -> int | None:
        path = f"/v1/webhook-endpoints/{endpoint_id}/replay"
        await self._write(
            account_id, "POST", path, {"from": begin.isoformat(), "to": end.isoformat()}
        )
        return None

    async def _write(
        self,
        account_id: UUID,
        method: str,
        path: str,
        body: port.Json | None = None,
        *,
        key: str | None = None,
    ) -> port.Json:
        try:
            return await self._call(account_id, method, path, body, key=key)
        except RefusedError as refused:
            raise port.MisunderstoodError(refused.code) from refused

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now_s: float
    ) -> str:
        offered = headers.get(_SIGNATURE, "").encode().split()
        expected = [signature(secret, body).encode() for secret in secrets]
        if not any(hmac.compare_digest(one, other) for one in offered for other in expected):
            raise port.NotAuthenticError("no signature matches")
        return hashlib.sha256(body).hexdigest()

    def read_webhook(self, body: bytes) -> port.Notice:
        try:
            told = _storable(orjson.loads(body))
        except orjson.JSONDecodeError:
            return port.UnrecognisedNotice(None)
        match told:
            case {"order": str(reference)}:
                return port.OrderNotice(reference, told)
            case {"product": str(reference)}:
                return port.ProductNotice(reference, told)
            case {"manifest": str(), "closed_at": str()}:
                return port.ManifestNotice(told)
            case {"hello": _}:
                return port.VerificationNotice()
            case {"kind": str(kind)}:
                return port.UnrecognisedNotice(kind)
            case _:
                return port.UnrecognisedNotice(None)

    def manifest_event(self, event: port.Json) -> port.ManifestEvent | None:
        manifest_id = event["manifest"]
        return port.ManifestEvent(
            f"{manifest_id} closed",
            manifest_id,
            event.get("number"),
            tuple(event["orders"]),
            _time(event["closed_at"]),
        )


def signature(secret: str, body: bytes) -> str:
    """Return what such a hub signs a body with: nothing of when, or for the how-manieth time."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def _failed(found: port.Json) -> port.FailedDelivery:
    return port.FailedDelivery(
        found["delivery_id"],
        found["event_type"],
        found.get("external_ref"),
        found["attempts"],
        found.get("last_response_status"),
        _time_or_none(found.get("last_attempt_at")),
    )
