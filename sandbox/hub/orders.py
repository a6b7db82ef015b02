"""The order calls: register or update, cancel, read, list, event feed."""

from aiohttp import web

from sandbox.hub.clock import stamp
from sandbox.hub.content import (
    CancelBody,
    OrderBody,
    check_ref,
    digest,
    normal_form,
    read_body,
    unknown_products,
)
from sandbox.hub.events import record_order
from sandbox.hub.holds import holds_of, refresh_holds
from sandbox.hub.ids import new_id
from sandbox.hub.order_life import CARRIER_CODE, CARRIER_NAME, cancel
from sandbox.hub.problems import REQUEST_ID, ApiError, Json
from sandbox.hub.query import PAGING, Route, cut_page, limit_of, time_of, whole_number, words_of
from sandbox.hub.records import Cause, Order, Receipt
from sandbox.hub.state import Account, account_of
from sandbox.hub.statuses import EDITABLE, TERMINAL, UNKNOWN_STATUS, OrderStatus

_INCLUDES = frozenset({"recipient", "content"})
_STATUSES = frozenset(OrderStatus) | {UNKNOWN_STATUS}


async def put_order(request: web.Request) -> web.Response:
    """Register an order, or bring a registered one up to date."""
    account, ref = account_of(request), request.match_info["ref"]
    check_ref(ref)
    body = await read_body(request, OrderBody)
    content = normal_form(body)
    cause = Cause("integration", request[REQUEST_ID])
    order = account.orders.get(ref)
    if order is None:
        order = _register(account, ref, body.source_version, content, cause)
        outcome, sequence = "created", order.sequence
    else:
        outcome, sequence = _update(account, order, body.source_version, content, cause)
    order.receipts.append(Receipt(body.source_version, outcome, account.clock.now()))
    answer = {"outcome": outcome, **_standing(order), "sequence": sequence}
    return web.json_response(answer, status=201 if outcome == "created" else 200)


def _register(account: Account, ref: str, version: int, content: Json, cause: Cause) -> Order:
    _check_products(account, content)
    now = account.clock.now()
    order = Order(
        ref=ref,
        hub_id=new_id("ord"),
        created_at=now,
        updated_at=now,
        content=content,
        source_version=version,
        status=OrderStatus.ORDER_CREATED,
        status_changed_at=now,
    )
    account.orders[ref] = order
    _index_products(account, order)
    order.holds = holds_of(account, order)
    data = {"status": order.shown_status, "holds": order.holds, "source_version": version}
    record_order(account, order, "order.created", data, cause=cause)
    return order


def _update(
    account: Account, order: Order, version: int, content: Json, cause: Cause
) -> tuple[str, int]:
    """Decide what a repeated `PUT` means; answers the outcome and the sequence it caused."""
    if version < order.source_version:
        detail = f"Received source_version {version}, stored source_version {order.source_version}."
        raise _conflict("stale-version", order, detail)
    same = content == order.content
    if version == order.source_version and same:
        return "unchanged", order.sequence
    if order.status in TERMINAL:
        raise _conflict("order-closed", order)
    if version == order.source_version:
        raise _conflict("version-conflict", order)
    if same:
        order.source_version = version
        return "unchanged", order.sequence
    if not _may_change(order, content):
        raise _conflict("order-locked", order)
    _check_products(account, content)
    return "updated", _store_content(account, order, version, content, cause)


def _may_change(order: Order, content: Json) -> bool:
    """Say whether the status allows the edit: with labels, only a fiscal document may come."""
    if order.status in EDITABLE:
        return True
    changed = {
        key for key in {*content, *order.content} if content.get(key) != order.content.get(key)
    }
    return (
        order.status is OrderStatus.AWAITING_DISPATCH
        and changed == {"fiscal_document"}
        and "fiscal_document" in content
    )


def _store_content(
    account: Account, order: Order, version: int, content: Json, cause: Cause
) -> int:
    order.content = content
    order.source_version = version
    _index_products(account, order)
    data = {"source_version": version}
    event = record_order(account, order, "order.content_updated", data, cause=cause)
    refresh_holds(account, order)
    return event.sequence


def _check_products(account: Account, content: Json) -> None:
    if errors := unknown_products(content, account.products.__contains__):
        raise ApiError("unknown-product", errors=errors)


def _index_products(account: Account, order: Order) -> None:
    for ref in order.product_refs:
        account.orders_of_product.setdefault(ref, set()).add(order.ref)


def _conflict(code: str, order: Order, detail: str | None = None) -> ApiError:
    return ApiError(
        code,
        detail,
        current_source_version=order.source_version,
        current_status=order.shown_status,
    )


