"""The gateway as a process of its own, and a stand-in for the core at the other end of the bus."""

import asyncio
import base64
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import aio_pika
import aiohttp
from aio_pika.abc import AbstractIncomingMessage
from yarl import URL

from shared.bus import Publisher, Topology, connect
from shared.contracts import PARTITIONS, Contract, Message
from shared.contracts.references import order_reference, product_reference
from shared.contracts.sync_core import CancelOrder, ConnectAccount, ImportProduct, RegisterOrder
from tests.hub_gateway.samples import order_content, product_content
from tests.hub_gateway.sandbox import HubAccount, free_port
from tests.waiting import eventually

TOKEN = "an-operators-token"
_ROOT = Path(__file__).parents[2]
Fact = TypeVar("Fact", bound=Contract)


@dataclass
class Core:
    """What the sync core is to the gateway: it sends commands and gets facts."""

    publisher: Publisher
    facts: dict[UUID, list[Message]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, account_id: UUID, stream: str, command: Contract) -> Message:
        """Send a command, as the core's relay does."""
        message = Message(
            id=uuid4(),
            source="/sync_core",
            type=command.TYPE,
            subject=stream,
            time=datetime.now(UTC),
            dataschema=command.dataschema(),
            accountid=account_id,
            sequence=1,
            correlationid=uuid4(),
            data=command.model_dump(mode="json"),
        )
        await self.publisher.publish("commands", message)
        return message

    async def send_again(self, message: Message) -> None:
        await self.publisher.publish("commands", message)

    async def listen(self, connection: Any, topology: Topology) -> None:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        for partition in range(PARTITIONS):
            queue = await channel.get_queue(topology.queue("sync_core", partition), ensure=False)
            await queue.consume(self._hear)

    async def _hear(self, delivery: AbstractIncomingMessage) -> None:
        message = Message.decode(delivery.body)
        self.facts[message.accountid].append(message)
        await delivery.ack()


@asynccontextmanager
async def running_core(amqp_url: str, prefix: str) -> AsyncIterator[Core]:
    topology = Topology(prefix)
    async with await connect(amqp_url, "tests: publisher") as publishing:
        await topology.declare(publishing)
        publisher = Publisher(publishing, topology)
        consuming = await aio_pika.connect(amqp_url)
        async with consuming:
            core = Core(publisher)
            await core.listen(consuming, topology)
            yield core
        await publisher.close()


@dataclass
class Gateway:
    """The gateway's process."""

    url: str
    environment: Mapping[str, str]
    http: aiohttp.ClientSession
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *_command("serve"), env=self.environment, cwd=_ROOT
        )
        await eventually(self._is_ready, within_s=30)

    async def kill(self) -> None:
        """End the process as a power cut does."""
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        status = await self.process.wait()
        self.process = None
        return status

    async def put_credentials(self, account_id: UUID, account: HubAccount) -> tuple[int, Any]:
        secret = {
            "client_id": account.credentials.client_id,
            "client_secret": account.credentials.client_secret,
        }
        return await self.api("PUT", f"/accounts/{account_id}/credentials", secret)

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.http.request(
            method,
            f"{self.url}/api{path}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as response:
            return response.status, await response.json(content_type=None)

    async def states(self) -> dict[str, str]:
        """Return the state of each account that the gateway knows."""
        _, answer = await self.api("GET", "/accounts")
        return {account["account_id"]: account["state"] for account in answer["accounts"]}

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, "the gateway ended"
        try:
            async with self.http.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running_gateway(
    database_url: str, amqp_url: str, prefix: str, hub_url: str
) -> AsyncIterator[Gateway]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    service = URL(database_url).with_user("hub_gateway_test").with_password("development")
    environment = {
        **os.environ,
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": prefix,
        "LOG_FORMAT": "console",
        "LOG_LEVEL": os.environ.get("TEST_LOG_LEVEL", "error"),
        "HUB_GATEWAY_PORT": str(port),
        "HUB_GATEWAY_API_URL": hub_url,
        "HUB_GATEWAY_PUBLIC_URL": url,
        "HUB_GATEWAY_DATABASE_URL": str(service),
        "HUB_GATEWAY_MIGRATION_DATABASE_URL": database_url,
        "HUB_GATEWAY_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "HUB_GATEWAY_API_TOKENS": f"tests:{TOKEN}",
        "HUB_GATEWAY_RECONCILE_EVERY_S": "2",
    }
    migration = await asyncio.create_subprocess_exec(
        *_command("migrate"), env=environment, cwd=_ROOT
    )
    assert await migration.wait() == 0
    async with aiohttp.ClientSession() as http:
        gateway = Gateway(url, environment, http)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.kill()


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "services.hub_gateway", name)


