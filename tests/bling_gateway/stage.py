"""The gateway and Bling's double as processes, and hands to play everybody around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from shared.contracts import Contract, Message
from shared.contracts.sync_core import ConnectAccount
from tests.gateways import (
    Core,
    answering,
    free_port,
    login_of,
    migrated,
    program,
    running_core,
)
from tests.waiting import eventually

CLIENT_ID = "bling-test-client"
CLIENT_SECRET = "bling-test-secret"
PREVIOUS_SECRET = "bling-previous-secret"
API_TOKEN = "operator-token"
MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

OPEN, DELIVERED, CANCELLED, STARTED, VERIFIED = 6, 9, 12, 15, 24

Json = dict[str, Any]


@dataclass(frozen=True)
class Ports:
    gateway: int = field(default_factory=free_port)
    bling: int = field(default_factory=free_port)


def gateway_environment(
    database_url: str, amqp_url: str, bus_prefix: str, ports: Ports
) -> dict[str, str]:
    """What the gateway under test is told: the double instead of Bling, and no time to lose."""
    bling = f"http://127.0.0.1:{ports.bling}/Api/v3"
    return {
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": bus_prefix,
        "LOG_LEVEL": "info",
        "BLING_GATEWAY_PORT": str(ports.gateway),
        "BLING_GATEWAY_DATABASE_URL": login_of("bling_gateway", database_url),
        "BLING_GATEWAY_MIGRATION_DATABASE_URL": database_url,
        "BLING_GATEWAY_MASTER_KEY": MASTER_KEY,
        "BLING_GATEWAY_API_TOKENS": f"operator:{API_TOKEN}",
        "BLING_GATEWAY_CLIENT_ID": CLIENT_ID,
        "BLING_GATEWAY_CLIENT_SECRET": CLIENT_SECRET,
        "BLING_GATEWAY_PREVIOUS_CLIENT_SECRET": PREVIOUS_SECRET,
        "BLING_GATEWAY_API_URL": bling,
        "BLING_GATEWAY_AUTHORIZE_URL": f"{bling}/oauth/authorize",
        "BLING_GATEWAY_TOKEN_URL": f"{bling}/oauth/token",
        "BLING_GATEWAY_REVOKE_URL": f"{bling}/oauth/revoke",
        "BLING_GATEWAY_CALLS_PER_SECOND": "100",
        "BLING_GATEWAY_ADDRESS_CALLS_PER_SECOND": "1000",
        "BLING_GATEWAY_TOKEN_CALLS_PER_MINUTE": "1000",
    }


def bling_environment(ports: Ports) -> dict[str, str]:
    """What the double is told."""
    gateway = f"http://127.0.0.1:{ports.gateway}"
    return {
        "BLING_SANDBOX_PORT": str(ports.bling),
        "BLING_SANDBOX_CLIENT_ID": CLIENT_ID,
        "BLING_SANDBOX_CLIENT_SECRET": CLIENT_SECRET,
        "BLING_SANDBOX_REDIRECT_URL": f"{gateway}/oauth/callback",
        "BLING_SANDBOX_WEBHOOK_URL": f"{gateway}/webhooks/bling",
    }


@dataclass
class Seller:
    """One account, joined with one company of the double."""

    stage: "Stage"
    account_id: UUID
    company: str

    async def control(self, method: str, path: str, /, **body: Any) -> Any:
        """Use one of the double's controls for this company."""
        async with self.stage.http.request(
            method,
            f"{self.stage.bling_url}/_sandbox/{path}",
            params={"company": self.company},
            json=body if method != "GET" else None,
        ) as response:
            answer = await response.json() if response.status != 204 else None
            assert response.ok, (path, response.status, answer)
            return answer

    async def place_order(self, **wish: Any) -> Json:
        order: Json = await self.control("POST", "orders", **wish)
        return order

    async def choose(self, order_id: int, situation: int) -> None:
        await self.control("POST", f"orders/{order_id}/situation", situation=situation)

    async def calls(self, method: str | None = None) -> list[Json]:
        """The calls of Bling's API for this company, as (method, path, status, …)."""
        made = (await self.control("GET", "requests"))["requests"]
        return [call for call in made if method in (None, call["method"])]

    async def command(self, data: Contract, *, subject: str) -> Message:
        """Command something, as the sync core does."""
        return await self.stage.core.send(self.account_id, subject, data)

    async def fact(self, type_: str, count: int = 1, *, within_s: float = 10) -> Message:
        """Wait for so many facts of a type, and return the last."""
        try:
            await eventually(lambda: len(self.facts(type_)) >= count, within_s)
        except TimeoutError:
            told = [message.type for message in self.facts()]
            raise AssertionError(f"no {type_} no. {count}, but {told}") from None
        return self.facts(type_)[count - 1]

    def facts(self, *types: str) -> list[Message]:
        return self.stage.core.told(self.account_id, *types)

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Look into the gateway's database."""
        return await self.stage.database.fetch(query, *values)

    async def settled(self) -> None:
        """Wait until no webhook is under way and no work of the account waits or runs."""
        await eventually(self._is_settled)

    async def _is_settled(self) -> bool:
        listed = await self.control("GET", "webhooks")
        if any(row["state"] == "pending" for row in listed["deliveries"]):
            return False
        work = await self.rows(
            "SELECT count(*) FROM bling_gateway.work WHERE account_id = $1"
            " AND run_at < now() + interval '5 s'",
            self.account_id,
        )
        unsent = await self.rows(
            "SELECT count(*) FROM bling_gateway.outbox WHERE account_id = $1", self.account_id
        )
        return bool(work[0][0] == 0 and unsent[0][0] == 0)


