"""The people in the play, each acting over HTTP as a person would by hand.

The seller acts in Bling, the operator at 360Hub (with the review team and the carrier), and the
keeper is who looks after this system: connects accounts, decides, reads timelines.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import aiohttp

from deploy.product import BLING_CLIENT, BLING_SANDBOX, HUB_CLIENT, HUB_SANDBOX, Product

Json = dict[str, Any]
T = TypeVar("T")

_POLL_S = 0.05


class PlayError(Exception):
    """Somebody in the play was answered otherwise than they expected."""


class NeverHappenedError(PlayError):
    """What was waited for did not happen in time."""


class Web:
    """Calls one server, and says plainly what it answered when that is not a success."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self._session = session
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Return the JSON answer. Raises `PlayError` for any answer that is no success."""
        url = f"{self.url}{path}"
        async with self._session.request(method, url, json=body, headers=self._headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise PlayError(f"{method} {path} → {answer.status}: {text}")
            said: Json = await answer.json(content_type=None) if text else {}
            return said


@dataclass(frozen=True)
class Seller:
    """Works in Bling, for one company."""

    web: Web
    company: str

    async def places_order(self, **wish: Any) -> Json:
        """A customer orders; the order appears in Bling."""
        return await self.web.call("POST", "/_sandbox/orders", {"company": self.company, **wish})

    async def sets(self, order_id: int, situation: int | str) -> None:
        """Move the order, by the situação's id or name."""
        body = {"situation": situation, "company": self.company}
        await self.web.call("POST", f"/_sandbox/orders/{order_id}/situation", body)

    async def edits(self, order_id: int, changes: Json) -> None:
        """Change the order's data."""
        await self.web.call("PATCH", f"/_sandbox/orders/{order_id}", changes)

    async def issues_invoice(self, order_id: int) -> Json:
        """Issue the NF-e."""
        return await self.web.call("POST", f"/_sandbox/orders/{order_id}/nfe", {})

    async def order(self, order_id: int) -> Json:
        """Look at the order, with the history of its situações."""
        return await self.web.call("GET", f"/_sandbox/orders/{order_id}")

    async def situation(self, order_id: int) -> str:
        """Look at the situação's name."""
        name: str = (await self.order(order_id))["history"][-1]["nome"]
        return name

    async def webhooks(self, **how: Any) -> None:
        """Change how Bling delivers its webhooks."""
        await self.web.call("POST", "/_sandbox/webhooks", {"company": self.company, **how})

    async def releases_webhooks(self, order: str) -> None:
        """Deliver the held webhooks, ``as_is`` or in ``reverse``."""
        body = {"order": order, "company": self.company}
        await self.web.call("POST", "/_sandbox/webhooks/release", body)

    async def calls(self) -> list[Json]:
        """List every API call that Bling received for the company."""
        said = await self.web.call("GET", f"/_sandbox/requests?company={self.company}")
        calls: list[Json] = said["requests"]
        return calls


@dataclass(frozen=True)
class Operator:
    """Works at 360Hub, for one account: operator, review team and carrier in one."""

    web: Web
    account: str

    async def _does(self, method: str, path: str, **body: Any) -> Json:
        join = "&" if "?" in path else "?"
        path = f"/_sandbox{path}{join}account={self.account}"
        return await self.web.call(method, path, body if method == "POST" else None)

    async def approves_product(self, reference: str) -> None:
        """Register photos by hand, then approve; what is approved already is left alone."""
        known = {product["external_ref"]: product for product in await self.products()}
        if known[reference]["approval"]["status"] == "approved":
            return
        await self._does("POST", f"/products/{reference}/photos", count=1)
        await self._does("POST", f"/products/{reference}/review", decision="approve")

    async def opens_manifest(self, *references: str) -> str:
        """Put orders into a new romaneio."""
        manifest: str = (await self._does("POST", "/manifests", orders=list(references)))[
            "manifest_id"
        ]
        return manifest

    async def takes_out(self, manifest: str, reference: str) -> None:
        """Take an order out of a romaneio."""
        await self._does("DELETE", f"/manifests/{manifest}/orders/{reference}")

    async def makes_labels(self, reference: str) -> None:
        """Generate the labels of all volumes."""
        await self._does("POST", f"/orders/{reference}/labels")

    async def voids_labels(self, reference: str) -> None:
        """Void them."""
        await self._does("POST", f"/orders/{reference}/labels/void")

    async def scans(self, reference: str, stage: str) -> None:
        """Scan all volumes, as the carrier does."""
        await self._does("POST", f"/orders/{reference}/carrier-scan", stage=stage)

    async def order(self, reference: str) -> Json | None:
        """Look at an order; None: 360Hub holds none of that reference."""
        try:
            return await self._does("GET", f"/orders/{reference}")
        except PlayError as error:
            if "→ 404" in str(error):
                return None
            raise

    async def orders(self) -> list[Json]:
        """List the account's orders."""
        orders: list[Json] = (await self._does("GET", "/orders"))["orders"]
        return orders

    async def products(self) -> list[Json]:
        """List the account's products."""
        products: list[Json] = (await self._does("GET", "/products"))["products"]
        return products

    async def webhooks(self, **how: Any) -> None:
        """Change how 360Hub delivers its webhooks."""
        await self._does("POST", "/webhooks", **how)

    async def releases_webhooks(self, order: str) -> None:
        """Deliver the held webhooks, ``as_is`` or in ``reverse``."""
        await self._does("POST", "/webhooks/release", order=order)

    async def calls(self) -> list[Json]:
        """List every API call that 360Hub received for the account."""
        calls: list[Json] = (await self._does("GET", "/requests"))["requests"]
        return calls


