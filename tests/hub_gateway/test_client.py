"""What is particular to the port over HTTP; what any adapter promises is asked in ``port``."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import aiohttp
import pytest

from services.hub_gateway import port
from services.hub_gateway.hub_api.client import DEADLINE_S, HubClient, open_http
from services.hub_gateway.port import Credentials, at_once
from shared.gateway.work import LEASE
from tests.hub_gateway.samples import PRODUCT, product_content
from tests.hub_gateway.sandbox import HubAccount

ACCOUNT = UUID(int=1)
REFERENCE = "bling-7k2p-20418877301"


class OneAccount:
    """The credentials of the account that the test plays with."""

    def __init__(self, credentials: Credentials) -> None:
        self.current = credentials

    async def credentials(self, account_id: UUID) -> Credentials:
        return self.current


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http("tests@example.com") as session:
        yield session


@pytest.fixture
async def hub(http: aiohttp.ClientSession, hub_account: HubAccount) -> HubClient:
    return HubClient(http, hub_account.url, OneAccount(hub_account.credentials), at_once)


async def cancel(hub: HubClient, version: int) -> port.CancelOutcome:
    wish = port.Cancellation(REFERENCE, version, "cancelled_in_erp", datetime.now(UTC))
    call = hub.prepare_cancellation(wish, "a-key-of-ours")
    return await hub.cancel_order(ACCOUNT, REFERENCE, call, uuid4())


def test_a_call_ends_well_before_the_right_to_its_result() -> None:
    assert LEASE.total_seconds() / 2 > DEADLINE_S


async def test_one_key_for_two_wishes_is_a_defect(hub: HubClient) -> None:
    assert await cancel(hub, version=2) == port.NotFound()

    with pytest.raises(port.MisunderstoodError, match="idempotency-key-reused"):
        await cancel(hub, version=3)


async def test_many_calls_at_once_fetch_one_token(hub: HubClient, hub_account: HubAccount) -> None:
    await hub_account.control("/limits", tokens_per_minute=1)

    accounts = await asyncio.gather(*(hub.hub_account(ACCOUNT) for _ in range(20)))

    assert set(accounts) == {hub_account.hub_account_id}


async def test_an_expired_token_is_replaced_once_for_all_who_were_refused(
    hub: HubClient, hub_account: HubAccount
) -> None:
    product = port.ProductToImport(PRODUCT, 1, product_content(), None)
    await hub.import_product(ACCOUNT, product, uuid4())
    await hub_account.control("/tokens/expire")
    await hub_account.control("/limits", tokens_per_minute=1)

    found = await asyncio.gather(*(hub.product(ACCOUNT, PRODUCT) for _ in range(5)))

    assert all(isinstance(each, port.ProductSnapshot) for each in found)


async def test_an_empty_allowance_is_respected_without_a_call(
    hub: HubClient, hub_account: HubAccount
) -> None:
    await hub.hub_account(ACCOUNT)
    await hub_account.control("/limits", per_minute=60, burst=1)
    await hub.product(ACCOUNT, PRODUCT)

    with pytest.raises(port.ExhaustedError):
        await hub.product(ACCOUNT, PRODUCT)

    assert len(await hub_account.calls("GET", PRODUCT)) == 1