@dataclass
class Stage:
    """Everything that runs."""

    http: aiohttp.ClientSession
    database: "asyncpg.Pool[asyncpg.Record]"
    core: Core
    gateway_url: str
    bling_url: str
    environment: dict[str, str]
    log: Path

    async def known_account(self) -> UUID:
        """Make an account known to the gateway."""
        [account_id] = await self.known_accounts(1)
        return account_id

    async def known_accounts(self, count: int) -> list[UUID]:
        """Make accounts known to the gateway."""
        ids = [uuid4() for _ in range(count)]
        for account_id in ids:
            command = ConnectAccount(name="Loja", tag=account_id.hex[:8])
            await self.core.send(account_id, "account", command)

        async def are_known() -> bool:
            known = "SELECT count(*) FROM bling_gateway.account WHERE account_id = ANY ($1)"
            return bool(await self.database.fetchval(known, ids) == count)

        await eventually(are_known, within_s=30)
        return ids

    async def accounts(self) -> list[Json]:
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        async with self.http.get(f"{self.gateway_url}/api/accounts", headers=headers) as response:
            assert response.status == 200
            listed: list[Json] = (await response.json())["accounts"]
            return listed

    async def new_company(self) -> str:
        async with self.http.post(f"{self.bling_url}/_sandbox/companies", json={}) as response:
            company: str = (await response.json())["id"]
        seller = Seller(self, uuid4(), company)
        await seller.control("POST", "limits", per_second=1000, address_rules=False)
        return company

    async def company(self, company: str) -> Json:
        """What the double tells of a company: its name, and whether our app is authorised."""
        async with self.http.get(f"{self.bling_url}/_sandbox/companies") as response:
            companies: list[Json] = (await response.json())["companies"]
        return next(each for each in companies if each["id"] == company)

    async def connect(
        self, account_id: UUID, company: str, *, decision: str = "authorize"
    ) -> tuple[int, str]:
        """Connect as a seller does in a browser; return the last page."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            start = f"{self.gateway_url}/oauth/start?account={account_id}"
            async with browser.get(start) as consent:
                assert consent.status == 200
                state = consent.url.query["state"]
            form = {
                "client_id": CLIENT_ID,
                "state": state,
                "company": company,
                "decision": decision,
            }
            async with browser.post(
                f"{self.bling_url}/Api/v3/oauth/authorize", data=form
            ) as callback:
                return callback.status, await callback.text()

    async def new_seller(self) -> Seller:
        """A seller whose account is connected."""
        seller = Seller(self, await self.known_account(), await self.new_company())
        status, page = await self.connect(seller.account_id, seller.company)
        assert status == 200, page
        await seller.fact("bling.account.connected")
        return seller

    async def webhook(self, body: bytes, signature: str | None) -> int:
        """Send a webhook, and return the answer's status."""
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers["X-Bling-Signature-256"] = signature
        async with self.http.post(
            f"{self.gateway_url}/webhooks/bling", data=body, headers=headers
        ) as response:
            return response.status

    def consent_query(self, **query: str) -> str:
        return f"{self.gateway_url}/oauth/callback?{urlencode(query)}"


@asynccontextmanager
async def running_stage(
    database_url: str, amqp_url: str, bus_prefix: str, log: Path, **settings: str
) -> AsyncIterator[Stage]:
    """Migrate, start the double and the gateway (told these settings, too), and listen."""
    ports = Ports()
    environment = gateway_environment(database_url, amqp_url, bus_prefix, ports) | settings
    gateway_url, bling_url = (f"http://127.0.0.1:{port}" for port in (ports.gateway, ports.bling))
    async with (
        migrated("bling_gateway", database_url, environment, log),
        aiohttp.ClientSession() as http,
        running_core(amqp_url, bus_prefix) as core,
        asyncpg.create_pool(database_url, min_size=1, max_size=2) as database,
        program("sandbox.bling", environment=bling_environment(ports), log=log),
        program("services.bling_gateway", "serve", environment=environment, log=log),
    ):
        await answering(http, f"{bling_url}/_sandbox/health")
        await answering(http, f"{gateway_url}/readyz")
        yield Stage(http, database, core, gateway_url, bling_url, environment, log)


@asynccontextmanager
async def another_gateway(stage: Stage, log: Path) -> AsyncIterator[None]:
    """Run a second replica of the stage's gateway."""
    port = free_port()
    environment = stage.environment | {"BLING_GATEWAY_PORT": str(port)}
    async with program("services.bling_gateway", "serve", environment=environment, log=log):
        await answering(stage.http, f"http://127.0.0.1:{port}/readyz")
        yield
