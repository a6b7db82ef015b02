"""How long Bling's API leaves a person's change open to our overwriting it.

Bling's write of a situação takes no precondition, so what a person does between our reading and our
write is overwritten. The window is what each `bling.situation.set` in the log tells of.
"""

import asyncio
import statistics

import asyncpg
import typer

from benchmarks.system import STARTED, Bench, running
from deploy import servers
from deploy.console import console

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_WINDOWS = """
SELECT extract(epoch FROM (data->>'written_at')::timestamptz - (data->>'read_at')::timestamptz)
FROM sync_core.event_log
WHERE type = 'bling.situation.set' AND data->>'written_at' IS NOT NULL
"""


@app.command(help=__doc__)
def main(orders: int = 200) -> None:
    """Start a system of its own, measure, print."""
    with servers.ensure("run") as found:
        asyncio.run(_measure(found, orders))


async def _measure(found: servers.Found, orders: int) -> None:
    async with running("bench", found) as bench:
        ids = await bench.sell(orders, STARTED)
        await bench.ready_at_360hub(ids)
        await bench.play.operator.opens_manifest(*map(bench.reference, ids))
        await bench.written(at_least=orders)
        windows_ms = await _windows_ms(bench)
    _tell(windows_ms)


async def _windows_ms(bench: Bench) -> list[float]:
    log = await asyncpg.connect(bench.system.database.owner_url)
    try:
        return [1000 * float(row[0]) for row in await log.fetch(_WINDOWS)]
    finally:
        await log.close()


def _tell(windows_ms: list[float]) -> None:
    cuts = statistics.quantiles(windows_ms, n=100, method="inclusive")
    console.print(
        f"overwrite window of {len(windows_ms)} writes:"
        f" p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, max {max(windows_ms):.1f} ms"
    )


if __name__ == "__main__":
    app()