@dataclass
class Seller:
    """One account on both sides of the gateway, and one order of it."""

    core: Core
    gateway: Gateway
    hub: HubAccount
    account_id: UUID = field(default_factory=uuid4)
    tag: str = field(default_factory=lambda: uuid4().hex[:4])
    order_id: int = 20418877301
    product_id: int = 7

    @property
    def stream(self) -> str:
        return f"order-{self.order_id}"

    @property
    def reference(self) -> str:
        return order_reference(self.tag, self.order_id, 1)

    @property
    def product(self) -> str:
        return product_reference(self.tag, self.product_id)

    async def make_known(self) -> None:
        command = ConnectAccount(name="Loja de teste", tag=self.tag)
        await self.core.send(self.account_id, "account", command)
        await eventually(self._is_known)

    async def connect(self) -> None:
        await self.make_known()
        status, answer = await self.gateway.put_credentials(self.account_id, self.hub)
        assert (status, answer["state"]) == (200, "connected"), answer

    async def import_product(self, version: int = 1, **content: Any) -> Message:
        command = ImportProduct(
            product_id=self.product_id,
            reference=self.product,
            version=version,
            content_event=uuid4(),
            content_digest="digest",
            content=product_content(**content),
        )
        return await self.core.send(self.account_id, f"product-{self.product_id}", command)

    async def register(self, version: int = 1, **content: Any) -> Message:
        return await self.register_shipment(1, version, **content)

    async def register_shipment(self, shipment: int, version: int, **content: Any) -> Message:
        command = RegisterOrder(
            order_id=self.order_id,
            shipment=shipment,
            reference=order_reference(self.tag, self.order_id, shipment),
            version=version,
            content_event=uuid4(),
            content_digest="digest",
            product_references={self.product_id: self.product},
            content=order_content(**content),
        )
        return await self.core.send(self.account_id, self.stream, command)

    async def cancel(self, version: int = 2) -> Message:
        command = CancelOrder(
            order_id=self.order_id,
            shipment=1,
            reference=self.reference,
            version=version,
            reason_code="cancelled_in_erp",
        )
        return await self.core.send(self.account_id, self.stream, command)

    async def registered(self) -> None:
        """Bring the order to 360Hub with an approved product."""
        await self.import_product()
        await self.fact("hub.product.imported")
        await self.hub.approve(self.product)
        await self.register()
        await self.fact("hub.order.registered")

    # --- what the core was told

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of all facts of the type, as they came."""
        return [fact.data for fact in self.all_facts if fact.type == kind]

    @property
    def all_facts(self) -> list[Message]:
        return self.core.facts[self.account_id]

    async def fact(
        self,
        kind: str,
        matching: Callable[[dict[str, Any]], bool] = lambda data: True,
        *,
        within_s: float = 15,
    ) -> dict[str, Any]:
        """Wait for a fact of the type and return its data."""
        await eventually(lambda: any(matching(data) for data in self.told(kind)), within_s=within_s)
        return next(data for data in self.told(kind) if matching(data))

    async def status(self, wanted: str) -> dict[str, Any]:
        """Wait until the core was told of the status."""
        return await self.fact("hub.order.status_changed", lambda data: data["status"] == wanted)

    @property
    def statuses(self) -> list[str]:
        return [data["status"] for data in self.told("hub.order.status_changed")]

    def check_order_of_facts(self) -> None:
        """Nothing was told twice, nothing left out, and each order's news came in its sequence."""
        assert [fact.sequence for fact in self.all_facts] == list(range(1, len(self.all_facts) + 1))
        assert len({fact.id for fact in self.all_facts}) == len(self.all_facts)
        told = [
            fact.data["hub_sequence"]
            for fact in self.all_facts
            if fact.type.startswith("hub.order.") and "hub_sequence" in fact.data
        ]
        assert told == sorted(told)

    async def _is_known(self) -> bool:
        return str(self.account_id) in await self.gateway.states()
