"""What is done for each kind of work, put together: commands, and what the gateway gives itself."""

from collections.abc import Mapping

from services.bling_gateway import tasks
from services.bling_gateway.client import BlingClient, Caller, Clients, Transport
from services.bling_gateway.disconnecting import Disconnecting
from services.bling_gateway.reading.importing import Importer
from services.bling_gateway.reading.read_orders import OrderReader
from services.bling_gateway.reading.read_products import ProductReader
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.reconcile import Reconciler
from services.bling_gateway.setbacks import Setbacks
from services.bling_gateway.setup.entry_options import EntryOptionsReader
from services.bling_gateway.setup.follow_situations import SituationFollower, SituationLists
from services.bling_gateway.setup.make_situations import SituationMaker
from services.bling_gateway.tokens import Tokens
from services.bling_gateway.writing.situations import SituationWriter
from services.bling_gateway.writing.tracking import TrackingWriter
from shared.contracts.sync_core import (
    DisconnectAccount,
    EnsureSituations,
    ImportOrders,
    ReadEntryOptions,
    ReadOrder,
    ReadProduct,
    SetSituation,
    WriteTracking,
)
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.worker import Handler

Handlers = Mapping[str, Handler]


def handlers(
    runtime: GatewayRuntime, transport: Transport, readings: Readings, tokens: Tokens
) -> Handlers:
    """Return what carries out each kind of work; what Bling could not settle is decided on."""

    def clients(caller: Caller) -> BlingClient:
        return BlingClient(transport, caller)

    guard = Setbacks(runtime.pacer).guard
    unguarded = {
        **_readers(runtime, clients, readings),
        **_writers(runtime, clients, readings),
        **_comparing(runtime, clients, readings),
        **_set_up(runtime, clients),
        DisconnectAccount.TYPE: Disconnecting(tokens, runtime.queue, runtime.facts).disconnect,
    }
    return {kind: guard(handler) for kind, handler in unguarded.items()}


def _readers(runtime: GatewayRuntime, clients: Clients, readings: Readings) -> Handlers:
    orders = OrderReader(runtime.pool, clients, readings, runtime.queue, runtime.facts)
    products = ProductReader(clients, readings, runtime.queue, runtime.facts)
    importer = Importer(runtime.pool, clients, runtime.queue, runtime.facts)
    return {
        ReadOrder.TYPE: orders.read,
        tasks.READ_ORDER: orders.read,
        ReadProduct.TYPE: products.read,
        tasks.READ_PRODUCT: products.read,
        ImportOrders.TYPE: importer.list_orders,
    }


def _writers(runtime: GatewayRuntime, clients: Clients, readings: Readings) -> Handlers:
    situations = SituationWriter(runtime.pool, clients, readings, runtime.queue, runtime.facts)
    tracking = TrackingWriter(runtime.pool, clients, runtime.queue, runtime.facts)
    return {SetSituation.TYPE: situations.write, WriteTracking.TYPE: tracking.write}


def _comparing(runtime: GatewayRuntime, clients: Clients, readings: Readings) -> Handlers:
    reconciler = Reconciler(runtime.pool, clients, readings, runtime.queue, runtime.facts)
    return {
        tasks.RECONCILE: reconciler.compare,
        tasks.LINK_INVOICE: reconciler.link_invoice,
    }


def _set_up(runtime: GatewayRuntime, clients: Clients) -> Handlers:
    lists = SituationLists(runtime.pool, runtime.facts)
    return {
        EnsureSituations.TYPE: SituationMaker(clients, runtime.queue, lists).ensure,
        ReadEntryOptions.TYPE: EntryOptionsReader(clients, runtime.queue, lists).read,
        tasks.FOLLOW_SITUATIONS: SituationFollower(clients, runtime.queue, lists).follow,
    }
