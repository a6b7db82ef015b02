"""The log beside others: append, replay and verify, in one run on one server.

Every round makes a database of its own and does the same three times: by this system's log, by the
``eventsourcing`` package (its application with its PostgreSQL recorder), and by bare asyncpg,
which does nothing but move the rows. All write as many events of the same size, in transactions of
the same number of events; the package's aggregates have as many events as an order has.

What an append is differs, and is the point: this log decides upon each fact, seals what is
personal, chains the hashes, folds the states and queues what is to be sent, in one transaction; the
package stores its aggregates' events; asyncpg inserts finished rows. A replay folds every state
anew (asyncpg reads the rows); a proof recomputes every hash (the package has none).
"""

import asyncio
import statistics
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Final
from uuid import UUID

import typer
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from rich.table import Table
from yarl import URL

from benchmarks.core import Core, running
from benchmarks.filling import lived
from benchmarks.system import progress
from deploy import servers
from deploy.console import console
from services.sync_core.log import sql
from services.sync_core.log.events import COLUMNS
from services.sync_core.log.parallel import verify_all
from services.sync_core.log.verify import places
from shared.database import open_pool
from tests.sync_core.replaying import compared

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_OURS: Final = "this log"
_PACKAGE: Final = "eventsourcing"
_BARE: Final = "bare asyncpg"
_WORKS: Final = ("append", "replay", "verify")
_PAGE: Final = 1000

Rates = dict[tuple[str, str], list[float]]
"""Events a second of each round, by (work, who does it)."""


@app.command(help=__doc__)
def main(
    orders: Annotated[int, typer.Option(help="Orders, of some 20 events each.")] = 2000,
    rounds: Annotated[int, typer.Option(help="The table shows their medians.")] = 5,
) -> None:
    """Measure it and print the table."""
    rates: Rates = {}
    with servers.ensure("run") as found, progress() as bar:
        for _ in bar.track(range(rounds), description="Rounds"):
            asyncio.run(_round(found, orders, rates))
    console.print(_table(rates))


async def _round(found: servers.Found, orders: int, rates: Rates) -> None:
    async with running(found) as core:
        began = perf_counter()
        seller = await lived(core.log, orders)
        took_s = perf_counter() - began
        load = await _load(core, seller.id, orders)
        watch = _Watch(rates, load.events)
        watch.note("append", _OURS, took_s)
        await _ours(core, watch)
        await _bare(core, load, watch)
        await asyncio.to_thread(_package, core.database.admin_url, load, watch)


@dataclass(frozen=True)
class _Load:
    """What this log made of the facts: the others store as much."""

    events: int
    commits: int
    orders: int
    data_bytes: int

    @property
    def events_of_an_order(self) -> int:
        return self.events // self.orders

    @property
    def orders_of_a_commit(self) -> int:
        return max(1, self.events // self.commits // self.events_of_an_order)


async def _load(core: Core, account_id: UUID, orders: int) -> _Load:
    row = await core.owner.fetchrow(
        "SELECT count(*) AS events, count(DISTINCT recorded_at) AS commits,"
        " avg(octet_length(data::text) + coalesce(octet_length(personal), 0))::int AS data_bytes"
        " FROM event_log WHERE account_id = $1",
        account_id,
    )
    assert row is not None  # noqa: S101 - an aggregate without groups gives one row
    return _Load(row["events"], row["commits"], orders, row["data_bytes"])


class _Watch:
    """Turns times into events a second."""

    def __init__(self, rates: Rates, events: int) -> None:
        self._rates = rates
        self._events = events

    def note(self, work: str, who: str, took_s: float) -> None:
        self._rates.setdefault((work, who), []).append(self._events / took_s)

    @contextmanager
    def measuring(self, work: str, who: str):  # type: ignore[no-untyped-def]
        """Measure what is done inside."""
        began = perf_counter()
        yield
        self.note(work, who, perf_counter() - began)


async def _ours(core: Core, watch: _Watch) -> None:
    with watch.measuring("replay", _OURS):
        seen = await compared(core.log.pool, core.database.admin_url)
    assert not seen.differences, seen.differences  # noqa: S101 - a wrong replay is no measurement
    everything = await places(core.log.pool)
    url = core.database.service_url
    with watch.measuring("verify", _OURS):
        found = await verify_all(core.log.pool, url, "sync_core", everything, lambda read: None)
    assert not any(each.differences for each in found)  # noqa: S101


async def _bare(core: Core, load: _Load, watch: _Watch) -> None:
    names = ", ".join(COLUMNS)
    query = f"SELECT {names}, hash FROM event_log ORDER BY account_id, position"  # noqa: S608
    rows = await core.owner.fetch(query)
    await core.owner.execute(
        "CREATE TABLE bare_log (LIKE event_log INCLUDING ALL) PARTITION BY LIST (partition)"
    )
    await core.owner.execute("CREATE TABLE bare_log_all PARTITION OF bare_log DEFAULT")
    insert = sql.INSERT_EVENTS.replace("event_log", "bare_log")
    of_a_commit = -(-load.events // load.commits)
    async with await open_pool(core.database.admin_url, "sync_core", max_size=1) as pool:
        with watch.measuring("append", _BARE):
            for first in range(0, len(rows), of_a_commit):
                await pool.execute(insert, *zip(*rows[first : first + of_a_commit], strict=True))
        for work in ("replay", "verify"):
            with watch.measuring(work, _BARE):
                async with pool.acquire() as connection, connection.transaction():
                    async for _ in connection.cursor(query, prefetch=_PAGE):
                        pass


class _Order(Aggregate):
    """An order of the package: what was told of it last, and how much."""

    def __init__(self, note: str) -> None:
        self.note = note
        self.told = 1

    @event("Told")
    def tell(self, note: str) -> None:
        self.note = note
        self.told += 1


def _package(url: str, load: _Load, watch: _Watch) -> None:
    at = URL(url)
    application = Application[UUID](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": at.path.strip("/"),
            "POSTGRES_HOST": at.host or "127.0.0.1",
            "POSTGRES_PORT": str(at.port or 5432),
            "POSTGRES_USER": at.user or "postgres",
            "POSTGRES_PASSWORD": at.password or "-",
        }
    )
    orders: list[UUID] = []
    with application:
        with watch.measuring("append", _PACKAGE):
            while len(orders) < load.orders:
                some = [_lived(load) for _ in range(load.orders_of_a_commit)]
                application.save(*some)
                orders += [each.id for each in some]
        with watch.measuring("replay", _PACKAGE):
            for order_id in orders:
                found: _Order = application.repository.get(order_id)
                assert found.told == load.events_of_an_order  # noqa: S101


def _lived(load: _Load) -> _Order:
    note = "x" * load.data_bytes
    order = _Order(note)
    for _ in range(load.events_of_an_order - 1):
        order.tell(note)
    return order


def _table(rates: Rates) -> Table:
    table = Table("events a second (ratio)", *_WORKS, box=None)
    for who in (_OURS, _PACKAGE, _BARE):
        table.add_row(who, *(_cell(rates, work, who) for work in _WORKS))
    return table


def _cell(rates: Rates, work: str, who: str) -> str:
    if (work, who) not in rates:
        return "none"
    own, bare = rates[work, who], rates[work, _BARE]
    ratio = statistics.median(a / b for a, b in zip(own, bare, strict=True))
    return f"{statistics.median(own):,.0f} ({ratio:.2f})"


if __name__ == "__main__":
    app()
