"""How a seller connects Bling, stays connected, and is disconnected."""

import asyncio
from html import unescape
from uuid import uuid4

import aiohttp
import pytest

from services.bling_gateway.errors import AccountDeadError
from shared.contracts.sync_core import ReadOrder
from tests.bling_gateway.replicas import replica
from tests.bling_gateway.stage import (
    CLIENT_ID,
    OPEN,
    Seller,
    Stage,
)
from tests.waiting import eventually


async def state_of(seller: Seller) -> str:
    account = str(seller.account_id)
    listed = {each["account_id"]: each for each in await seller.stage.accounts()}
    state: str = listed[account]["state"]
    return state


async def test_a_seller_who_consents_is_connected(stage: Stage) -> None:
    seller = Seller(stage, await stage.known_account(), await stage.new_company())

    status, page = await stage.connect(seller.account_id, seller.company)

    fact = await seller.fact("bling.account.connected")
    assert status == 200
    assert "Bling conectado" in page
    assert fact.data["company_id"] == seller.company
    assert fact.subject == "account"
    assert await state_of(seller) == "connected"


async def test_a_seller_who_refuses_is_told_so(stage: Stage) -> None:
    account_id, company = await stage.known_account(), await stage.new_company()

    status, page = await stage.connect(account_id, company, decision="deny")

    assert status == 400
    assert "não foi autorizado" in page


@pytest.mark.parametrize("account", ["", "abc", "0f7c9a52-3f0e-4d1c-9b7e-5a6d2c8e4b10"])
async def test_an_account_that_is_not_known_cannot_be_connected(stage: Stage, account: str) -> None:
    async with stage.http.get(f"{stage.gateway_url}/oauth/start?account={account}") as response:
        assert response.status == 404
        assert "não é válido" in await response.text()


async def _consent(stage: Stage, browser: aiohttp.ClientSession, company: str | None = None) -> str:
    """Begin in a browser, consent, and return the address that Bling sends the seller to."""
    account_id, company = await stage.known_account(), company or await stage.new_company()
    async with browser.get(f"{stage.gateway_url}/oauth/start?account={account_id}") as page:
        state = page.url.query["state"]
    form = {"client_id": CLIENT_ID, "state": state, "company": company, "decision": "authorize"}
    async with browser.post(
        f"{stage.bling_url}/Api/v3/oauth/authorize", data=form, allow_redirects=False
    ) as response:
        return response.headers["Location"]


async def test_another_browser_cannot_finish_what_one_began(stage: Stage) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        callback = await _consent(stage, browser)

    async with stage.http.get(callback) as response:
        assert response.status == 400
        assert "neste navegador" in await response.text()


async def test_a_callback_works_once(stage: Stage) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        callback = await _consent(stage, browser)
        async with browser.get(callback) as first:
            assert first.status == 200
        async with browser.get(callback) as second:
            assert second.status == 400


async def test_a_callback_that_nobody_asked_for_is_refused(stage: Stage) -> None:
    async with stage.http.get(stage.consent_query(code="x", state="y")) as response:
        assert response.status == 400


async def test_another_company_is_refused_by_name_and_stays_unauthorised(seller: Seller) -> None:
    stage, other = seller.stage, await seller.stage.new_company()
    own_name, other_name = [(await stage.company(each))["name"] for each in (seller.company, other)]

    status, page = await stage.connect(seller.account_id, other)

    assert status == 409
    assert f"Você autorizou a empresa {other_name} no Bling" in unescape(page)
    assert f"mas esta conta é da empresa {own_name}" in unescape(page)
    assert not (await stage.company(other))["authorised"]
    status, _ = await stage.connect(seller.account_id, seller.company)
    assert status == 200
    await seller.fact("bling.account.connected", 2)


async def test_a_company_of_another_account_is_refused_without_a_word_of_that(
    seller: Seller,
) -> None:
    stage, another = seller.stage, await seller.stage.known_account()
    name = (await stage.company(seller.company))["name"]

    status, page = await stage.connect(another, seller.company)

    assert status == 409
    assert f"A empresa {name}, que você autorizou no Bling, já está ligada" in unescape(page)
    assert str(seller.account_id) not in page
    assert seller.account_id.hex[:8] not in page
    order = await seller.place_order(situation=OPEN)
    read = await seller.fact("bling.order.observed")
    assert read.data["order_id"] == order["id"], "its own connection was not revoked with that"