@dataclass(frozen=True)
class Keeper:
    """Looks after one account of this system."""

    web: Web
    account_id: str
    tag: str

    def order_key(self, order_id: int) -> str:
        """Return how the API names an order."""
        return f"{self.tag}-{order_id}"

    async def order(self, order_id: int) -> Json:
        """Read an order's state."""
        return await self.web.call("GET", f"/api/orders/{self.order_key(order_id)}")

    async def timeline(self, order_id: int) -> list[Json]:
        """Read everything that happened to an order, oldest first."""
        entries: list[Json] = []
        path = f"/api/orders/{self.order_key(order_id)}/timeline?limit=200"
        cursor = ""
        while True:
            page = await self.web.call("GET", f"{path}{cursor}")
            entries += page["entries"]
            if not page.get("next_cursor"):
                return entries
            cursor = f"&cursor={page['next_cursor']}"

    async def acts(self, order_id: int, action: str, **body: Any) -> None:
        """Do what a person may: confirm, settle, retry."""
        path = f"/api/orders/{self.order_key(order_id)}/{action}"
        await self.web.call("POST", path, body)

    async def chooses(self, what: str, **body: Any) -> None:
        """Change the account's mode, mapping, filter, policies or go-live day."""
        await self.web.call("PUT", f"/api/accounts/{self.account_id}/{what}", body)


@dataclass(frozen=True)
class Play:
    """One connected account, and everybody in it."""

    seller: Seller
    operator: Operator
    keeper: Keeper


@asynccontextmanager
async def connected(
    product: Product,
    name: str,
    *,
    within_s: float = 30,
    prepare: Callable[[Seller, Operator], Awaitable[None]] | None = None,
) -> AsyncIterator[Play]:
    """Make an account, connect both of its sides as a seller would, and let it go live.

    Its Bling company and its 360Hub account are new ones, so that plays never meet. ``prepare`` is
    called before they are connected.
    """
    async with _stage(product) as stage:
        company = (await stage.bling.call("POST", "/_sandbox/companies", {"name": name}))["id"]
        hub_account = await stage.hub.call("POST", "/_sandbox/accounts", {"name": name})
        if prepare is not None:
            operator = Operator(stage.hub, hub_account["account_id"])
            await prepare(Seller(stage.bling, company), operator)
        made = await stage.core.call("POST", "/api/accounts", {"name": name})
        yield await _connect(stage, made, company, hub_account, within_s)


@asynccontextmanager
async def trial_account(
    product: Product, name: str, *, within_s: float = 30
) -> AsyncIterator[Play]:
    """Connect the account of this name to the doubles' first company and account.

    The doubles forget everything when they stop, and the database does not: an account that an
    earlier run made is connected again.
    """
    async with _stage(product) as stage:
        companies = (await stage.bling.call("GET", "/_sandbox/companies"))["companies"]
        hub_accounts = (await stage.hub.call("GET", "/_sandbox/accounts"))["accounts"]
        known = (await stage.core.call("GET", "/api/accounts"))["accounts"]
        account = next((a for a in known if a["name"] == name), None)
        account = account or await stage.core.call("POST", "/api/accounts", {"name": name})
        hub_account = {
            "account_id": hub_accounts[0]["account_id"],
            "client_id": HUB_CLIENT.id,
            "client_secret": HUB_CLIENT.secret,
        }
        yield await _connect(stage, account, companies[0]["id"], hub_account, within_s)


