"""Controls of orders and products: what the operator, the carrier and the review team do."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field

from sandbox.hub.carrier import scan
from sandbox.hub.clock import stamp
from sandbox.hub.content import Volume
from sandbox.hub.control_body import (
    ACCOUNT_QUERY,
    Control,
    ControlBody,
    named_account,
    read_control,
)
from sandbox.hub.holds import refresh_holds
from sandbox.hub.manifests_life import (
    cancel_manifest,
    close_manifest,
    open_manifest,
    put_in,
    take_out,
)
from sandbox.hub.occurrences import occurrence_view, open_occurrence, resolve_occurrence
from sandbox.hub.order_life import (
    cancel,
    check_volume,
    generate_labels,
    issue_tracking_codes,
    void_labels,
)
from sandbox.hub.orders import order_view
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.products import photo_view, product_view
from sandbox.hub.products_life import (
    REASONS,
    accept_photo,
    accept_photos,
    photo_of,
    reject_photo,
    review,
)
from sandbox.hub.query import Route
from sandbox.hub.records import OPERATOR, Occurrence, Order, Receipt
from sandbox.hub.shipping import manifest_view, tracking_view
from sandbox.hub.state import Account


class ManifestBody(ControlBody):
    orders: Annotated[list[str], Field(min_length=1)]


class VolumesBody(ControlBody):
    volumes: Annotated[list[Volume], Field(min_length=1)]


class LabelsBody(ControlBody):
    """What becomes of the labels; with `volume`, of that one's only, and the others are ready."""

    outcome: Literal["ready", "processing", "carrier_unavailable", "address_rejected"] = "ready"
    volume: int | None = None


class ScanBody(ControlBody):
    """A scan of one volume, or without `volume` of every one; a stage may be one of no list."""

    stage: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    volume: int | None = None
    raw_code: str | None = None
    occurred_at: AwareDatetime | None = None


class OccurrenceBody(ControlBody):
    code: str
    action: Literal["open", "resolve"] = "open"
    volume: int = 1
    raw_code: str | None = None
    text: Annotated[str, Field(max_length=500)] | None = None
    act_before: AwareDatetime | None = None
    resolution: str = "resolved_by_carrier"


class HubCancelBody(ControlBody):
    reason_code: str = "cancelled_by_hub"


class PhotosBody(ControlBody):
    count: Annotated[int, Field(ge=1)] = 1


class PhotoDecisionBody(ControlBody):
    decision: Literal["accept", "reject"]
    reason_code: str | None = None


class ReviewBody(ControlBody):
    decision: Literal["approve", "reject", "suspend", "lift"]
    reason_code: str | None = None


async def create_manifest(request: web.Request) -> web.Response:
    account, body = await read_control(request, ManifestBody)
    manifest = open_manifest(account, [account.order(ref) for ref in body.orders])
    return web.json_response(manifest_view(account, manifest), status=201)


async def add_to_manifest(request: web.Request) -> web.Response:
    account, body = await read_control(request, ManifestBody)
    manifest = account.manifest(request.match_info["manifest_id"])
    put_in(account, manifest, [account.order(ref) for ref in body.orders])
    return web.json_response(manifest_view(account, manifest))


async def remove_from_manifest(request: web.Request) -> web.Response:
    account = named_account(request)
    order = account.order(request.match_info["ref"])
    take_out(account, account.manifest(request.match_info["manifest_id"]), order)
    return web.json_response(order_view(order))


async def close(request: web.Request) -> web.Response:
    account, _ = await read_control(request, ControlBody)
    manifest = account.manifest(request.match_info["manifest_id"])
    close_manifest(account, manifest)
    return web.json_response(manifest_view(account, manifest))


async def give_up(request: web.Request) -> web.Response:
    account, _ = await read_control(request, ControlBody)
    manifest = account.manifest(request.match_info["manifest_id"])
    cancel_manifest(account, manifest)
    return web.json_response(manifest_view(account, manifest))


async def make_labels(request: web.Request) -> web.Response:
    account, order, body = await _about_order(request, LabelsBody)
    if body.volume is not None:
        check_volume(order, body.volume)
    generate_labels(account, order, body.outcome, body.volume)
    return web.json_response(order_view(order))


async def void(request: web.Request) -> web.Response:
    account, order, _ = await _about_order(request, ControlBody)
    voided = void_labels(account, order)
    return web.json_response({**order_view(order), "labels_voided": voided})


async def send_tracking_codes(request: web.Request) -> web.Response:
    """Let the codes arrive that labels were made without."""
    account, order, _ = await _about_order(request, ControlBody)
    issue_tracking_codes(account, order)
    return web.json_response(order_view(order))


async def measure(request: web.Request) -> web.Response:
    """Enter volumes as the operator measured them, where the order came without."""
    account, order, body = await _about_order(request, VolumesBody)
    order.measured_volumes = [volume.model_dump() for volume in body.volumes]
    refresh_holds(account, order)
    return web.json_response(order_view(order))


async def carrier_scan(request: web.Request) -> web.Response:
    account, order, body = await _about_order(request, ScanBody)
    recorded = scan(
        account,
        order,
        body.stage,
        volume=body.volume,
        raw_code=body.raw_code,
        occurred_at=body.occurred_at,
    )
    return web.json_response({**order_view(order), "recorded": recorded})


