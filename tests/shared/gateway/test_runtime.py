"""The whole kit on real servers: from a command on the bus to the fact on the bus."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from pydantic_settings import SettingsConfigDict

from shared.bus import Delivery, PartitionLoop, Publisher, Topology, connect
from shared.contracts import Contract, Message, bling_gateway, parse_message, partition_of
from shared.contracts.bling_gateway import ProductGone
from shared.contracts.sync_core import SOURCE, ConnectAccount, ReadProduct
from shared.gateway import accounts
from shared.gateway.pace import PaceRule
from shared.gateway.runtime import GatewayRuntime
from shared.gateway.values import Command, NewWork, Priority, Work
from shared.settings import Port, ServiceSettings
from tests.shared.gateway.kit import SYSTEM, Kit, nothing
from tests.waiting import eventually

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="KIT_TEST_")

    port: Port = 8081


@pytest.fixture
def settings(
    monkeypatch: pytest.MonkeyPatch, service_url: str, amqp_url: str, bus_prefix: str
) -> Settings:
    environment = {
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": bus_prefix,
        "KIT_TEST_DATABASE_URL": service_url,
        "KIT_TEST_MASTER_KEY": KEY,
        "KIT_TEST_API_TOKENS": "test:test",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def to_work(message: Message, contract: Contract) -> NewWork | None:
    return NewWork(
        account_id=message.accountid,
        stream=message.subject,
        lane="outbound",
        kind="read_product",
        payload=contract,
        priority=Priority.CATALOGUE,
        command=Command(message.id, message.type, message.correlationid),
    )


def command(account_id: UUID, contract: Contract, sequence: int) -> Message:
    return Message(
        id=uuid4(),
        source=SOURCE,
        type=contract.TYPE,
        subject="product-7",
        time="2026-03-02T12:00:00Z",
        dataschema=contract.dataschema(),
        accountid=account_id,
        sequence=sequence,
        correlationid=uuid4(),
        data=contract.model_dump(mode="json"),
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[GatewayRuntime]:
    async with GatewayRuntime.open(
        "bling_gateway", settings, SYSTEM, PaceRule(per_second=100, burst=10)
    ) as runtime:

        async def read_product(work: Work) -> None:
            await runtime.pacer.turn(work.account_id, work.priority)
            asked = work.read(ReadProduct)
            assert work.command
            async with runtime.queue.completing(work) as conn:
                await runtime.facts.publish(
                    conn,
                    work.account_id,
                    work.stream,
                    ProductGone(product_id=asked.product_id),
                    fact_id=uuid4(),
                    cause=work.command.id,
                    correlation=work.command.correlation,
                )

        async with runtime.run({"read_product": read_product}, to_work, nothing):
            yield runtime


class Listener:
    """The sync core's place at the end of a facts queue."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.heard += [Message.decode(delivery.body) for delivery in deliveries]

    async def mark(self, delivery: Delivery) -> bool:
        return True

    async def unmark(self, delivery: Delivery) -> None: ...

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        raise AssertionError from error


@asynccontextmanager
async def core(settings: Settings, partition: int) -> AsyncIterator[tuple[Publisher, Listener]]:
    """Publish commands and hear facts as the sync core does."""
    topology, listener = Topology(settings.bus_prefix), Listener()
    connection = await connect(settings.amqp_url, "tests: sync core")
    async with connection:
        publisher = Publisher(connection, topology)
        loop = PartitionLoop(connection, topology.queue("sync_core", partition), listener)
        loop.start()
        yield publisher, listener
        await loop.stop()
        await publisher.close()


async def test_a_command_comes_back_as_a_fact(kit: Kit, settings: Settings) -> None:
    account_id = uuid4()
    async with (
        running(settings) as runtime,
        core(settings, partition_of(account_id)) as (publisher, listener),
    ):
        assert await runtime.ready() == {"postgresql": True, "rabbitmq": True}
        await publisher.publish(
            "commands", command(account_id, ConnectAccount(name="Loja", tag="loja"), 1)
        )
        await eventually(lambda: known(runtime, account_id), within_s=20)
        async with runtime.pool.acquire() as conn:
            await accounts.connected(conn, account_id)

        asked = [command(account_id, ReadProduct(product_id=n), n + 1) for n in (1, 2, 3)]
        for each in asked:
            await publisher.publish("commands", each)
        await publisher.publish("commands", asked[0])
        await eventually(lambda: len(listener.heard) == 3)

    assert [message.sequence for message in listener.heard] == [1, 2, 3]
    assert [message.causationid for message in listener.heard] == [each.id for each in asked]
    assert [parse_message(message) for message in listener.heard] == [
        ProductGone(product_id=n) for n in (1, 2, 3)
    ]
    assert {message.source for message in listener.heard} == {bling_gateway.SOURCE}


async def known(runtime: GatewayRuntime, account_id: UUID) -> bool:
    async with runtime.pool.acquire() as conn:
        return await accounts.find(conn, account_id) is not None


async def test_what_a_transaction_left_is_found_at_once_when_told(
    kit: Kit, settings: Settings
) -> None:
    account_id = uuid4()
    asked = command(account_id, ReadProduct(product_id=1), 1)
    async with (
        running(settings) as runtime,
        core(settings, partition_of(account_id)) as (_, listener),
    ):
        async with runtime.pool.acquire() as conn, conn.transaction():
            await accounts.know(conn, account_id, tag="loja", name="Loja")
            await accounts.connected(conn, account_id)
            work = to_work(asked, ReadProduct(product_id=1))
            assert work
            await runtime.queue.enqueue(conn, work)
        runtime.committed(account_id)

        await eventually(lambda: len(listener.heard) == 1, within_s=20)
