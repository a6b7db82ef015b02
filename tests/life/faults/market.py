"""The sellers, and 360Hub's people, who go about their day whatever fails between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from deploy.demo.players import Json, Operator, Play, PlayError, Web, until
from deploy.product import Product
from tests.life.conftest import new_account

_LOOK_EVERY_S = 1.0
_PATIENCE_S = 900.0

T = TypeVar("T")

_SLOW = ("slow", "slow_before")

COMPARING_OFTEN = {"HUB_GATEWAY_RECONCILE_EVERY_S": "5"}
"""What no webhook tells is found within seconds instead of minutes."""

BEYOND_ANY_TIMEOUT_S = 10.0
"""A slow answer: longer than the gateway waits for one."""


@dataclass
class Market:
    """One seller's account, with what 360Hub's people see on their screen."""

    play: Play
    gateway: Web
    screen: dict[str, Json] = field(default_factory=dict)
    reconnections: int = 0

    @property
    def operator(self) -> Operator:
        return self.play.operator

    def reference(self, order_id: int, shipment: int = 1) -> str:
        suffix = "" if shipment == 1 else f"~{shipment}"
        return f"bling-{self.play.keeper.tag}-{order_id}{suffix}"

    async def awaits(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look again and again, as long as half of all calls fail."""
        return await until(what, look, within_s=_PATIENCE_S, every_s=_LOOK_EVERY_S)

    async def seen(
        self, what: str, reference: str, holds: Callable[[Json], bool] = lambda order: True
    ) -> Json:
        """Wait until the order is on 360Hub's screen and looks as wanted."""

        async def look() -> Json | None:
            order = self.screen.get(reference)
            return order if order is not None and holds(order) else None

        return await self.awaits(f"{reference}: {what}", look)

    async def arrived(self, order_id: int, shipment: int = 1) -> str:
        """Wait until 360Hub has the order and holds it for nothing; return its reference."""
        reference = self.reference(order_id, shipment)
        await self.seen("held by nothing", reference, lambda order: not order["holds"])
        return reference

    async def does(self, path: str, **body: Any) -> Json:
        """Use one of 360Hub's controls for this account."""
        return await self.operator.web.call(
            "POST", f"/_sandbox{path}?account={self.operator.account}", body
        )

    async def looks(self, path: str) -> Json:
        """Read what one of 360Hub's controls shows of this account."""
        join = "&" if "?" in path else "?"
        return await self.operator.web.call(
            "GET", f"/_sandbox{path}{join}account={self.operator.account}"
        )

    async def look_around(self) -> None:
        """Keep the screen fresh, and let the review team approve whatever comes in."""
        while True:
            self.screen = {o["external_ref"]: o for o in await self.operator.orders()}
            for product in await self.operator.products():
                if product["approval"]["status"] != "approved":
                    await self.operator.approves_product(product["external_ref"])
            await self._stay_connected()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _stay_connected(self) -> None:
        """Give credentials again where 360Hub refused a new token too: only a person may."""
        account_id = self.play.keeper.account_id
        accounts = (await self.gateway.call("GET", "/api/accounts"))["accounts"]
        if {each["account_id"]: each["state"] for each in accounts}[account_id] == "connected":
            return
        credentials = await self.does("/secrets")
        with suppress(PlayError):  # 360Hub fails here as well: the next look tries again
            path = f"/api/accounts/{account_id}/credentials"
            await self.gateway.call("PUT", path, credentials)
            self.reconnections += 1


async def arm(market: Market, probability: float) -> None:
    """Arm every fault of 360Hub's at the probability, but for the one that silences it at once."""
    if not probability:
        return
    await market.does("/faults", every=probability, **{"except": [*_SLOW, "endpoint_disabled"]})
    for fault in _SLOW:
        await market.does(
            "/faults", fault=fault, probability=probability, seconds=BEYOND_ANY_TIMEOUT_S
        )


async def silence(market: Market) -> None:
    """Have 360Hub switch our endpoint off, as it does after days of failures."""
    await market.does("/faults", fault="endpoint_disabled", count=1)


async def disarm(market: Market) -> None:
    """Let everything work from now on."""
    web, account = market.operator.web, market.operator.account
    await web.call("DELETE", f"/_sandbox/faults?account={account}")


@asynccontextmanager
async def open_markets(system: Product, count: int) -> AsyncIterator[Sequence[Market]]:
    """Connect so many sellers, and let 360Hub's people look after each of them meanwhile."""
    async with AsyncExitStack() as stack:
        opening = [stack.enter_async_context(new_account(system)) for _ in range(count)]
        plays = await asyncio.gather(*opening)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        gateway = Web(session, system.url("hub_gateway"), system.token("hub_gateway"))
        markets = [Market(play, gateway) for play in plays]
        for market in markets:
            await market.does("/balance", amount="1000000")
        async with asyncio.TaskGroup() as group:
            looking = [group.create_task(market.look_around()) for market in markets]
            try:
                yield markets
            finally:
                for task in looking:
                    task.cancel()
