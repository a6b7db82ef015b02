"""360Hub's double as a process of its own, and an account in it to play with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from services.hub_gateway.port import Credentials
from tests.gateways import answering, free_port, program


@dataclass(frozen=True)
class HubAccount:
    """One account at the double: its client, and the hands of those who work there."""

    http: aiohttp.ClientSession
    url: str
    hub_account_id: str
    credentials: Credentials

    async def control(self, path: str, **body: Any) -> Any:
        """Use one of the double's controls for this account."""
        return await self._post(path, body)

    async def look(self, path: str) -> Any:
        """Read what one of the controls shows of this account."""
        return await self._request("GET", path, None)

    async def take_out(self, manifest_id: str, reference: str) -> None:
        """Take an order out of its romaneio."""
        await self._request("DELETE", f"/manifests/{manifest_id}/orders/{reference}", None)

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        async with self.http.request(
            method,
            f"{self.url}/_sandbox{path}",
            params={"account": self.hub_account_id},
            json=body,
        ) as response:
            answer = await response.json() if response.status != 204 else None
            assert response.ok, (path, response.status, answer)
            return answer

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API itself with the account's credentials, as its owner may do."""
        client = aiohttp.encode_basic_auth(
            self.credentials.client_id, self.credentials.client_secret
        )
        grant, proof = {"grant_type": "client_credentials"}, {"Authorization": client}
        async with self.http.post(f"{self.url}/oauth/token", data=grant, headers=proof) as response:
            token = (await response.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        async with self.http.request(
            method, self.url + path, json=body, headers=headers
        ) as response:
            assert response.ok, (path, response.status)
            return await response.json()

    async def fault(self, name: str, *, calls: str = "", **how: Any) -> None:
        """Arm a fault, for calls of one method only if it is named."""
        await self._post("/faults", {"fault": name, "method": calls, **how})

    async def disarm(self) -> None:
        """Let no fault strike any more."""
        await self._request("DELETE", "/faults", None)

    async def now(self) -> datetime:
        """Return the double's time, which anyone may have moved."""
        return datetime.fromisoformat((await self.look_at_all("/clock"))["now"])

    async def pass_days(self, days: int) -> None:
        """Let time pass for the whole double."""
        await self._move_clock(advance=days * 86400)

    async def set_clock(self, now: datetime) -> None:
        """Set the whole double's time."""
        await self._move_clock(now=now.isoformat())

    async def _move_clock(self, **to: Any) -> None:
        async with self.http.post(f"{self.url}/_sandbox/clock", json=to) as response:
            assert response.ok

    async def order(self, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.look(f"/orders/{reference}")
        return found

    async def calls(self, method: str, ending: str) -> list[dict[str, Any]]:
        """Return the API calls that were made, with their answers."""
        made = (await self.look("/requests"))["requests"]
        return [c for c in made if c["method"] == method and c["path"].endswith(ending)]

    async def endpoints(self) -> list[dict[str, Any]]:
        """Return the account's webhook endpoints."""
        accounts = (await self.look_at_all("/accounts"))["accounts"]
        (found,) = [each for each in accounts if each["account_id"] == self.hub_account_id]
        endpoints: list[dict[str, Any]] = found["webhook_endpoints"]
        return endpoints

    async def look_at_all(self, path: str) -> Any:
        """Read what a control shows of all accounts."""
        async with self.http.get(f"{self.url}/_sandbox{path}") as response:
            return await response.json()

    async def to_labels(self, reference: str) -> None:
        await self.control("/manifests", orders=[reference])
        await self.control(f"/orders/{reference}/labels")

    async def scan(self, reference: str, stage: str) -> None:
        await self.control(f"/orders/{reference}/carrier-scan", stage=stage)

    async def approve(self, reference: str) -> None:
        await self.control(f"/products/{reference}/photos", count=1)
        await self.control(f"/products/{reference}/review", decision="approve")


@dataclass(frozen=True)
class Sandbox:
    http: aiohttp.ClientSession
    url: str

    async def open_account(self) -> HubAccount:
        async with self.http.post(f"{self.url}/_sandbox/accounts", json={}) as response:
            made = await response.json()
        credentials = Credentials(made["client_id"], made["client_secret"])
        return HubAccount(self.http, self.url, made["account_id"], credentials)


@asynccontextmanager
async def running_sandbox(log: Path) -> AsyncIterator[Sandbox]:
    port = free_port()
    environment = {"HUB_SANDBOX_PORT": str(port)}
    async with (
        aiohttp.ClientSession() as http,
        program("sandbox.hub", environment=environment, log=log),
    ):
        url = f"http://127.0.0.1:{port}"
        await answering(http, f"{url}/_sandbox/health")
        yield Sandbox(http, url)
