"""A cancellation overtakes what a romaneio and a morning's orders left waiting."""

from benchmarks.system import OPEN, STARTED, Bench
from deploy.demo.players import Json, Play, until
from deploy.product import Product

ORDERS = 16


async def test_a_cancellation_overtakes_a_romaneio_that_is_written_back(
    system: Product, play: Play
) -> None:
    """A romaneio is written back at Bling's pace, others start, and one of the former is cancelled.

    360Hub cancels it before half of the others are written, and before half of the others start.
    """
    bench, seller = Bench(system, play), play.seller
    in_romaneio = await bench.sell(ORDERS, STARTED)
    await bench.ready_at_360hub(in_romaneio)
    to_start = await bench.sell(ORDERS, OPEN)
    await limit(play, per_second=3)

    await play.operator.opens_manifest(*map(bench.reference, in_romaneio))
    for order_id in to_start:
        await seller.sets(order_id, STARTED)
    await seller.sets(in_romaneio[-1], "Cancelado")

    async def cancelled() -> Json | None:
        order = await play.operator.order(bench.reference(in_romaneio[-1]))
        return order if order and order["status"] == "cancelled" else None

    await until("360Hub to have the cancellation", cancelled, within_s=60)
    written = [call for call in await seller.calls() if call["method"] == "PATCH"]
    assert len(written) < ORDERS / 2
    at_360hub = {order["external_ref"] for order in await play.operator.orders()}
    assert len(at_360hub.intersection(map(bench.reference, to_start))) < ORDERS / 2
    await limit(play, per_second=10_000)


async def limit(play: Play, *, per_second: int) -> None:
    body = {"company": play.seller.company, "per_second": per_second}
    await play.seller.web.call("POST", "/_sandbox/limits", body)