async def test_a_new_name_of_the_company_is_the_one_that_is_told(seller: Seller) -> None:
    await seller.rows(
        "UPDATE bling_gateway.company SET name = 'Antiga' WHERE company_id = $1", seller.company
    )
    await seller.stage.connect(seller.account_id, seller.company)

    _, page = await seller.stage.connect(seller.account_id, await seller.stage.new_company())

    assert (await seller.stage.company(seller.company))["name"] in unescape(page)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "não foi autorizado"),
        ("app_inativo", "O nosso aplicativo está inativo no Bling"),
        ("UNAUTHORIZED_ERROR", "tem permissão e se a conta está em dia"),
        ("something_new", "não concluiu a autorização"),
        ("<script>", "não concluiu a autorização"),
        ("", "não concluiu a autorização"),
    ],
)
async def test_what_bling_says_instead_of_a_code_is_told_in_portuguese(
    stage: Stage, error: str, said: str
) -> None:
    description = {"error_description": "The user denied <b>access</b>", "error_uri": "http://x"}
    account_id = await stage.known_account()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{stage.gateway_url}/oauth/start?account={account_id}") as page:
            state = page.url.query["state"]
        back = stage.consent_query(error=error, state=state, **description)
        async with browser.get(back) as response:
            status, text = response.status, await response.text()

    assert status == 400
    assert said in text
    assert "denied" not in text
    assert "<script>" not in text


async def test_an_inactive_company_cannot_be_connected_and_is_told_why(stage: Stage) -> None:
    """The company turns inactive after its consent, before the code is exchanged."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        company = await stage.new_company()
        callback = await _consent(stage, browser, company)
        await Seller(stage, uuid4(), company).control("PATCH", "companies", active=False)
        async with browser.get(callback) as response:
            assert response.status == 400
            assert "Esta empresa está inativa no Bling" in await response.text()


async def test_a_consent_that_comes_to_nothing_leaves_nothing_authorised(stage: Stage) -> None:
    account_id, company = await stage.known_account(), await stage.new_company()
    seller = Seller(stage, account_id, company)
    await seller.control("POST", "faults", fault="error_500", match="/Api/v3/empresas/")

    status, page = await stage.connect(account_id, company)

    assert status == 502
    assert "não respondeu como esperado" in page
    assert not (await stage.company(company))["authorised"]


async def sealed_tokens(seller: Seller) -> bytes:
    rows = await seller.rows(
        "SELECT sealed FROM bling_gateway.token WHERE account_id = $1", seller.account_id
    )
    (sealed,) = (row["sealed"] for row in rows)
    assert isinstance(sealed, bytes)
    return sealed


async def test_tokens_are_not_readable_at_rest(seller: Seller) -> None:
    assert b"access" not in await sealed_tokens(seller)


async def test_an_expired_token_is_renewed_and_the_call_repeated(seller: Seller) -> None:
    before = await sealed_tokens(seller)
    await seller.control("POST", "tokens/expire")

    order = await seller.place_order(situation=OPEN)

    assert (await seller.fact("bling.order.observed")).data["order_id"] == order["id"]
    assert await sealed_tokens(seller) != before


async def test_an_account_whose_authorisation_ended_is_disconnected_once(
    seller: Seller,
) -> None:
    await seller.control("POST", "tokens/revoke")
    command = ReadOrder(order_id=1)
    for order_id in (1, 2, 3):
        await seller.command(command, subject=f"order-{order_id}")

    await seller.fact("bling.account.disconnected")

    await eventually(lambda: _has_state(seller, "disconnected"))
    assert len(seller.facts("bling.account.disconnected")) == 1


async def test_work_waits_for_a_reconnection(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.control("POST", "tokens/revoke")
    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")
    await seller.fact("bling.account.disconnected")

    status, _ = await seller.stage.connect(seller.account_id, seller.company)

    assert status == 200
    await seller.fact("bling.account.connected", 2)
    read = await seller.fact("bling.order.observed", 2, within_s=20)
    assert read.data["trigger"] == "command"


async def _has_state(seller: Seller, state: str) -> bool:
    return await state_of(seller) == state


async def test_tokens_are_renewed_once_however_many_ask(seller: Seller) -> None:
    """A refresh token is used up by use: a second use would end the authorisation."""
    async with replica(seller.stage) as one, replica(seller.stage) as other:
        old = await one.tokens.current(seller.account_id)

        renewed = await asyncio.gather(
            *(each.tokens.renewed(seller.account_id, old) for each in [one, other] * 5)
        )

        assert len(set(renewed)) == 1
        assert renewed[0] != old
        assert await other.tokens.current(seller.account_id) == renewed[0]
    assert await state_of(seller) == "connected"


async def test_without_tokens_there_is_nothing_to_renew(stage: Stage) -> None:
    account_id = await stage.known_account()
    async with replica(stage) as ours:
        with pytest.raises(AccountDeadError):
            await ours.tokens.current(account_id)
        with pytest.raises(AccountDeadError):
            await ours.tokens.renewed(account_id, "old")


async def test_a_token_endpoint_in_trouble_disconnects_nobody(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.control("POST", "tokens/expire")
    await seller.control("POST", "faults", fault="error_500", match="/Api/v3/oauth/token")

    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")

    await seller.fact("bling.order.observed", 2, within_s=20)
    assert await state_of(seller) == "connected"
