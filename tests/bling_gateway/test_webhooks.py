"""Every authentic webhook is stored and answered with 200; nothing else is."""

import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.sync_core import ReadProduct
from tests.bling_gateway.stage import CLIENT_SECRET, OPEN, PREVIOUS_SECRET, STARTED, Seller
from tests.waiting import eventually

Json = dict[str, Any]


def signature(body: bytes, secret: str = CLIENT_SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(seller: Seller, **changes: Any) -> Json:
    return {
        "eventId": str(uuid4()),
        "date": "2026-11-20T12:00:00Z",
        "version": "v1",
        "event": "order.updated",
        "companyId": seller.company,
        "data": {"id": 26_737_111_955, "situacao": {"id": OPEN, "valor": 0}},
    } | changes


async def send(seller: Seller, content: Json | bytes) -> tuple[int, bytes]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await seller.stage.webhook(body, signature(body)), body


async def inbox_states(seller: Seller, body: bytes) -> list[str]:
    rows = await seller.rows("SELECT state FROM bling_gateway.inbox WHERE body = $1", body)
    return [row["state"] for row in rows]


async def works_of(seller: Seller) -> list[str]:
    rows = await seller.rows(
        "SELECT kind FROM bling_gateway.work WHERE account_id = $1", seller.account_id
    )
    return [row["kind"] for row in rows]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "ação",
        signature(b"another body"),
        signature(b"{}", "somebody's secret"),
    ],
)
async def test_a_wrong_signature_is_refused_and_nothing_is_stored(
    seller: Seller, wrong: str | None
) -> None:
    body = json.dumps(envelope(seller)).encode()

    assert await seller.stage.webhook(body, wrong) == 401
    assert await inbox_states(seller, body) == []


async def test_a_changed_body_is_refused(seller: Seller) -> None:
    body = json.dumps(envelope(seller)).encode()

    assert await seller.stage.webhook(body + b" ", signature(body)) == 401


async def test_the_previous_secret_is_still_accepted(seller: Seller) -> None:
    body = json.dumps(envelope(seller)).encode()

    assert await seller.stage.webhook(body, signature(body, PREVIOUS_SECRET)) == 200


async def test_a_body_over_the_limit_is_refused(seller: Seller) -> None:
    body = b" " * (1024 * 1024 + 1)

    assert await seller.stage.webhook(body, signature(body)) == 413


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"eventId": 1}',
        b'{"eventId": 1, "total": 1e9999999999999999999}',
    ],
)
async def test_what_cannot_be_read_is_kept_unclaimed(seller: Seller, content: bytes) -> None:
    status, body = await send(seller, content)

    assert status == 200
    assert await inbox_states(seller, body) == ["unclaimed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"companyId": "d4475854366a36c86a37e792f9634a51"},
        {"companyId": 7},
        {"event": "order.painted"},
        {"event": "unicorn.created"},
        {"event": "order"},
        {"eventId": ""},
        {"eventId": "a\x00b"},
        {"date": "ontem"},
        {"data": []},
        {"data": {}},
        {"data": {"id": "abc"}},
        {"data": {"id": 2**63}},
    ],
)
async def test_what_is_not_understood_is_kept_unclaimed(seller: Seller, changes: Json) -> None:
    status, body = await send(seller, envelope(seller, **changes))

    assert status == 200
    assert await inbox_states(seller, body) == ["unclaimed"]


async def test_what_cannot_be_worked_on_is_kept_unclaimed(seller: Seller) -> None:
    told = {"id": 7, "situacao": {"id": 15, "valor": 3}}
    before_all_time = "0001-01-01T00:00:00+14:00"

    status, body = await send(seller, envelope(seller, data=told, date=before_all_time))

    assert status == 200
    assert await inbox_states(seller, body) == ["unclaimed"]


@pytest.mark.parametrize("event", ["stock.updated", "virtual_stock.updated"])
async def test_what_is_of_no_use_is_kept_and_not_worked_on(seller: Seller, event: str) -> None:
    status, body = await send(seller, envelope(seller, event=event, data={"produto": {"id": 1}}))

    assert status == 200
    assert await inbox_states(seller, body) == ["claimed"]
    assert await works_of(seller) == []


