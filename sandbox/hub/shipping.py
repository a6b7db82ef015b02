"""What is read of shipping: manifests, labels, tracking, occurrences, and the change feed."""

import secrets
from datetime import timedelta

from aiohttp import web

from sandbox.hub.carrier import describe
from sandbox.hub.changes import Change
from sandbox.hub.clock import stamp, stamp_or_none
from sandbox.hub.occurrences import occurrence_view
from sandbox.hub.order_life import CARRIER_CODE, CARRIER_NAME
from sandbox.hub.problems import Json
from sandbox.hub.query import PAGING, Route, limit_of, read_cursor, words_of, write_cursor
from sandbox.hub.records import Label, Manifest, Order, Product, Scan
from sandbox.hub.state import Account, account_of

_LINK_LIFE = timedelta(hours=1)
_DELIVERY_TIME = timedelta(days=5)
_RESOURCES = frozenset({"order", "product"})


async def get_manifest(request: web.Request) -> web.Response:
    """Show a romaneio."""
    account = account_of(request)
    manifest = account.manifest(request.match_info["manifest_id"])
    return web.json_response(manifest_view(account, manifest))


async def list_labels(request: web.Request) -> web.Response:
    """List an order's labels, voided and failed ones included."""
    account = account_of(request)
    order = account.order(request.match_info["ref"])
    return web.json_response({"labels": [_label_view(account, label) for label in order.labels]})


async def get_tracking(request: web.Request) -> web.Response:
    """Tell how far an order is, and every scan."""
    order = account_of(request).order(request.match_info["ref"])
    return web.json_response(tracking_view(order))


async def list_occurrences(request: web.Request) -> web.Response:
    """List an order's occurrences, resolved ones included."""
    order = account_of(request).order(request.match_info["ref"])
    found = [occurrence_view(occurrence) for occurrence in order.occurrences]
    return web.json_response({"occurrences": found})


async def list_changes(request: web.Request) -> web.Response:
    """Answer what changed since a cursor; the next cursor is always there, and may be stored."""
    account = account_of(request)
    kinds = words_of(request, "resource", _RESOURCES) or _RESOURCES
    limit = limit_of(request)
    found = account.changes.after(_position(request, account), account.clock.now())
    wanted = [change for change in found if change.kind in kinds]
    page, more = wanted[:limit], len(wanted) > limit
    end = page[-1].position if more else account.changes.end
    answer = {
        "changes": [_change_view(change) for change in page],
        "next_cursor": write_cursor("seq", end),
        "has_more": more,
    }
    return web.json_response(answer)


def manifest_view(account: Account, manifest: Manifest) -> Json:
    return {
        "manifest_id": manifest.ref,
        "number": manifest.number,
        "status": manifest.status,
        "carrier": {"code": CARRIER_CODE, "name": CARRIER_NAME},
        "created_at": stamp(manifest.created_at),
        "closed_at": stamp_or_none(manifest.closed_at),
        "orders": [
            {"external_ref": ref, "added_at": stamp(at)} for ref, at in manifest.added.items()
        ],
        "document": _link(account, "m") if manifest.closed_at else None,
    }


def tracking_view(order: Order) -> Json:
    latest = max(order.scans, key=lambda scan: scan.recorded_at, default=None)
    estimate = order.status_changed_at + _DELIVERY_TIME
    return {
        "external_ref": order.ref,
        "stage": latest and latest.stage,
        "estimated_delivery": estimate.date().isoformat() if latest else None,
        "events": [_scan_view(scan) for scan in order.scans],
    }


def _position(request: web.Request, account: Account) -> int:
    cursor = request.query.get("cursor")
    if cursor is None:
        return account.changes.oldest_kept(account.clock.now())
    return account.changes.end if cursor == "now" else read_cursor("seq", cursor)


def _change_view(change: Change) -> Json:
    view = {
        "resource": change.kind,
        "external_ref": change.resource.ref,
        "sequence": change.resource.sequence,
        "changed_at": stamp(change.changed_at),
    }
    match change.resource:
        case Order() as order:
            return {**view, "status": order.shown_status}
        case Product() as product:
            return {**view, "approval_status": product.status.value}
    return view


def _label_view(account: Account, label: Label) -> Json:
    return {
        "label_id": label.label_id,
        "volume": label.volume,
        "status": label.status,
        "failure_code": label.failure_code,
        "carrier_code": label.carrier_code,
        "tracking_code": label.tracking_code,
        "tracking_url": label.tracking_url,
        "formats": ["pdf", "zpl"],
        "document": _link(account, "l") if label.status == "ready" else None,
        "generated_at": stamp(label.generated_at),
        "voided_at": stamp_or_none(label.voided_at),
    }


def _scan_view(scan: Scan) -> Json:
    return {
        "event_id": scan.event_id,
        "volume": scan.volume,
        "stage": scan.stage,
        "description": describe(scan.stage),
        "carrier_code": CARRIER_CODE,
        "carrier_raw_code": scan.raw_code,
        "location": {"city": "São Paulo", "state": "SP"},
        "occurred_at": stamp(scan.occurred_at),
        "recorded_at": stamp(scan.recorded_at),
    }


def _link(account: Account, folder: str) -> Json:
    """Make a link that expires; each reading makes another."""
    name = secrets.token_hex(4)
    return {
        "url": f"https://files.hub360.example/{folder}/{name}?sig={secrets.token_hex(16)}",
        "expires_at": stamp(account.clock.now() + _LINK_LIFE),
    }


ROUTES = (
    Route("GET", "/manifests/{manifest_id}", get_manifest),
    Route("GET", "/orders/{ref}/labels", list_labels),
    Route("GET", "/orders/{ref}/tracking", get_tracking),
    Route("GET", "/orders/{ref}/occurrences", list_occurrences),
    Route("GET", "/changes", list_changes, PAGING | {"resource"}),
)
