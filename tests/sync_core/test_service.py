"""The core as a process: started with its command, fed by the bus, killed, started again."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.consume import FactConsumer
from services.sync_core.log.verify import verify
from shared.bus import Delivery, PartitionLoop, Publisher, Topology, connect
from shared.contracts import PARTITIONS, Message
from shared.contracts.sync_core import ConnectAccount, RegisterOrder
from tests.sync_core.database import CoreDatabase
from tests.sync_core.replaying import compared
from tests.sync_core.seller import MAPPING, Seller, content, opened
from tests.sync_core.test_consume import delivery, poisoned
from tests.sync_core.test_outbox import registered

Environment = dict[str, str]


@pytest.fixture
def environment(
    core_database: CoreDatabase, amqp_url: str, bus_prefix: str, tmp_path: Path
) -> Environment:
    return {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": bus_prefix,
        "LOG_LEVEL": "warning",
        "SYNC_CORE_DATABASE_URL": core_database.service_url,
        "SYNC_CORE_MIGRATION_DATABASE_URL": core_database.admin_url,
        "SYNC_CORE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
        "SYNC_CORE_ERASURES_FILE": str(tmp_path / "erasures.jsonl"),
        "SYNC_CORE_API_TOKENS": "tests:token",
    }


async def run(environment: Environment, *arguments: str) -> tuple[int, str, str]:
    """Run a command of the core to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.sync_core",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def eventually(condition: Callable[[], Awaitable[Any]], within_s: float = 45) -> Any:
    """Return what the condition gives as soon as it is true."""
    async with asyncio.timeout(within_s):
        while not (found := await condition()):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
    return found