async def cancel_order(request: web.Request) -> web.Response:
    """Cancel an order that the carrier does not have yet."""
    account = account_of(request)
    body = await read_body(request, CancelBody)
    order = account.order(request.match_info["ref"])
    before = order.shown_status
    if order.status is OrderStatus.CANCELLED:
        return web.json_response(_cancelled("unchanged", order, before, order.sequence, []))
    if order.status in TERMINAL:
        raise _conflict("order-closed", order)
    if not order.cancellable:
        raise _conflict("not-cancellable", order)
    order.source_version = max(order.source_version, body.source_version)
    cause = Cause("integration", request[REQUEST_ID])
    event, voided = cancel(account, order, cause=cause, reason_code=body.reason_code)
    order.receipts.append(Receipt(body.source_version, "cancelled", account.clock.now()))
    return web.json_response(_cancelled("cancelled", order, before, event.sequence, voided))


def _cancelled(outcome: str, order: Order, before: str, sequence: int, voided: list[str]) -> Json:
    return {
        "outcome": outcome,
        "external_ref": order.ref,
        "status": order.shown_status,
        "previous_status": before,
        "labels_voided": voided,
        "sequence": sequence,
    }


async def get_order(request: web.Request) -> web.Response:
    """Show an order; personal data only when it is asked for."""
    order = account_of(request).order(request.match_info["ref"])
    include = words_of(request, "include", _INCLUDES)
    view = order_view(order)
    if "recipient" in include:
        view["recipient"] = order.content["recipient"]
    if "content" in include:
        view["content"] = order.content
    return web.json_response(view)


async def list_orders(request: web.Request) -> web.Response:
    """List orders in the order of their registration."""
    statuses = words_of(request, "status", _STATUSES)
    troubled = _flag(request, "has_open_occurrence")
    since, until = time_of(request, "created_from"), time_of(request, "created_to")
    rows = [
        (number, order)
        for number, order in enumerate(account_of(request).orders.values())
        if (not statuses or order.shown_status in statuses)
        and (troubled is None or bool(order.open_occurrences) is troubled)
        and (since is None or order.created_at >= since)
        and (until is None or order.created_at < until)
    ]
    orders, page = cut_page(request, "ord", rows)
    return web.json_response({"orders": [order_view(order) for order in orders], **page.view()})


async def list_order_events(request: web.Request) -> web.Response:
    """Read an order's events in order and without gaps."""
    order = account_of(request).order(request.match_info["ref"])
    after = whole_number(request, "after_sequence", 0, least=0, most=2**53)
    found = order.events[after : after + limit_of(request)]
    answer = {
        "events": [event.envelope() for event in found],
        "last_sequence": order.sequence,
        "has_more": after + len(found) < order.sequence,
    }
    return web.json_response(answer)


def _standing(order: Order) -> Json:
    return {
        "external_ref": order.ref,
        "hub_id": order.hub_id,
        "status": order.shown_status,
        "status_label": order.shown_label,
        "source_version": order.source_version,
        "holds": order.holds,
    }


def order_view(order: Order) -> Json:
    carrier = {"code": CARRIER_CODE, "name": CARRIER_NAME, "service": "Package"}
    return {
        **_standing(order),
        "sequence": order.sequence,
        "status_changed_at": stamp(order.status_changed_at),
        "updated_at": stamp(order.updated_at),
        "manifest_id": order.manifest_id,
        "carrier": carrier if order.manifest_id else None,
        "volumes": [
            {
                "volume": label.volume,
                "label_id": label.label_id,
                "tracking_code": label.tracking_code,
                "tracking_url": label.tracking_url,
            }
            for label in order.ready_labels
        ],
        "open_occurrences": len(order.open_occurrences),
        "content_digest": digest(order.content),
        "cancellable": order.cancellable,
    }


def _flag(request: web.Request, name: str) -> bool | None:
    text = request.query.get(name)
    if text not in (None, "true", "false"):
        raise ApiError("malformed", f"{name} is true or false.")
    return None if text is None else text == "true"


ROUTES = (
    Route(
        "GET",
        "/orders",
        list_orders,
        PAGING | {"status", "has_open_occurrence", "created_from", "created_to"},
    ),
    Route("PUT", "/orders/{ref}", put_order),
    Route("GET", "/orders/{ref}", get_order, frozenset({"include"})),
    Route("POST", "/orders/{ref}/cancel", cancel_order),
    Route("GET", "/orders/{ref}/events", list_order_events, frozenset({"after_sequence", "limit"})),
)
