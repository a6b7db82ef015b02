"""How long a cancellation takes to reach 360Hub while a large romaneio is written back to Bling.

A romaneio is opened at 360Hub, which is written back order by order at Bling's pace, and as many
other orders are moved to start in Bling at the same moment. Meanwhile some of the orders in the
romaneio are cancelled in Bling, one after another.
"""

import asyncio
import statistics
from time import monotonic

import typer

from benchmarks.system import OPEN, STARTED, Bench, running, tracked
from deploy import servers
from deploy.console import console, done, step
from deploy.demo.players import until

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(orders: int = 500, cancellations: int = 5) -> None:
    """Start a system of its own, measure, print."""
    with servers.ensure("run") as found:
        asyncio.run(_measure(found, orders, cancellations))


async def _measure(found: servers.Found, orders: int, cancellations: int) -> None:
    async with running("bench", found) as bench:
        in_romaneio = await bench.sell(orders, STARTED)
        await bench.ready_at_360hub(in_romaneio)
        to_start = await bench.sell(orders, OPEN)
        await bench.quiet()
        await bench.at_blings_pace()

        step(f"A romaneio of {orders} orders, and {orders} orders are moved to start")
        await bench.play.operator.opens_manifest(*map(bench.reference, in_romaneio))
        sets = bench.play.seller.sets
        await tracked("Orders moved to start", [sets(each, STARTED) for each in to_start])
        took_s = [await _cancelled_s(bench, each) for each in in_romaneio[-cancellations:]]
        written = await bench.written()
    _tell(took_s, f"{written} of {orders} orders were written back by then")


async def _cancelled_s(bench: Bench, order_id: int) -> float:
    """Cancel an order in Bling, and return how long it took to be cancelled at 360Hub."""

    async def is_cancelled() -> bool:
        order = await bench.play.operator.order(bench.reference(order_id))
        return order is not None and order["status"] == "cancelled"

    began = monotonic()
    await bench.play.seller.sets(order_id, "Cancelado")
    await until("the cancellation to be at 360Hub", is_cancelled, within_s=120)
    took_s = monotonic() - began
    done(f"cancelled after {took_s:.2f} s")
    return took_s


def _tell(took_s: list[float], how: str) -> None:
    console.print(
        f"cancellation at 360Hub: median {statistics.median(took_s):.2f} s,"
        f" max {max(took_s):.2f} s of {len(took_s)}; {how}"
    )


if __name__ == "__main__":
    app()
