"""Comparing in turns: long lists make room for others, and go on where they came to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest

from services.hub_gateway import port, tasks
from services.hub_gateway.main import SYSTEM
from services.hub_gateway.reconcile import Reconciler
from services.hub_gateway.store import changes, products, shipments
from services.hub_gateway.store.changes import Place
from shared.contracts.hub_gateway import Approval
from shared.database import migrate
from shared.gateway import accounts
from shared.gateway.errors import NoTurn
from shared.gateway.facts import Facts
from shared.gateway.runtime import KIT_MIGRATIONS
from shared.gateway.store import Pool, open_gateway_pool
from shared.gateway.values import Work, utc_now
from shared.gateway.work import WorkQueue
from tests.gateways import login_dropped, login_of

MIGRATIONS = Path(tasks.__file__).parent / "migrations"


@pytest.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """The gateway's own database, with no gateway at work on it."""
    login = login_of("hub_gateway", database_url)
    await migrate(database_url, login, "hub_gateway", *KIT_MIGRATIONS, MIGRATIONS)
    async with (
        login_dropped(login, database_url),
        await open_gateway_pool(login, "hub_gateway") as opened,
    ):
        yield opened


@dataclass
class Lists:
    """A hub of which only the lists are asked, a page for each entry. Counts what was read."""

    changed: list[port.Change] = field(default_factory=list)
    orders_listed: list[tuple[str, int]] = field(default_factory=list)
    products_listed: list[tuple[str, int]] = field(default_factory=list)
    is_expired: bool = False
    fails_at: str | None = None
    unknown: str | None = None
    read: list[str] = field(default_factory=list)
    lacks: frozenset[str] = frozenset()

    async def changes(self, _account: UUID, cursor: str | None) -> port.ChangePage | object:
        if self.is_expired:
            self.is_expired = False
            return port.CursorExpired()
        place = self._place("changes", cursor)
        page = tuple(self.changed[place : place + 1])
        return port.ChangePage(page, str(place + len(page)), place + 1 < len(self.changed))

    async def newest_change(self, _account: UUID) -> str:
        return str(len(self.changed))

    async def orders(self, _account: UUID, cursor: str | None) -> port.OrderPage:
        place = self._place("orders", cursor)
        reference, sequence = self.orders_listed[place]
        seen = port.OrderSnapshot(reference, sequence, "in_manifest", utc_now(), (), ())
        return port.OrderPage((seen,), _next(place, self.orders_listed))

    async def products(self, _account: UUID, cursor: str | None) -> port.ProductPage:
        place = self._place("products", cursor)
        reference, sequence = self.products_listed[place]
        seen = port.ProductSnapshot(reference, sequence, Approval(status="approved"), None)
        return port.ProductPage((seen,), _next(place, self.products_listed))

    def _place(self, name: str, cursor: str | None) -> int:
        page = f"{name} {cursor or 0}"
        if page == self.fails_at:
            self.fails_at = None
            raise port.UnavailableError("answered 503")
        if page == self.unknown:
            raise port.MisunderstoodError("360Hub answered 400 malformed")
        self.read.append(page)
        return int(cursor or 0)


def _next(place: int, listed: list[tuple[str, int]]) -> str | None:
    return str(place + 1) if place + 1 < len(listed) else None


