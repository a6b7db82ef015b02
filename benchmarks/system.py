"""The whole system with one account, to be measured: how it is started and filled with orders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

import asyncpg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy import database, development, product
from deploy.console import console
from deploy.demo.players import Json, Operator, Play, Seller, connected, until
from deploy.places import STATE
from deploy.processes import Program, python
from deploy.product import Product
from deploy.servers import Found
from shared.bus import Topology, connect

T = TypeVar("T")

_GATEWAY: Final = "bling_gateway"
OPEN: Final = 6
STARTED: Final = 15
_AT_ONCE: Final = 20
_PATIENCE_S: Final = 1800.0

_NO_LIMITS: Final = {"per_second": 100_000, "per_day": 100_000_000, "address_rules": False}
_BLINGS_LIMITS: Final = {"per_second": 3, "per_day": 120_000, "address_rules": True}
_FAST: Final = {
    "BLING_GATEWAY_CALLS_PER_SECOND": "1000",
    "BLING_GATEWAY_ADDRESS_CALLS_PER_SECOND": "1000",
}

_SOMETHING_WAITS: Final = "SELECT EXISTS (SELECT FROM bling_gateway.work WHERE state <> 'parked')"


@dataclass(frozen=True)
class Bench:
    """A running system, and everybody in its one account."""

    system: Product
    play: Play

    def reference(self, order_id: int) -> str:
        """Return what 360Hub calls an order."""
        return f"bling-{self.play.keeper.tag}-{order_id}"

    async def sell(self, count: int, situation: int) -> list[int]:
        """Place so many orders with their NF-e; return their ids."""
        product_id = await self._product()
        rationed = asyncio.Semaphore(_AT_ONCE)

        async def sold() -> int:
            async with rationed:
                wish = {"situation": situation, "product_ids": [product_id]}
                order_id: int = (await self.play.seller.places_order(**wish))["id"]
                await self.play.seller.issues_invoice(order_id)
                return order_id

        return await tracked("Orders placed in Bling", [sold() for _ in range(count)])

    async def ready_at_360hub(self, order_ids: list[int]) -> None:
        """Approve what they need, and wait until 360Hub holds none of the orders for anything."""
        operator, wanted = self.play.operator, {self.reference(each) for each in order_ids}

        async def ready() -> int:
            for listed in await operator.products():
                await operator.approves_product(listed["external_ref"])
            return sum(
                order["external_ref"] in wanted and not order["holds"]
                for order in await operator.orders()
            )

        await counted("Orders ready at 360Hub", ready, len(order_ids))

    async def written(self, at_least: int = 0) -> int:
        """Wait until so many situações were written to Bling; return how many were."""

        async def made() -> int:
            calls = await self.play.seller.calls()
            return sum(call["method"] == "PATCH" and call["applied"] for call in calls)

        await counted("Situações written to Bling", made, at_least)
        return await made()

    async def quiet(self) -> None:
        """Wait until the gateway to Bling has nothing left to do."""
        gateway = await asyncpg.connect(self.system.database.owner_url)
        try:

            async def is_quiet() -> bool:
                return not await gateway.fetchval(_SOMETHING_WAITS)

            await until("the gateway to be idle", is_quiet, within_s=_PATIENCE_S)
        finally:
            await gateway.close()

    async def at_blings_pace(self) -> None:
        """From now on Bling allows what it says, and the gateway keeps below it."""
        await _limit(self.play.seller, _BLINGS_LIMITS)
        environment = {k: v for k, v in self.system.environment.items() if k not in _FAST}
        command = python("-m", f"services.{_GATEWAY}", "serve")
        ready = (f"{self.system.url(_GATEWAY)}/readyz",)
        self.system.stack.add(Program(_GATEWAY, command, environment, ready))
        await self.system.stack.restart(_GATEWAY)

    async def _product(self) -> int:
        """Return the one product that is sold."""
        seller = self.play.seller
        made = await seller.web.call("POST", "/_sandbox/products", {"company": seller.company})
        return int(made["id"])


@asynccontextmanager
async def running(name: str, found: Found) -> AsyncIterator[Bench]:
    """Run a system of the measurement's own, in which nobody limits the calls to Bling."""
    prefix = f"bench-{uuid4().hex[:8]}."
    settings = {
        **development.new_secrets(),
        **_FAST,
        "BUS_PREFIX": prefix,
        "LOG_LEVEL": "warning",
    }
    ports = product.Ports.free()
    try:
        async with (
            database.temporary(found.database_url) as made,
            product.running(name, found, made, settings, ports=ports, state=STATE) as system,
            connected(system, "Loja medida", prepare=_without_limits) as play,
        ):
            yield Bench(system, play)
    finally:
        async with await connect(found.amqp_url, "benchmarks: clean-up") as connection:
            await Topology(prefix).delete(connection)


async def tracked(what: str, doing: Sequence[Awaitable[T]]) -> list[T]:
    """Wait for all, and show how many are done."""
    with progress() as bar:
        task = bar.add_task(what, total=len(doing))

        async def one(each: Awaitable[T]) -> T:
            result = await each
            bar.advance(task)
            return result

        return list(await asyncio.gather(*(one(each) for each in doing)))


async def counted(what: str, count: Callable[[], Awaitable[int]], total: int) -> None:
    """Wait until so many are counted, and show how many are."""
    with progress() as bar:
        task = bar.add_task(what, total=total)

        async def reached() -> bool:
            bar.update(task, completed=await count())
            return bar.tasks[task].completed >= total

        await until(what, reached, within_s=_PATIENCE_S)


def progress() -> Progress:
    """Return a bar with what is done, of how many, in what time."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeElapsedColumn(), console=console)


async def _without_limits(seller: Seller, _operator: Operator) -> None:
    await _limit(seller, _NO_LIMITS)


async def _limit(seller: Seller, limits: Json) -> None:
    await seller.web.call("POST", "/_sandbox/limits", {**limits, "company": seller.company})