async def reconnected(product: Product, play: Play, *, within_s: float = 30) -> None:
    """Have the seller consent at Bling once more."""
    async with _stage(product) as stage:
        account_id, company = play.keeper.account_id, play.seller.company
        await _connect_bling(stage.session, product, account_id, company, within_s)


@dataclass(frozen=True)
class _Stage:
    product: Product
    session: aiohttp.ClientSession
    bling: Web
    hub: Web
    core: Web


@asynccontextmanager
async def _stage(product: Product) -> AsyncIterator[_Stage]:
    jar = aiohttp.CookieJar(unsafe=True)  # the addresses are numbers
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield _Stage(
            product,
            session,
            bling=Web(session, product.url(BLING_SANDBOX)),
            hub=Web(session, product.url(HUB_SANDBOX)),
            core=Web(session, product.url("sync_core"), product.token("sync_core")),
        )


async def _connect(
    stage: _Stage, account: Json, company: str, hub_account: Mapping[str, str], within_s: float
) -> Play:
    keeper = Keeper(stage.core, account["account_id"], account["tag"])
    await _connect_bling(stage.session, stage.product, keeper.account_id, company, within_s)
    await _connect_hub(stage.session, stage.product, keeper.account_id, hub_account, within_s)
    await _go_live(keeper, within_s)
    return Play(
        Seller(stage.bling, company), Operator(stage.hub, hub_account["account_id"]), keeper
    )


async def _connect_bling(
    session: aiohttp.ClientSession, product: Product, account_id: str, company: str, within_s: float
) -> None:
    """Go through Bling's consent page."""
    start = f"{product.url('bling_gateway')}/oauth/start?account={account_id}"
    consent = await _redirected(session, start, within_s)
    state = parse_qs(urlsplit(consent).query)["state"][0]
    form = {
        "client_id": BLING_CLIENT.id,
        "state": state,
        "company": company,
        "decision": "authorize",
    }
    page = f"{product.url(BLING_SANDBOX)}/Api/v3/oauth/authorize"
    async with session.post(page, data=form) as answer:
        if answer.status >= 400:
            raise PlayError(f"Bling's consent → {answer.status}: {await answer.text()}")


async def _redirected(session: aiohttp.ClientSession, url: str, within_s: float) -> str:
    """Return where we are sent. The gateway knows a new account after a moment only."""

    async def sent() -> str | None:
        async with session.get(url, allow_redirects=False) as answer:
            return answer.headers.get("Location")

    return await until(f"GET {url} to lead to Bling", sent, within_s=within_s)


async def _connect_hub(
    session: aiohttp.ClientSession,
    product: Product,
    account_id: str,
    hub_account: Mapping[str, str],
    within_s: float,
) -> None:
    gateway = Web(session, product.url("hub_gateway"), product.token("hub_gateway"))
    credentials = {key: hub_account[key] for key in ("client_id", "client_secret")}

    async def accepted() -> bool:
        try:
            await gateway.call("PUT", f"/api/accounts/{account_id}/credentials", credentials)
        except PlayError as error:
            if "→ 404" in str(error):
                return False  # the gateway knows a new account after a moment only
            raise
        return True

    await until("360Hub's credentials to be accepted", accepted, within_s=within_s)


async def _go_live(keeper: Keeper, within_s: float) -> None:
    async def mapped() -> bool:
        listed = await keeper.web.call("GET", "/api/accounts")
        account = next(a for a in listed["accounts"] if a["account_id"] == keeper.account_id)
        return bool(account["mapping"] and account["hub_account_id"])

    await until("both sides of the account to be connected", mapped, within_s=within_s)
    today = datetime.now(ZoneInfo("America/Sao_Paulo")).date()
    await keeper.chooses("go-live", go_live=today.isoformat())
    await keeper.chooses("mode", to_hub="live", to_bling="live")


async def until(
    what: str,
    look: Callable[[], Awaitable[T | None]],
    *,
    within_s: float = 20,
    every_s: float = _POLL_S,
) -> T:
    """Look again and again until something true is seen, and return it.

    Raises `NeverHappenedError`, naming ``what``, when it takes too long.
    """
    seen: T | None = None
    try:
        async with asyncio.timeout(within_s):
            while not (seen := await look()):  # noqa: ASYNC110 - what is awaited is outside of us
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise NeverHappenedError(f"Waited {within_s:g} s for {what}; last seen: {seen!r}") from None
    return seen
