"""Romaneios, as the hub's operator makes them."""

from sandbox.hub.events import record
from sandbox.hub.ids import new_id
from sandbox.hub.order_life import leave_manifest, move
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.records import OPERATOR, Manifest, Order
from sandbox.hub.state import Account
from sandbox.hub.statuses import OrderStatus


def open_manifest(account: Account, orders: list[Order]) -> Manifest:
    """Open a romaneio with orders that are not held; all enter or none."""
    if obstacles := [_obstacle(order) for order in orders if not _may_enter(order)]:
        raise ApiError("not-possible", "Some orders cannot enter a manifest.", orders=obstacles)
    now = account.clock.now()
    manifest_id = new_id("man")
    manifest = Manifest(
        ref=manifest_id,
        hub_id=manifest_id,
        created_at=now,
        updated_at=now,
        number=f"R-{len(account.manifests) + 1:05d}",
    )
    account.manifests[manifest_id] = manifest
    for order in orders:
        manifest.added[order.ref] = now
        order.manifest_id = manifest_id
        to = OrderStatus.IN_MANIFEST
        move(account, order, to, cause=OPERATOR, reason_code="added_to_manifest")
    return manifest


def take_out(account: Account, manifest: Manifest, order: Order) -> None:
    """Take an order out of its romaneio, back to where it began."""
    if order.manifest_id != manifest.ref or order.status is not OrderStatus.IN_MANIFEST:
        raise ApiError("not-possible", "The order is not in this manifest without labels.")
    leave_manifest(account, order)
    to = OrderStatus.ORDER_CREATED
    move(account, order, to, cause=OPERATOR, reason_code="taken_out_of_manifest")


def close_manifest(account: Account, manifest: Manifest) -> None:
    """Close a romaneio, so that its document is available."""
    if manifest.status != "open":
        raise ApiError("not-possible", f"The manifest is {manifest.status}.")
    manifest.status = "closed"
    manifest.closed_at = account.clock.now()
    data: Json = {
        "manifest_id": manifest.ref,
        "number": manifest.number,
        "orders": list(manifest.added),
    }
    record(account, manifest, "manifest.closed", data, cause=OPERATOR)


def _may_enter(order: Order) -> bool:
    return order.status is OrderStatus.ORDER_CREATED and not order.holds


def _obstacle(order: Order) -> Json:
    return {"external_ref": order.ref, "status": order.shown_status, "holds": order.holds}
