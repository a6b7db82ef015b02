"""The double of 360Hub for all tests of its gateway; each test has an account of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.hub_gateway.sandbox import HubAccount, Sandbox, running_sandbox


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def hub_account(sandbox: Sandbox) -> HubAccount:
    return await sandbox.open_account()
