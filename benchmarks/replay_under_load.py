"""What a replay of a full log does to the intake that goes on meanwhile.

The log is filled; then facts arrive on the bus at a steady rate, and the time from publishing each
until its state is visible to others is measured, first by itself, then while `audit replay` folds
the whole log and swaps. At the end another replay compares every state, byte for byte.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
import typer
from rich.table import Table

from benchmarks.core import Core, peak_mib, running
from benchmarks.filling import fill, moved
from deploy import servers
from deploy.console import console, done, step
from shared.bus import Publisher, Topology, connect
from shared.contracts import Message
from tests.sync_core.seller import Seller, content, opened
from tests.waiting import eventually

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_SELLERS: Final = 50
_LOOK_S: Final = 0.005
_WARM_UP_S: Final = 10.0
_MOST_P99: Final = 2.0
_STATUSES: Final = ("order_created", "in_manifest", "awaiting_dispatch", "with_carrier")

_TAKEN: Final = """
SELECT account_id, source, sequence FROM fact_source WHERE account_id = ANY ($1::uuid[])
"""
_UNCHECKED: Final = """
SELECT count(*)
FROM account_head
LEFT JOIN verified USING (partition, account_id, position)
WHERE verified.consumer IS NULL
"""
_FAILURES: Final = "SELECT count(*) FROM verified WHERE failure IS NOT NULL"


@app.command(help=__doc__)
def main(
    events: Annotated[int, typer.Option(help="How many the log holds.")] = 1_000_000,
    rate: Annotated[int, typer.Option(help="Facts that arrive in a second.")] = 200,
    usual_s: Annotated[float, typer.Option(help="How long the intake runs by itself.")] = 60,
) -> None:
    """Start a core of its own, measure, print.

    Exits with 1 if a state differs, or if the replay made the intake's p99 more than twice as long.
    """
    with servers.ensure("run") as found:
        raise typer.Exit(asyncio.run(_measure(found, events, rate, usual_s)))


async def _measure(found: servers.Found, events: int, rate: int, usual_s: float) -> int:
    async with running(found) as core:
        step(f"A log of {events} events")
        await fill(core.log, core.owner, events, long=events // 10)
        async with core.serving(), _arriving(core, found, rate) as intake:
            await _settled(core)
            await asyncio.sleep(_WARM_UP_S)
            step(f"{rate} facts a second arrive")
            usual = await intake.during(asyncio.sleep(usual_s))
            step("The same, while the log is replayed")
            replayed = _Replayed(core)
            under_replay = await intake.during(replayed.run())
        again = await _finished(await core.start("audit", "replay", "--dry-run", "--json"))
        failures = await core.owner.fetchval(_FAILURES)
    _tell(usual, under_replay, replayed)
    ratio = _p99(under_replay) / _p99(usual)
    differences = replayed.told["differences"] + again["differences"]
    console.print(
        f"differences: {replayed.told['differences']} before the swap,"
        f" {again['differences']} after; certificates broken: {failures};"
        f" p99 during replay: {ratio:.2f} times the usual, of {_MOST_P99:.0f} allowed"
    )
    return 1 if differences or failures or ratio > _MOST_P99 else 0


@dataclass
class _Replayed:
    """`audit replay` in a process of its own."""

    core: Core
    told: dict[str, Any] = field(default_factory=dict)
    took_s: float = 0
    peak_mib: float = 0

    async def run(self) -> None:
        began = monotonic()
        process = await self.core.start("audit", "replay", "--json")
        watching = asyncio.create_task(self._watch(process), name="memory")
        self.told = await _finished(process)
        self.took_s = monotonic() - began
        await watching

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            self.peak_mib = max(self.peak_mib, peak_mib(process))
            await asyncio.sleep(0.2)


async def _finished(process: asyncio.subprocess.Process) -> dict[str, Any]:
    out, _ = await process.communicate()
    told: dict[str, Any] = orjson.loads(out.splitlines()[-1])
    return told


async def _settled(core: Core) -> None:
    """Wait until the core has compared all that was filled in with the log, as it does at first."""

    async def compared() -> bool:
        unchecked: int = await core.owner.fetchval(_UNCHECKED)
        return unchecked <= _SELLERS

    await eventually(compared, within_s=1800)


class _Intake:
    """Facts that are published one after the other, and when each was seen to be taken."""

    def __init__(self, core: Core, publisher: Publisher, sellers: Sequence[Seller]) -> None:
        self._core = core
        self._publisher = publisher
        self._sellers = sellers
        self._sent: dict[tuple[UUID, str, int], float] = {}
        self._seen: dict[tuple[UUID, str], int] = {}
        self._taken_s: list[float] = []

    async def during(self, doing: Any) -> list[float]:
        """Return how long each fact took that was seen to be taken while something was done."""
        first = len(self._taken_s)
        await doing
        return self._taken_s[first:]

    async def publish(self, rate: int) -> None:
        """Publish so many facts a second, by turns of each seller's."""
        facts = [_facts(seller) for seller in self._sellers]
        began = monotonic()
        async with asyncio.TaskGroup() as publishing:
            for number in count():
                message = next(facts[number % len(facts)])
                self._sent[message.accountid, message.source, message.sequence] = monotonic()
                publishing.create_task(self._publisher.publish("facts", message))
                await asyncio.sleep(max(0.0, began + number / rate - monotonic()))

    async def watch(self) -> None:
        """Look again and again how far each seller's facts are taken."""
        accounts = [seller.id for seller in self._sellers]
        while True:
            for row in await self._core.owner.fetch(_TAKEN, accounts):
                self._note(row["account_id"], row["source"], row["sequence"])
            await asyncio.sleep(_LOOK_S)

    def _note(self, account_id: UUID, source: str, sequence: int) -> None:
        now = monotonic()
        for each in range(self._seen.get((account_id, source), 0) + 1, sequence + 1):
            self._taken_s.append(now - self._sent.pop((account_id, source, each)))
        self._seen[account_id, source] = sequence


