"""What an order's length costs: appending to it, telling it as of now, and replaying it.

One order is told of over and over. An append folds into the stored state and reads no event of the
order, so its length should not matter; ``as-of`` and a replay fold the whole order anew. What a
snapshot every so many events could save is the time of those two.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from itertools import count, cycle
from time import perf_counter
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from benchmarks.core import Core, running
from benchmarks.filling import moved, tell
from benchmarks.system import progress
from deploy import servers
from deploy.console import console
from services.sync_core.audit.as_of import as_of
from services.sync_core.audit.timeline import find_order, timeline
from tests.sync_core.replaying import compared
from tests.sync_core.seller import Seller, content, opened

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_ORDER: Final = 1
_STATUSES: Final = ("order_created", "in_manifest", "awaiting_dispatch", "with_carrier")
_TIMES: Final = 20
_WHOLE: Final = 1_000_000
"""More entries than any story here has."""

_LENGTH: Final = "SELECT version FROM orders WHERE account_id = $1 AND order_id = $2"


@app.command(help=__doc__)
def main(
    events: Annotated[int, typer.Option(help="How long the longest order is.")] = 1000,
) -> None:
    """Measure it at three lengths and print the medians."""
    with servers.ensure("run") as found:
        asyncio.run(_measure(found, (events // 100, events // 10, events)))


async def _measure(found: servers.Found, lengths: tuple[int, ...]) -> None:
    table = Table("events", "an append, ms", "as-of, ms", "timeline, ms", "replay, ms", box=None)
    async with running(found) as core:
        seller = await opened(core.log)
        await tell(core.log, seller, [seller.product_observed(), seller.product_imported()])
        await tell(core.log, seller, [seller.observed(_ORDER, content=content())])
        news = _News(core, seller)
        with progress() as bar:
            for length in bar.track(lengths, description="Lengths"):
                await news.until(length)
                table.add_row(str(await news.length()), *await _figures(core, seller, news))
    console.print(table)


class _News:
    """One order of which more and more is told."""

    def __init__(self, core: Core, seller: Seller) -> None:
        self._core = core
        self._seller = seller
        self._sequence = count(1)
        self._statuses = cycle(_STATUSES)

    async def length(self) -> int:
        length: int = await self._core.owner.fetchval(_LENGTH, self._seller.id, _ORDER)
        return length

    async def until(self, length: int) -> None:
        """Tell of it until it is so long."""
        while await self.length() < length:
            await self.once()

    async def once(self) -> None:
        """Tell of it once more."""
        status, sequence = next(self._statuses), next(self._sequence)
        await tell(self._core.log, self._seller, [moved(self._seller, _ORDER, status, sequence)])


async def _figures(core: Core, seller: Seller, news: _News) -> list[str]:
    pool = core.log.pool
    told = await find_order(pool, seller.id, _ORDER)
    assert told is not None  # noqa: S101 - it was just told of
    now = core.log.clock()
    works: tuple[Callable[[], Awaitable[Any]], ...] = (
        news.once,
        lambda: as_of(pool, told, at=now),
        lambda: timeline(pool, told, limit=_WHOLE),
        lambda: compared(pool, core.database.admin_url, seller.id),
    )
    return [await _median_ms(work) for work in works]


async def _median_ms(work: Callable[[], Awaitable[Any]]) -> str:
    times_s = []
    for _ in range(_TIMES):
        began = perf_counter()
        await work()
        times_s.append(perf_counter() - began)
    return f"{1000 * statistics.median(times_s):.1f}"


if __name__ == "__main__":
    app()