async def test_an_old_webhook_is_as_good_as_any(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    data = {"id": order["id"], "situacao": {"id": STARTED, "valor": 3}}

    status, _ = await send(seller, envelope(seller, date="2020-01-01T00:00:00Z", data=data))

    assert status == 200
    fact = await seller.fact("bling.order.observed", 2)
    assert fact.data["hinted"] == [{"situation": STARTED, "at": "2020-01-01T00:00:00Z"}]


async def test_an_order_is_read_even_if_its_webhook_has_another_shape(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")

    status, body = await send(
        seller, envelope(seller, data={"id": order["id"], "situacao": "aberta"})
    )

    assert status == 200
    assert await inbox_states(seller, body) == ["claimed"]
    assert (await seller.fact("bling.order.observed", 2)).data["hinted"] == []


async def test_a_webhook_that_comes_twice_is_stored_once(seller: Seller) -> None:
    """Pitfall 11: Bling delivers again what was delivered."""
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()
    content = envelope(seller, data={"id": order["id"], "situacao": {"id": OPEN, "valor": 0}})

    for _ in range(3):
        status, body = await send(seller, content)
        assert status == 200

    assert await inbox_states(seller, body) == ["claimed"]
    await seller.fact("bling.order.observed", 2)
    await seller.settled()
    assert len(seller.facts("bling.order.observed")) == 2


async def test_webhooks_in_reverse_and_doubled_end_with_the_truth(seller: Seller) -> None:
    await seller.control("POST", "webhooks", hold=True, duplicate=True)
    order = await seller.place_order(situation=OPEN)
    await seller.choose(order["id"], STARTED)
    await seller.choose(order["id"], 24)

    await seller.control("POST", "webhooks", hold=False)
    await seller.control("POST", "webhooks/release", order="reverse")
    await seller.settled()

    facts = seller.facts("bling.order.observed")
    assert facts[-1].data["situation"]["id"] == 24
    hinted = {hint["situation"] for fact in facts for hint in fact.data["hinted"]}
    assert hinted == {OPEN, STARTED, 24}


async def test_a_product_that_nobody_asked_for_is_not_read(seller: Seller) -> None:
    product = (await seller.control("POST", "products"))["id"]
    await seller.control("PATCH", f"products/{product}", nome="Outro nome")
    await seller.settled()

    assert seller.facts("bling.product.observed") == []
    assert await seller.calls() == [
        call for call in await seller.calls() if "dados-basicos" in call["path"]
    ]


async def test_a_product_that_changes_while_it_is_read_is_read_again(seller: Seller) -> None:
    product = (await seller.control("POST", "products"))["id"]
    await seller.settled()
    slow = {"fault": "slow_s", "seconds": 1, "match": "/Api/v3/produtos"}
    await seller.control("POST", "faults", **slow)
    await seller.command(ReadProduct(product_id=product), subject=f"product-{product}")

    async def is_being_read() -> bool:
        return not (await seller.control("GET", "faults"))["faults"]

    await eventually(is_being_read)
    await send(seller, envelope(seller, event="product.updated", data={"id": product}))
    await seller.fact("bling.product.observed")

    await seller.command(ReadProduct(product_id=product), subject=f"product-{product}")

    await seller.fact("bling.product.observed", 2)
    read = [call for call in await seller.calls("GET") if "/produtos/" in call["path"]]
    assert len(read) == 2


async def test_no_personal_data_reaches_the_log(seller: Seller) -> None:
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()

    log = seller.stage.log.read_text()
    label = order["transporte"]["etiqueta"]
    for personal in (label["nome"], label["endereco"], label["cep"]):
        assert personal not in log


async def test_the_api_is_for_holders_of_a_token(seller: Seller) -> None:
    async with seller.stage.http.get(f"{seller.stage.gateway_url}/api/accounts") as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_nothing_is_lost_while_the_database_is_away(seller: Seller) -> None:
    """503 is for storing that failed: Bling sends such a webhook again."""
    locked = await seller.stage.database.acquire()
    try:
        await locked.execute("ALTER TABLE bling_gateway.inbox RENAME TO inbox_away")
        status, body = await send(seller, envelope(seller))
        assert status == 503
    finally:
        await locked.execute("ALTER TABLE bling_gateway.inbox_away RENAME TO inbox")
        await seller.stage.database.release(locked)

    assert await seller.stage.webhook(body, signature(body)) == 200
    assert await inbox_states(seller, body) == ["claimed"]