@asynccontextmanager
async def _arriving(core: Core, found: servers.Found, rate: int) -> AsyncIterator[_Intake]:
    """Have facts arrive while inside."""
    sellers = [await opened(core.log) for _ in range(_SELLERS)]
    topology = Topology(core.environment["BUS_PREFIX"])
    async with await connect(found.amqp_url, "benchmarks: facts") as connection:
        publisher = Publisher(connection, topology)
        intake = _Intake(core, publisher, sellers)
        tasks = [asyncio.create_task(each) for each in (intake.publish(rate), intake.watch())]
        try:
            yield intake
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await publisher.close()


def _facts(seller: Seller) -> Iterator[Message]:
    yield seller.product_observed()
    yield seller.product_imported()
    for order in count(1):
        yield seller.observed(order, content=content())
        for sequence, status in enumerate(_STATUSES, start=1):
            yield moved(seller, order, status, sequence)


def _p99(taken_s: Sequence[float]) -> float:
    return statistics.quantiles(taken_s, n=100, method="inclusive")[98]


def _tell(usual: Sequence[float], under_replay: Sequence[float], replayed: _Replayed) -> None:
    table = Table("intake, publish to state", "facts", "p50 ms", "p99 ms", "max ms", box=None)
    for name, taken in (("by itself", usual), ("during replay", under_replay)):
        cuts = statistics.median(taken), _p99(taken), max(taken)
        figures = [f"{1000 * each:.1f}" for each in cuts]
        table.add_row(name, str(len(taken)), *figures)
    console.print(table)
    events, took_s = replayed.told["events"], replayed.took_s
    done(
        f"{events} events replayed in {took_s:.1f} s ({events / took_s:.0f} a second) with"
        f" {replayed.peak_mib:.0f} MiB; appends waited"
        f" {1000 * replayed.told['appends_waited_s']:.0f} ms for the swap"
    )


if __name__ == "__main__":
    app()
