"""A seller who wants to be gone: what Bling is told, what is dropped, and what is kept."""

import pytest

from shared.contracts.sync_core import DisconnectAccount, PauseAccount, ReadOrder, ResumeAccount
from tests.bling_gateway.stage import OPEN, Seller
from tests.waiting import eventually

DISCONNECT = DisconnectAccount(side="bling")
GONE = "bling.account.disconnected"


async def has_tokens(seller: Seller) -> bool:
    query = "SELECT 1 FROM bling_gateway.token WHERE account_id = $1"
    return bool(await seller.rows(query, seller.account_id))


async def reconnect(seller: Seller) -> None:
    status, page = await seller.stage.connect(seller.account_id, seller.company)
    assert status == 200, page
    await seller.fact("bling.account.connected", 2)


async def test_the_authorisation_is_given_back_and_the_tokens_are_dropped(seller: Seller) -> None:
    command = await seller.command(DISCONNECT, subject="account")

    fact = await seller.fact(GONE)

    assert fact.data == {"cause": "requested", "revoked": True}
    assert (fact.subject, fact.causationid) == ("account", command.id)
    assert not (await seller.stage.company(seller.company))["authorised"]
    assert not await has_tokens(seller)


async def test_what_is_for_the_other_side_is_not_carried_out(seller: Seller) -> None:
    await seller.command(DisconnectAccount(side="hub"), subject="account")
    await seller.command(DISCONNECT, subject="account")

    await seller.fact(GONE)

    assert len(seller.facts(GONE)) == 1


async def test_work_waits_and_goes_on_after_the_seller_is_back(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.command(DISCONNECT, subject="account")
    await seller.fact(GONE)
    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")

    await reconnect(seller)

    read = await seller.fact("bling.order.observed", 2, within_s=20)
    assert read.data["trigger"] == "command"
    assert read.data["observation"] == 2, "the order's history goes on"


async def test_another_company_is_refused_after_a_disconnection_too(seller: Seller) -> None:
    await seller.command(DISCONNECT, subject="account")
    await seller.fact(GONE)

    status, _ = await seller.stage.connect(seller.account_id, await seller.stage.new_company())

    assert status == 409


@pytest.mark.parametrize("fault", ["error_500", "dropped_before"])
async def test_without_an_answer_from_bling_the_tokens_are_dropped_all_the_same(
    seller: Seller, fault: str
) -> None:
    await seller.control("POST", "faults", fault=fault, count=3, match="/Api/v3/oauth/revoke")

    await seller.command(DISCONNECT, subject="account")

    assert (await seller.fact(GONE, within_s=20)).data == {"cause": "requested", "revoked": False}
    assert not await has_tokens(seller)
    await reconnect(seller)


async def test_a_paused_account_can_leave(seller: Seller) -> None:
    await seller.command(PauseAccount(by="Ana", reason="férias"), subject="account")
    await seller.fact("bling.account.paused")

    await seller.command(DISCONNECT, subject="account")

    assert (await seller.fact(GONE)).data["revoked"] is True
    await seller.command(ResumeAccount(by="Ana"), subject="account")
    await seller.fact("bling.account.resumed")


async def test_a_connection_that_was_lost_has_nothing_to_give_back(seller: Seller) -> None:
    await seller.control("POST", "tokens/revoke")
    await seller.command(ReadOrder(order_id=1), subject="order-1")
    await seller.fact(GONE)

    await seller.command(DISCONNECT, subject="account")

    assert (await seller.fact(GONE, 2)).data == {"cause": "requested", "revoked": None}


async def test_the_same_command_again_does_not_end_a_later_connection(seller: Seller) -> None:
    command = await seller.command(DISCONNECT, subject="account")
    await seller.fact(GONE)
    await reconnect(seller)

    await seller.stage.core.send_again(command)

    order = await seller.place_order(situation=OPEN)
    read = await seller.fact("bling.order.observed")
    assert read.data["order_id"] == order["id"]
    assert len(seller.facts(GONE)) == 1
    await eventually(seller._is_settled)
