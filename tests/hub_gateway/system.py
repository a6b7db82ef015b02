"""The gateway as a process of its own, and a seller on both sides of it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from shared.contracts import Message
from shared.contracts.references import order_reference, product_reference
from shared.contracts.sync_core import (
    AddProductPhoto,
    CancelOrder,
    ConnectAccount,
    ImportProduct,
    RegisterOrder,
)
from tests.gateways import Core, answering, free_port, login_of, migrated, start
from tests.hub_gateway.samples import order_content, product_content
from tests.hub_gateway.sandbox import HubAccount
from tests.waiting import eventually

TOKEN = "an-operators-token"


@dataclass
class Gateway:
    """The gateway's process."""

    url: str
    environment: Mapping[str, str]
    http: aiohttp.ClientSession
    log: Path
    program: str = "services.hub_gateway"
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await start(
            self.program, "serve", environment=self.environment, log=self.log
        )
        await answering(self.http, f"{self.url}/readyz")

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


@asynccontextmanager
async def running_gateway(
    database_url: str,
    amqp_url: str,
    prefix: str,
    hub_url: str,
    log: Path,
    *,
    program: str = "services.hub_gateway",
    reconcile_every_s: float = 2,
) -> AsyncIterator[Gateway]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": prefix,
        "LOG_LEVEL": "info",
        "HUB_GATEWAY_PORT": str(port),
        "HUB_GATEWAY_API_URL": hub_url,
        "HUB_GATEWAY_PUBLIC_URL": url,
        "HUB_GATEWAY_DATABASE_URL": login_of("hub_gateway", database_url),
        "HUB_GATEWAY_MIGRATION_DATABASE_URL": database_url,
        "HUB_GATEWAY_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "HUB_GATEWAY_API_TOKENS": f"tests:{TOKEN}",
        "HUB_GATEWAY_RECONCILE_EVERY_S": str(reconcile_every_s),
    }
    async with (
        migrated("hub_gateway", database_url, environment, log),
        aiohttp.ClientSession() as http,
    ):
        gateway = Gateway(url, environment, http, log, program)
        await gateway.start()
        try:
            yield gateway
        finally:
            await gateway.kill()


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
    patience_s: float = 15
    """How long to wait for a fact. More where many sellers are played with at once."""

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

    async def add_photo(
        self, position: int = 1, url: str = "https://fotos.example/camiseta-1.jpg"
    ) -> Message:
        command = AddProductPhoto(
            product_id=self.product_id, reference=self.product, position=position, url=url
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
        return self.core.told(self.account_id)

    async def fact(
        self,
        kind: str,
        matching: Callable[[dict[str, Any]], bool] = lambda data: True,
        *,
        within_s: float | None = None,
    ) -> dict[str, Any]:
        """Wait for a fact of the type and return its data."""
        await eventually(
            lambda: any(matching(data) for data in self.told(kind)),
            within_s=within_s or self.patience_s,
        )
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