@dataclass
class Comparison:
    """One account, and what is left of comparing it."""

    pool: Pool
    hub: Lists
    account_id: UUID = field(default_factory=uuid4)
    turns: int = 0

    def __post_init__(self) -> None:
        self.queue = WorkQueue(self.pool, SYSTEM, Facts(SYSTEM.source))

    async def follow(self, order: tuple[str, int], product: tuple[str, int]) -> None:
        """Make the account known, with an order and a product that were followed so far."""
        (reference, sequence), (imported, seen) = order, product
        async with self.pool.acquire() as conn, conn.transaction():
            await accounts.know(conn, self.account_id, tag=uuid4().hex[:4], name="Loja")
            await accounts.connected(conn, self.account_id)
            await changes.begin_reconciling(conn, self.account_id, "0", due_at=utc_now())
            await shipments.open_shipment(
                conn, self.account_id, reference, stream="order-1", number=1
            )
            await shipments.followed_shipment(conn, self.account_id, reference, sequence)
            await products.open_product(
                conn, self.account_id, imported, stream="product-1", product_id=1
            )
            await products.followed_product(conn, self.account_id, imported, seen)
            await self.queue.enqueue(conn, tasks.reconcile(self.account_id))

    async def run(self) -> None:
        """Compare turn by turn until it is done."""
        while True:
            work = await self._claimed()
            self.turns += 1
            # Each turn could be another process's: nothing is remembered but what is stored.
            reconciler = Reconciler(cast("port.Hub", self.hub), self.pool, self.queue)
            try:
                await reconciler.compare(work)
                return await self.leave()
            except NoTurn:
                await self.queue.put_back(work)
            except port.UnavailableError:
                await self.queue.again(work, 0, "unavailable")

    async def leave(self) -> None:
        """Let what was found wait for ever: other tests claim work, too."""
        async with self.pool.acquire() as conn, conn.transaction():
            await accounts.disconnected(conn, self.account_id)

    async def _claimed(self) -> Work:
        claimed = await self.queue.claim(1)
        (work,) = [each for each in claimed if each.account_id == self.account_id]
        return work

    async def place(self) -> Place:
        async with self.pool.acquire() as conn:
            return await changes.place(conn, self.account_id)

    async def behind(self) -> set[str]:
        """Return the streams that are to be caught up with."""
        async with self.pool.acquire() as conn:
            rows = await conn.fetch(
                "SELECT stream FROM work WHERE account_id = $1 AND kind <> $2",
                self.account_id,
                tasks.RECONCILE,
            )
        return {row["stream"].partition(":")[0] for row in rows}


OTHERS = [(f"bling-zzzz-{number}", 9) for number in range(24)]
ORDER, PRODUCT = ("bling-aaaa-1", 3), ("bling-aaaa-p1", 2)


async def test_after_too_long_a_silence_everything_is_walked_through_in_turns(pool: Pool) -> None:
    change = port.Change("order", "bling-zzzz-1", 1)
    hub = Lists([change], [*OTHERS, (ORDER[0], 4)], [*OTHERS, (PRODUCT[0], 3)], is_expired=True)
    comparison = Comparison(pool, hub)
    await comparison.follow(ORDER, PRODUCT)

    await comparison.run()

    walked = [f"orders {page}" for page in range(25)] + [f"products {page}" for page in range(25)]
    assert hub.read == walked
    assert comparison.turns == 6, "ten pages each, the first of which says that it is too late"
    assert await comparison.behind() == {"order-1", "product-1"}
    assert await comparison.place() == Place("1"), "what changed since the walk began comes next"


@pytest.mark.parametrize("page", ["orders 7", "products 3", "changes 1"])
async def test_what_fails_on_the_way_goes_on_where_it_came_to(pool: Pool, page: str) -> None:
    changed = [port.Change("order", reference, 1) for reference, _ in OTHERS[:3]]
    hub = Lists(
        changed,
        OTHERS[:9],
        OTHERS[:5],
        is_expired=not page.startswith("changes"),
        fails_at=page,
    )
    comparison = Comparison(pool, hub)
    await comparison.follow(ORDER, PRODUCT)

    await comparison.run()

    assert page in hub.read
    assert len(hub.read) == len(set(hub.read)), "nothing was read twice"


async def test_a_walk_whose_place_is_no_longer_known_begins_anew(pool: Pool) -> None:
    hub = Lists([], OTHERS[:5], OTHERS[:2], is_expired=True, unknown="orders 3")
    comparison = Comparison(pool, hub)
    await comparison.follow(ORDER, PRODUCT)

    with pytest.raises(port.MisunderstoodError):
        await comparison.run()
    await comparison.leave()

    assert await comparison.place() == Place("0", "order", None)


@pytest.mark.parametrize(("sequence", "is_behind"), [(2, False), (3, False), (4, True), (9, True)])
async def test_a_change_counts_if_it_is_later_than_what_was_followed(
    pool: Pool, sequence: int, is_behind: bool
) -> None:
    # The list has one entry for an order, its latest, and names it again when it changes again.
    changed = [port.Change("order", ORDER[0], 1), port.Change("order", ORDER[0], sequence)]
    comparison = Comparison(pool, Lists(changed))
    await comparison.follow(ORDER, PRODUCT)

    await comparison.run()

    assert await comparison.behind() == ({"order-1"} if is_behind else set())
    assert await comparison.place() == Place("2")
