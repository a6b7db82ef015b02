"""The port over HTTP, against the double of 360Hub: outcomes, errors, tokens, repetition."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from services.hub_gateway import port
from services.hub_gateway.hub_api.client import HubClient, open_http
from services.hub_gateway.port import Credentials, at_once
from tests.hub_gateway.samples import NFE, PRODUCT, order_content, product_content
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


async def register(hub: HubClient, version: int = 1, **content: Any) -> port.RegisterOutcome:
    order = port.OrderToRegister(REFERENCE, version, order_content(**content), {7: PRODUCT})
    return await hub.register_order(ACCOUNT, order, uuid4())


async def import_product(hub: HubClient, version: int = 1, **content: Any) -> port.ImportOutcome:
    product = port.ProductToImport(PRODUCT, version, product_content(**content), None)
    return await hub.import_product(ACCOUNT, product, uuid4())


async def cancel(hub: HubClient, version: int = 2, key: str = "a-key-of-ours") -> Any:
    wish = port.Cancellation(REFERENCE, version, "cancelled_in_erp", datetime.now(UTC))
    call = hub.prepare_cancellation(wish, key)
    return await hub.cancel_order(ACCOUNT, REFERENCE, call, uuid4())


async def registered(hub: HubClient, hub_account: HubAccount) -> None:
    await import_product(hub)
    await hub_account.approve(PRODUCT)
    await register(hub)


class TestRegister:
    async def test_an_unknown_reference_is_created(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await import_product(hub)

        outcome = await register(hub)

        assert isinstance(outcome, port.Registered)
        assert (outcome.outcome, outcome.sequence) == ("created", 1)
        (hold,) = outcome.holds
        assert hold.code == "product_pending_approval"
        assert hold.product_references == (PRODUCT,)

    async def test_a_higher_version_with_other_content_updates(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)

        outcome = await register(hub, 2, number="10483")

        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == "updated"

    @pytest.mark.parametrize("version", [1, 2])
    async def test_the_same_content_is_unchanged(
        self, hub: HubClient, hub_account: HubAccount, version: int
    ) -> None:
        await registered(hub, hub_account)

        outcome = await register(hub, version)

        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == "unchanged"

    async def test_a_lower_version_is_stale(self, hub: HubClient, hub_account: HubAccount) -> None:
        await registered(hub, hub_account)
        await register(hub, 5, number="5")

        assert await register(hub, 4, number="4") == port.Stale(5, "order_created")

    async def test_two_contents_under_one_version_are_a_defect(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)

        with pytest.raises(port.MisunderstoodError, match="version-conflict"):
            await register(hub, 1, number="other")

    async def test_labels_lock_the_content_but_for_the_fiscal_document(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        await hub_account.to_labels(REFERENCE)

        with_key = await register(hub, 2, fiscal_document=NFE)

        assert isinstance(with_key, port.Registered)
        assert with_key.outcome == "updated"
        locked = await register(hub, 3, fiscal_document=NFE, number="other")
        assert locked == port.Locked("awaiting_dispatch")

    async def test_an_ended_order_is_closed(self, hub: HubClient, hub_account: HubAccount) -> None:
        await registered(hub, hub_account)
        await cancel(hub)

        assert await register(hub, 3, number="other") == port.Closed("cancelled")

    async def test_what_the_hub_cannot_use_is_named(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await import_product(hub)

        outcome = await register(hub, recipient=None)

        assert isinstance(outcome, port.Invalid)
        assert [error.pointer for error in outcome.errors] == ["/recipient"]

    async def test_a_product_that_was_never_imported_is_named(self, hub: HubClient) -> None:
        outcome = await register(hub)

        assert isinstance(outcome, port.UnknownProduct)
        assert outcome.errors[0].pointer == "/items/0/product_ref"

    async def test_an_item_without_a_reference_needs_no_call(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        order = port.OrderToRegister(REFERENCE, 1, order_content(), {})

        outcome = await hub.register_order(ACCOUNT, order, uuid4())

        assert isinstance(outcome, port.UnknownProduct)
        assert await hub_account.calls("PUT", REFERENCE) == []


class TestCancel:
    @pytest.mark.parametrize("stage", ["created", "manifest", "labels"])
    async def test_before_intake_it_is_cancelled(
        self, hub: HubClient, hub_account: HubAccount, stage: str
    ) -> None:
        await registered(hub, hub_account)
        if stage == "manifest":
            await hub_account.control("/manifests", orders=[REFERENCE])
        if stage == "labels":
            await hub_account.to_labels(REFERENCE)

        outcome = await cancel(hub)

        assert isinstance(outcome, port.Cancelled)
        assert outcome.outcome == "cancelled"

    async def test_a_cancelled_order_stays_as_it_is(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        await cancel(hub)

        again = await cancel(hub, key="another-key-of-ours")

        assert isinstance(again, port.Cancelled)
        assert again.outcome == "unchanged"

    @pytest.mark.parametrize("stage", ["accepted", "returning"])
    async def test_with_the_carrier_it_is_refused(
        self, hub: HubClient, hub_account: HubAccount, stage: str
    ) -> None:
        await registered(hub, hub_account)
        await hub_account.to_labels(REFERENCE)
        await hub_account.scan(REFERENCE, "accepted")
        if stage == "returning":
            await hub_account.scan(REFERENCE, "returning")

        outcome = await cancel(hub)

        status = {"accepted": "with_carrier", "returning": "returning_to_sender"}[stage]
        assert outcome == port.NotCancellable(status)

    async def test_an_ended_order_is_closed(self, hub: HubClient, hub_account: HubAccount) -> None:
        await registered(hub, hub_account)
        await hub_account.to_labels(REFERENCE)
        await hub_account.scan(REFERENCE, "delivered")

        assert await cancel(hub) == port.Closed("delivered")

    async def test_an_unknown_reference_is_not_found(self, hub: HubClient) -> None:
        assert await cancel(hub) == port.NotFound()

    async def test_the_same_call_again_gives_the_first_answer(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        wish = port.Cancellation(REFERENCE, 2, "deleted_in_erp", datetime.now(UTC))
        call = hub.prepare_cancellation(wish, "a-key-of-ours")

        first = await hub.cancel_order(ACCOUNT, REFERENCE, call, uuid4())
        second = await hub.cancel_order(ACCOUNT, REFERENCE, call, uuid4())

        assert first == second
        assert [c["replayed"] for c in await hub_account.calls("POST", "/cancel")] == [False, True]

    async def test_one_key_for_two_wishes_is_a_defect(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        await cancel(hub, version=2)

        with pytest.raises(port.MisunderstoodError, match="idempotency-key-reused"):
            await cancel(hub, version=3)


class TestProducts:
    async def test_import_update_repeat_and_stale(self, hub: HubClient) -> None:
        created = await import_product(hub)
        updated = await import_product(hub, 2, name="Camiseta verde P")
        unchanged = await import_product(hub, 3, name="Camiseta verde P")

        outcomes = [getattr(found, "outcome", None) for found in (created, updated, unchanged)]
        assert outcomes == ["created", "updated", "unchanged"]
        assert isinstance(created, port.Imported)
        assert created.approval.status == "awaiting_photos"
        assert await import_product(hub, 1) == port.Stale(3, None)

    async def test_what_the_hub_cannot_use_is_named(self, hub: HubClient) -> None:
        outcome = await import_product(hub, name="")

        assert isinstance(outcome, port.Invalid)
        assert outcome.errors[0].pointer == "/name"

    async def test_the_approval_can_be_read(self, hub: HubClient, hub_account: HubAccount) -> None:
        await import_product(hub)
        await hub_account.approve(PRODUCT)

        found = await hub.product(ACCOUNT, PRODUCT)

        assert isinstance(found, port.ProductSnapshot)
        assert (found.approval.status, found.sequence) == ("approved", 3)

    async def test_an_unknown_product_is_not_found(self, hub: HubClient) -> None:
        assert await hub.product(ACCOUNT, "bling-none") == port.NotFound()


class TestReading:
    async def test_the_feed_has_every_event_after_a_sequence(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        await hub_account.to_labels(REFERENCE)

        events = await hub.order_events(ACCOUNT, REFERENCE, shipment=1, after=1)

        sequences = [event.sequence for event in events]
        assert sequences == list(range(2, 2 + len(events)))
        assert len(events) >= 3
        assert all(fact.shipment == 1 for event in events for fact in event.facts)

    async def test_an_unknown_order_has_no_events(self, hub: HubClient) -> None:
        assert await hub.order_events(ACCOUNT, REFERENCE, shipment=1, after=0) == []

    async def test_a_snapshot_tells_status_holds_and_labels(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await registered(hub, hub_account)
        await hub_account.to_labels(REFERENCE)

        found = await hub.order(ACCOUNT, REFERENCE)

        assert isinstance(found, port.OrderSnapshot)
        assert (found.status, found.holds) == ("awaiting_dispatch", ())
        assert [label.volume for label in found.labels] == [1]

    async def test_changes_are_told_from_a_cursor_on(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        start = await hub.newest_change(ACCOUNT)
        await registered(hub, hub_account)

        page = await hub.changes(ACCOUNT, start)

        assert isinstance(page, port.ChangePage)
        assert {(change.resource, change.reference) for change in page.changes} == {
            ("order", REFERENCE),
            ("product", PRODUCT),
        }
        assert await hub.changes(ACCOUNT, page.cursor) == port.ChangePage((), page.cursor, False)

    async def test_an_old_cursor_is_expired(self, hub: HubClient, hub_account: HubAccount) -> None:
        start = await hub.newest_change(ACCOUNT)
        await registered(hub, hub_account)
        await hub_account.pass_days(31)

        assert await hub.changes(ACCOUNT, start) == port.CursorExpired()

    async def test_all_orders_can_be_walked(self, hub: HubClient, hub_account: HubAccount) -> None:
        await registered(hub, hub_account)

        page = await hub.orders(ACCOUNT, None)

        assert [order.reference for order in page.orders] == [REFERENCE]
        assert page.cursor is None


class TestTokens:
    async def test_many_calls_at_once_fetch_one_token(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await hub_account.control("/limits", tokens_per_minute=1)

        accounts = await asyncio.gather(*(hub.hub_account(ACCOUNT) for _ in range(20)))

        assert set(accounts) == {hub_account.hub_account_id}

    async def test_an_expired_token_is_replaced_once_for_all_who_were_refused(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await import_product(hub)
        await hub_account.control("/tokens/expire")
        await hub_account.control("/limits", tokens_per_minute=1)

        found = await asyncio.gather(*(hub.product(ACCOUNT, PRODUCT) for _ in range(5)))

        assert all(isinstance(each, port.ProductSnapshot) for each in found)

    async def test_wrong_credentials_are_unauthorised(
        self, http: aiohttp.ClientSession, hub_account: HubAccount
    ) -> None:
        wrong = Credentials(hub_account.credentials.client_id, "wrong")
        hub = HubClient(http, hub_account.url, OneAccount(wrong), at_once)

        with pytest.raises(port.UnauthorisedError, match=r"^invalid_client$"):
            await hub.hub_account(ACCOUNT)

    async def test_a_suspended_account_is_unauthorised(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await hub_account.control("/accounts/standing", suspended=True)

        with pytest.raises(port.UnauthorisedError, match="account-suspended"):
            await register(hub)


class TestTrouble:
    async def test_too_many_calls_say_how_long_to_wait(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await hub_account.fault("rate_limited", seconds=7)

        with pytest.raises(port.ThrottledError) as raised:
            await register(hub)

        assert raised.value.retry_after_s == pytest.approx(7, abs=1)

    async def test_an_empty_allowance_is_respected_without_a_call(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await hub.hub_account(ACCOUNT)
        await hub_account.control("/limits", per_minute=60, burst=1)
        await hub.product(ACCOUNT, PRODUCT)

        with pytest.raises(port.ExhaustedError):
            await hub.product(ACCOUNT, PRODUCT)

        assert len(await hub_account.calls("GET", PRODUCT)) == 1

    async def test_another_running_write_is_busy(
        self, hub: HubClient, hub_account: HubAccount
    ) -> None:
        await import_product(hub)
        await hub_account.fault("concurrent_update", match="/v1/orders")

        with pytest.raises(port.BusyError):
            await register(hub)

    @pytest.mark.parametrize("when", ["error_before", "error_after"])
    async def test_a_failure_leaves_the_result_open_and_can_be_repeated(
        self, hub: HubClient, hub_account: HubAccount, when: str
    ) -> None:
        await import_product(hub)
        await hub_account.fault(when, match="/v1/orders")

        with pytest.raises(port.UnavailableError):
            await register(hub)

        outcome = await register(hub)
        assert isinstance(outcome, port.Registered)
        assert outcome.outcome == ("created" if when == "error_before" else "unchanged")

    async def test_no_answer_is_unavailable(self, http: aiohttp.ClientSession) -> None:
        hub = HubClient(http, "http://127.0.0.1:1", OneAccount(Credentials("a", "b")), at_once)

        with pytest.raises(port.UnavailableError):
            await hub.hub_account(ACCOUNT)