async def occur(request: web.Request) -> web.Response:
    account, order, body = await _about_order(request, OccurrenceBody)
    if body.action == "open":
        occurrence = open_occurrence(
            account,
            order,
            body.code,
            volume=body.volume,
            raw_code=body.raw_code,
            carrier_text=body.text,
            act_before=body.act_before,
        )
        return web.json_response(occurrence_view(occurrence), status=201)
    occurrence = _open_one(order, body)
    resolve_occurrence(account, order, occurrence, body.resolution)
    return web.json_response(occurrence_view(occurrence))


async def cancel_by_hub(request: web.Request) -> web.Response:
    account, order, body = await _about_order(request, HubCancelBody)
    cancel(account, order, cause=OPERATOR, reason_code=body.reason_code)
    return web.json_response(order_view(order))


async def register_photos(request: web.Request) -> web.Response:
    """Count photos that a person registered in the hub's own screen."""
    account, body = await read_control(request, PhotosBody)
    product = account.product(request.match_info["ref"])
    accept_photos(account, product, body.count, cause=OPERATOR)
    return web.json_response(product_view(product))


async def decide_on_photo(request: web.Request) -> web.Response:
    """Accept or reject a photo that the integration sent."""
    account, body = await read_control(request, PhotoDecisionBody)
    product = account.product(request.match_info["ref"])
    _check_reason(body.reason_code)
    photo = photo_of(product, request.match_info["photo_id"])
    if body.decision == "accept":
        accept_photo(account, product, photo)
    else:
        reject_photo(account, product, photo, body.reason_code)
    return web.json_response({**product_view(product), "photo": photo_view(photo)})


async def review_product(request: web.Request) -> web.Response:
    account, body = await read_control(request, ReviewBody)
    product = account.product(request.match_info["ref"])
    _check_reason(body.reason_code)
    review(account, product, body.decision, body.reason_code)
    return web.json_response(product_view(product))


async def list_orders(request: web.Request) -> web.Response:
    orders = named_account(request).orders.values()
    return web.json_response({"orders": [order_view(order) for order in orders]})


async def show_order(request: web.Request) -> web.Response:
    """Show all that is known of an order: content, events, history, and what was received."""
    order = named_account(request).order(request.match_info["ref"])
    full: Json = {
        **order_view(order),
        "content": order.content,
        "events": [event.envelope() for event in order.events],
        "history": _history(order),
        "received": _receipts(order.receipts),
        "tracking": tracking_view(order),
        "occurrences": [occurrence_view(occurrence) for occurrence in order.occurrences],
    }
    return web.json_response(full)


async def list_products(request: web.Request) -> web.Response:
    products = named_account(request).products.values()
    found = [
        {
            **product_view(p),
            "content": p.content,
            "received": _receipts(p.receipts),
            "photos": [photo_view(photo) for photo in p.photos],
        }
        for p in products
    ]
    return web.json_response({"products": found})


async def _about_order(
    request: web.Request, model: type[Control]
) -> tuple[Account, Order, Control]:
    account, body = await read_control(request, model)
    return account, account.order(request.match_info["ref"]), body


def _check_reason(code: str | None) -> None:
    if code is not None and code not in REASONS:
        raise ApiError("malformed", f"O motivo é um destes: {', '.join(REASONS)}.")


def _open_one(order: Order, body: OccurrenceBody) -> Occurrence:
    for occurrence in order.open_occurrences:
        if (occurrence.code, occurrence.volume) == (body.code, body.volume):
            return occurrence
    raise ApiError("not-possible", "Não há uma ocorrência aberta assim.")


def _history(order: Order) -> list[Json]:
    """List the statuses that the order had, as its events tell."""
    return [
        {
            "status": event.data.get("to") or event.data["status"],
            "at": stamp(event.occurred_at),
            "sequence": event.sequence,
            "by": event.cause.actor,
        }
        for event in order.events
        if event.type in ("order.created", "order.status_changed")
    ]


def _receipts(receipts: list[Receipt]) -> list[Json]:
    return [
        {"source_version": r.source_version, "outcome": r.outcome, "at": stamp(r.at)}
        for r in receipts
    ]


_MANIFEST = "/manifests/{manifest_id}"
_ORDER = "/orders/{ref}"

ROUTES = (
    Route("POST", "/manifests", create_manifest, ACCOUNT_QUERY),
    Route("POST", f"{_MANIFEST}/orders", add_to_manifest, ACCOUNT_QUERY),
    Route("DELETE", f"{_MANIFEST}/orders/{{ref}}", remove_from_manifest, ACCOUNT_QUERY),
    Route("POST", f"{_MANIFEST}/close", close, ACCOUNT_QUERY),
    Route("POST", f"{_MANIFEST}/cancel", give_up, ACCOUNT_QUERY),
    Route("GET", "/orders", list_orders, ACCOUNT_QUERY),
    Route("GET", _ORDER, show_order, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/labels", make_labels, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/labels/void", void, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/labels/tracking-codes", send_tracking_codes, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/volumes", measure, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/carrier-scan", carrier_scan, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/occurrences", occur, ACCOUNT_QUERY),
    Route("POST", f"{_ORDER}/cancel", cancel_by_hub, ACCOUNT_QUERY),
    Route("GET", "/products", list_products, ACCOUNT_QUERY),
    Route("POST", "/products/{ref}/photos", register_photos, ACCOUNT_QUERY),
    Route("POST", "/products/{ref}/photos/{photo_id}", decide_on_photo, ACCOUNT_QUERY),
    Route("POST", "/products/{ref}/review", review_product, ACCOUNT_QUERY),
)
