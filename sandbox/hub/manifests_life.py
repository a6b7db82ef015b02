"""Romaneios, as the hub's operator makes them."""

from sandbox.hub.events import record
from sandbox.hub.ids import new_id
from sandbox.hub.order_life import give_labels_up, hand_over, leave_manifest, move
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.records import OPERATOR, Manifest, Order
from sandbox.hub.state import Account
from sandbox.hub.statuses import MANIFEST_LABELS, OrderStatus


def open_manifest(account: Account, orders: list[Order]) -> Manifest:
    """Open a romaneio with orders that are not held; all enter or none."""
    _check_enterable(orders)
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
    put_in(account, manifest, orders)
    return manifest


def put_in(account: Account, manifest: Manifest, orders: list[Order]) -> None:
    """Put orders that are not held into an open romaneio; all enter or none."""
    _check_open(manifest)
    _check_enterable(orders)
    for order in orders:
        manifest.added[order.ref] = account.clock.now()
        order.manifest_id = manifest.ref
        to = OrderStatus.IN_MANIFEST
        move(account, order, to, cause=OPERATOR, reason_code="added_to_manifest")


def take_out(account: Account, manifest: Manifest, order: Order) -> None:
    """Take an order out of its romaneio, back to where it began."""
    if order.manifest_id != manifest.ref or order.status is not OrderStatus.IN_MANIFEST:
        raise ApiError("not-possible", "O pedido não está neste romaneio sem etiquetas.")
    give_labels_up(account, order, OPERATOR)
    leave_manifest(account, order)
    to = OrderStatus.ORDER_CREATED
    move(account, order, to, cause=OPERATOR, reason_code="taken_out_of_manifest")


def close_manifest(account: Account, manifest: Manifest) -> None:
    """Close a romaneio, so that its document is available."""
    _check_open(manifest)
    manifest.status = "closed"
    manifest.closed_at = account.clock.now()
    data: Json = {
        "manifest_id": manifest.ref,
        "number": manifest.number,
        "orders": list(manifest.added),
    }
    record(account, manifest, "manifest.closed", data, cause=OPERATOR)
    hand_over(account, manifest)


def cancel_manifest(account: Account, manifest: Manifest) -> None:
    """Give an open romaneio up; its orders are back where they began."""
    _check_open(manifest)
    orders = [account.orders[ref] for ref in manifest.added]
    if labelled := [_obstacle(o) for o in orders if o.status is not OrderStatus.IN_MANIFEST]:
        detail = "Há pedidos com etiquetas; anule-as antes."
        raise ApiError("not-possible", detail, orders=labelled)
    for order in orders:
        take_out(account, manifest, order)
    manifest.status = "cancelled"


def _check_open(manifest: Manifest) -> None:
    if manifest.status != "open":
        detail = f"O romaneio não está aberto: {MANIFEST_LABELS[manifest.status]}."
        raise ApiError("not-possible", detail)


def _check_enterable(orders: list[Order]) -> None:
    if obstacles := [_obstacle(order) for order in orders if not _may_enter(order)]:
        detail = "Nem todos os pedidos podem entrar no romaneio."
        raise ApiError("not-possible", detail, orders=obstacles)


def _may_enter(order: Order) -> bool:
    return order.status is OrderStatus.ORDER_CREATED and not order.holds


def _obstacle(order: Order) -> Json:
    return {"external_ref": order.ref, "status": order.shown_status, "holds": order.holds}