class Replica:
    """One process of the core, and its API."""

    def __init__(self, process: asyncio.subprocess.Process, base: URL) -> None:
        self.process = process
        self.base = base

    async def ready(self) -> bool:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(self.base / "readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": "Bearer token"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.base.join(URL(path)), json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return await self.process.wait()


@asynccontextmanager
async def replica(environment: Environment, port: int) -> AsyncIterator[Replica]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.sync_core",
        "serve",
        env=environment | {"SYNC_CORE_PORT": str(port)},
    )
    started = Replica(process, URL(f"http://127.0.0.1:{port}"))
    try:
        await eventually(started.ready)
        yield started
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Gateways:
    """What both gateways would receive, and a publisher of their facts."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.received: list[Message] = []

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.received += [Message.decode(delivery.body) for delivery in deliveries]

    async def mark(self, delivery: Delivery) -> bool:
        return True

    async def unmark(self, delivery: Delivery) -> None:
        """Nothing was noted."""

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        raise AssertionError(error)

    async def publish(self, *facts: Message) -> None:
        for fact in facts:
            await self.publisher.publish("facts", fact)

    async def commands(self, seller: Seller, type_: str) -> list[Message]:
        of_it = [m for m in self.received if (m.accountid, m.type) == (seller.id, type_)]
        return list({message.id: message for message in of_it}.values())


@pytest.fixture
async def gateways(amqp_url: str, bus_prefix: str) -> AsyncIterator[Gateways]:
    topology = Topology(bus_prefix)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(await connect(amqp_url, "test gateways"))
        await topology.declare(connection)
        publisher = Publisher(connection, topology)
        stack.push_async_callback(publisher.close)
        gateways = Gateways(publisher)
        for partition in range(PARTITIONS):
            for group in ("bling_gateway", "hub_gateway"):
                queue = topology.queue(group, partition)
                loop = PartitionLoop(connection, queue, gateways)
                loop.start()
                stack.push_async_callback(loop.stop)
        yield gateways


async def live_seller(core: Replica) -> Seller:
    """Make an account through the API and take it live."""
    seller = Seller()
    made = await core.call("POST", "/api/accounts", {"name": "Loja Aurora"})
    seller.name_as(made["account_id"], made["tag"])
    account = f"/api/accounts/{seller.id}"
    await core.call("PUT", f"{account}/mapping", {"situations": MAPPING.situations})
    await core.call("PUT", f"{account}/go-live", {"go_live": "2026-03-01"})
    await core.call("PUT", f"{account}/mode", {"to_hub": "live", "to_bling": "live"})
    return seller


@pytest.fixture
def port(unused_tcp_port_factory: Callable[[], int]) -> int:
    return unused_tcp_port_factory()


async def test_an_order_goes_through_and_a_kill_loses_and_doubles_nothing(
    environment: Environment,
    gateways: Gateways,
    pool: Pool,
    port: int,
    core_database: CoreDatabase,
) -> None:
    async with replica(environment, port) as core:
        seller = await live_seller(core)
        await eventually(lambda: gateways.commands(seller, ConnectAccount.TYPE))
        await gateways.publish(seller.observed(1, 6), seller.observed(1, content=content()))
        await core.end(signal.SIGKILL)
    await gateways.publish(seller.product_observed(), seller.product_imported())

    async with replica(environment, port) as core:
        (register,) = await eventually(lambda: gateways.commands(seller, RegisterOrder.TYPE))
        assert RegisterOrder.model_validate(register.data).content == content()
        order = await core.call("GET", f"/api/orders/{seller.tag}-1")
        assert order["stage"] == "started"
        assert await core.end(signal.SIGTERM) == 0

    assert await verify(pool, seller.id, lambda read: None) == []
    assert (await compared(pool, core_database.admin_url, seller.id)).differences == []
    registers = "SELECT count(*) FROM event_log WHERE account_id = $1 AND type = $2"
    assert await pool.fetchval(registers, seller.id, RegisterOrder.TYPE) == 1


async def test_two_replicas_share_the_work_and_one_takes_over(
    environment: Environment,
    gateways: Gateways,
    pool: Pool,
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    ports = [unused_tcp_port_factory() for _ in range(2)]
    async with replica(environment, ports[0]) as first, replica(environment, ports[1]) as second:
        sellers = [await live_seller(first) for _ in range(6)]
        for order_id in range(1, 6):
            await gateways.publish(*[s.observed(order_id, content=content()) for s in sellers])
            if order_id == 2:
                assert await second.end(signal.SIGTERM) == 0

        async def all_logged() -> bool:
            counted = "SELECT count(*) FROM orders WHERE account_id = ANY ($1::uuid[])"
            return bool(await pool.fetchval(counted, [s.id for s in sellers]) == 30)

        await eventually(all_logged)

    for seller in sellers:
        assert await verify(pool, seller.id, lambda read: None) == []
        rows = await pool.fetch(
            "SELECT source_sequence FROM event_log"
            " WHERE account_id = $1 AND kind = 'fact' ORDER BY position",
            seller.id,
        )
        assert [row["source_sequence"] for row in rows] == [1, 2, 3, 4, 5]


async def test_a_wrong_setting_is_named_in_one_line(environment: Environment) -> None:
    code, _, err = await run(environment | {"SYNC_CORE_PORT": "many"}, "serve")

    assert code == 2
    (line,) = err.splitlines()
    assert line.startswith("SYNC_CORE_PORT: ")
    assert line.endswith("got 'many'")


async def test_migrating_again_changes_nothing(environment: Environment) -> None:
    results = await asyncio.gather(*(run(environment, "migrate") for _ in range(2)))

    assert [code for code, _, _ in results] == [0, 0]


@pytest.fixture
async def audited(log: EventLog) -> Seller:
    return await registered(log)


async def test_auditors_are_told_and_shown_proofs(
    environment: Environment, audited: Seller
) -> None:
    account = ("--account", str(audited.id))

    code, out, _ = await run(environment, "audit", "timeline", f"{audited.tag}-1")
    assert code == 0
    assert "Bling: pedido 1042 lido depois de um aviso do Bling, na situação “Em andamento”" in out
    code, out, _ = await run(environment, "audit", "verify", *account)
    assert (code, out) == (0, "verify: 1 accounts, 0 differences\n")
    code, out, _ = await run(environment, "audit", "replay", "--dry-run", *account)
    assert code == 0
    assert out.endswith(" events, 0 differences; nothing changed\n")


async def test_operators_fold_the_log_again_after_an_upgrade(
    environment: Environment, audited: Seller, owner: Pool
) -> None:
    await owner.execute("DELETE FROM orders WHERE account_id = $1", audited.id)

    code, out, err = await run(environment, "audit", "replay", "--dry-run", "--json")
    assert code == 1, err
    found, end = map(orjson.loads, out.splitlines())
    assert (found["account_id"], found["stream"]) == (str(audited.id), "order-1")
    assert (end["differences"], end["swapped"]) == (1, False)

    code, out, _ = await run(environment, "audit", "replay")
    assert code == 0
    assert f"{audited.id} order-1: orders: is not stored\n" in out
    assert " events, 1 differences; swapped in; appends waited " in out
    code, _, _ = await run(environment, "audit", "replay", "--dry-run")
    assert code == 0


async def test_auditors_see_a_difference(
    environment: Environment, audited: Seller, owner: Pool
) -> None:
    await owner.execute(
        "UPDATE event_log SET actor = 'nobody' WHERE account_id = $1 AND position = 3", audited.id
    )

    code, out, err = await run(environment, "audit", "verify", "--account", str(audited.id))

    assert (code, out) == (1, "verify: 1 accounts, 1 differences\n")
    assert "position 3" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("timeline", "nonsense"),
        ("timeline", "aaaaaaaaaa-1"),
        ("verify", "--account", "0190a5b2-7a3c-7cc0-8000-1a2b3c4d5e6f"),
        ("verify", "--account", "x"),
        ("replay", "--dry-run", "--account", "0190a5b2-7a3c-7cc0-8000-1a2b3c4d5e6f"),
        ("replay", "--account", "0190a5b2-7a3c-7cc0-8000-1a2b3c4d5e6f"),
    ],
)
async def test_auditors_who_ask_wrongly_are_told(
    environment: Environment, arguments: tuple[str, ...]
) -> None:
    code, _, err = await run(environment, "audit", *arguments)

    assert code == 2
    assert err


async def test_operators_see_what_is_parked_and_take_it_up(
    environment: Environment, log: EventLog, pool: Pool
) -> None:
    seller = await opened(log)
    await FactConsumer(log, seller.partition).park(delivery(seller.observed(1, 6)), ValueError())

    _, listed, _ = await run(environment, "parked", "list")
    code, out, _ = await run(environment, "parked", "retry", str(seller.id), "order-1")

    assert f"{seller.id}  order-1" in listed
    assert "ValueError" in listed
    assert (code, out) == (0, "taken up: 1, still parked: 0\n")
    logged = "SELECT count(*) FROM event_log WHERE account_id = $1 AND kind = 'fact'"
    assert await pool.fetchval(logged, seller.id) == 1


async def test_operators_are_told_what_stays_parked(
    environment: Environment, log: EventLog
) -> None:
    seller = await opened(log)
    bad = poisoned(seller.observed(1, 6))
    await FactConsumer(log, seller.partition).park(delivery(bad), ValueError())

    code, out, _ = await run(environment, "parked", "retry", str(seller.id), "order-1")

    assert (code, out) == (1, "taken up: 0, still parked: 1\n")
