"""Operators' commands beside a gateway that runs: what only Bling's accounts have."""

from tests.bling_gateway.stage import OPEN, STARTED, Seller
from tests.gateways import Ran, run


async def typed(seller: Seller, *arguments: str) -> Ran:
    """Run an operator's command with the gateway's environment."""
    return await run("services.bling_gateway", *arguments, environment=seller.stage.environment)


async def test_an_account_is_shown_with_its_company_its_token_and_its_quota(
    seller: Seller,
) -> None:
    await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")

    ran = await typed(seller, "accounts", "show", str(seller.account_id), "--json")

    assert ran.code == 0, ran.complaints
    shown = ran.json
    (by_api,) = [
        each
        for each in await seller.stage.accounts()
        if each["account_id"] == str(seller.account_id)
    ]
    assert shown.keys() == by_api.keys()
    assert shown["company_id"] == seller.company
    assert shown["company"]
    assert shown["token_expires_at"] > shown["token_renewed_at"]
    assert 0 < shown["calls_left_today"] < 60_000
    assert shown["last_webhook_at"] is not None
    assert shown["webhooks_silent"] is False


async def test_an_order_whose_webhook_was_lost_is_found_and_named(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.control("POST", "webhooks", enabled=False)
    await seller.choose(order["id"], STARTED)

    ran = await typed(seller, "reconcile", str(seller.account_id), "--json")

    assert ran.code == 0, ran.complaints
    (compared,) = ran.json
    assert compared["differing"] == [f"order-{order['id']}"]
    told = await seller.fact("bling.order.observed", 2)
    assert told.data["trigger"] == "reconcile"
