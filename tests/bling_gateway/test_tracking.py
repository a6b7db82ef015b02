"""Tracking written into orders on Bling's double, which empties whatever a PUT leaves out."""

import copy
from typing import Any

import pytest

from shared.contracts import Message
from shared.contracts.bling_gateway import OrderObserved, TrackingRefused, TrackingWritten
from shared.contracts.sync_core import ReadOrder, TrackedVolume, WriteTracking
from tests.bling_gateway.stage import STARTED, Json, Seller
from tests.waiting import eventually

CODE = "BR00000000{}BR"


async def started(seller: Seller, **wish: Any) -> Json:
    """An order in the start situação that the gateway has told of, and nothing under way."""
    told = len(seller.facts("bling.order.observed"))
    order = await seller.place_order(situation=STARTED, **wish)
    await seller.fact("bling.order.observed", told + 1, within_s=60)
    await seller.settled()
    return order


async def write(seller: Seller, order: Json, volumes: int = 1, code: str = CODE) -> Message:
    tracked = tuple(
        TrackedVolume(
            volume=number, tracking_code=code.format(number), carrier="Jadlog", service=".Package"
        )
        for number in range(1, volumes + 1)
    )
    command = WriteTracking(order_id=order["id"], shipment=1, volumes=tracked)
    return await seller.command(command, subject=f"order-{order['id']}")


async def written(seller: Seller, count: int = 1) -> TrackingWritten:
    fact = await seller.fact("bling.tracking.written", count)
    return TrackingWritten.model_validate(fact.data)


async def refused(seller: Seller) -> TrackingRefused:
    return TrackingRefused.model_validate((await seller.fact("bling.tracking.refused")).data)


async def saved(seller: Seller, order: Json) -> Json:
    """The order as Bling holds it, without what the double adds for its own purposes."""
    held: Json = await seller.control("GET", f"orders/{order['id']}")
    return {name: value for name, value in held.items() if name not in _FOR_TESTS}


_FOR_TESTS = frozenset({"history", "deleted", "situation"})
"""What the double's own view of an order has beside what Bling holds."""


def but_tracking(order: Json) -> Json:
    """Leave out the tracking, and the ids that Bling gives anew whenever it saves."""
    bare = copy.deepcopy(order)
    for part in (*bare["itens"], *bare["parcelas"], *bare["transporte"]["volumes"]):
        part.pop("id", None)
    for volume in bare["transporte"]["volumes"]:
        volume.pop("codigoRastreamento")
        volume["servico"] = volume["servico"].replace("Jadlog .Package", "")
    return bare


async def puts(seller: Seller) -> int:
    return len(await seller.calls("PUT"))


VOLUMES = [{"servico": "", "codigoRastreamento": ""}]

ODD_ORDERS: list[Json] = [
    {},
    {"person": "J", "store": 0},
    {
        "override": {
            "observacoes": "Entregar à tarde\nPortão azul",
            "observacoesInternas": "Cliente antigo",
            "numeroPedidoCompra": "PC-77",
            "outrasDespesas": 3.21,
            "intermediador": {"cnpj": "11222333000181", "nomeUsuario": "loja"},
            "taxas": {"taxaComissao": 1.5, "custoFrete": 2.25, "valorBase": 10},
            "tributacao": {"totalICMS": 4.44, "totalIPI": 0.01},
        }
    },
    {"override": {"desconto": {"valor": 12.5, "unidade": "PERCENTUAL"}}},
    {"override": {"desconto": {"valor": 1.07, "unidade": "REAL"}}},
]


@pytest.mark.parametrize("wish", ODD_ORDERS, ids=lambda wish: ",".join(wish) or "plain")
async def test_nothing_but_the_tracking_changes(seller: Seller, wish: Json) -> None:
    """Pitfalls 13, 15, 16: what a PUT drops, sums that must agree, ids that are stale."""
    order = await started(seller, **wish)
    before = await saved(seller, order)

    sent = await write(seller, order, volumes=2)

    fact = await written(seller)
    after = await saved(seller, order)
    codes = [volume["codigoRastreamento"] for volume in after["transporte"]["volumes"]]
    assert codes[:2] == [CODE.format(1), CODE.format(2)]
    before["transporte"]["volumes"] += [
        {"servico": "", "codigoRastreamento": ""}
        for _ in codes[len(before["transporte"]["volumes"]) :]
    ]
    assert but_tracking(after) == but_tracking(before)
    assert fact.command_id == sent.id
    assert fact.outcome == "written"
    assert fact.written_at is not None
    assert fact.read_at is not None
    assert fact.read_at < fact.written_at


async def test_nothing_but_the_tracking_changes_in_five_hundred_lines(seller: Seller) -> None:
    product = await seller.control("POST", "products")
    order = await started(seller, product_ids=[product["id"]] * 500)
    before = await saved(seller, order)
    assert len(before["itens"]) == 500

    await write(seller, order)

    await written(seller)
    assert but_tracking(await saved(seller, order)) == but_tracking(before)


async def test_an_order_that_is_shown_as_it_was_after_the_write_is_read_again(
    seller: Seller,
) -> None:
    order = await started(seller)
    path = f"/Api/v3/pedidos/vendas/{order['id']}"
    stale = {"fault": "stale_read", "seconds": 60, "match": path, "count": 2}
    await seller.control("POST", "faults", **stale)  # before the write, and after it

    await write(seller, order)

    assert (await written(seller)).outcome == "already"
    assert seller.facts("bling.tracking.refused") == []
    assert await puts(seller) == 1


async def test_thirty_volumes(seller: Seller) -> None:
    order = await started(seller, override={"transporte": {"volumes": VOLUMES * 30}})

    await write(seller, order, volumes=30)

    await written(seller)
    after = (await saved(seller, order))["transporte"]["volumes"]
    assert [volume["codigoRastreamento"] for volume in after] == [
        CODE.format(number) for number in range(1, 31)
    ]


async def test_what_is_written_already_is_not_written_again(seller: Seller) -> None:
    """Pitfall 14: Bling refuses an order that is saved as it is."""
    order = await started(seller)
    await write(seller, order)
    await written(seller)

    await write(seller, order)

    assert (await written(seller, 2)).outcome == "already"
    assert await puts(seller) == 1


async def test_a_code_is_replaced_when_the_label_was_issued_again(seller: Seller) -> None:
    order = await started(seller)
    await write(seller, order)
    await written(seller)

    await write(seller, order, code="SECOND{}")

    assert (await written(seller, 2)).outcome == "written"
    after = await saved(seller, order)
    assert after["transporte"]["volumes"][0]["codigoRastreamento"] == "SECOND1"


async def test_a_code_that_the_seller_typed_stays(seller: Seller) -> None:
    typed = {"volumes": [{"servico": "PAC", "codigoRastreamento": "TYPED"}]}
    order = await started(seller, override={"transporte": typed})

    await write(seller, order)

    assert (await refused(seller)).cause == "occupied"
    assert await puts(seller) == 0


async def test_what_we_wrote_is_no_content(seller: Seller) -> None:
    """Neither services that we name nor volumes that we add are the seller's wish."""
    unnamed = {"volumes": [], "quantidadeVolumes": 0}
    order = await started(seller, override={"transporte": unnamed})
    before = OrderObserved.model_validate(seller.facts("bling.order.observed")[-1].data)
    await write(seller, order, volumes=3)
    await written(seller)
    after = await saved(seller, order)
    assert [volume["servico"] for volume in after["transporte"]["volumes"]] == [
        "Jadlog .Package"
    ] * 3

    await seller.command(ReadOrder(order_id=order["id"]), subject=f"order-{order['id']}")

    read = OrderObserved.model_validate((await seller.fact("bling.order.observed", 2)).data)
    assert read.content == before.content
    assert read.services == before.services


async def test_the_echo_of_the_write_costs_no_reading(seller: Seller) -> None:
    order = await started(seller)
    before = len(await seller.calls())

    await write(seller, order)

    await written(seller)
    await seller.settled()
    assert [call["method"] for call in (await seller.calls())[before:]] == ["GET", "PUT", "GET"]


async def test_a_write_of_unknown_result_is_not_repeated(seller: Seller) -> None:
    order = await started(seller)
    await seller.control("POST", "faults", fault="error_after_write", method="PUT")

    await write(seller, order)

    assert (await written(seller)).outcome == "already"
    assert await puts(seller) == 1


async def test_instalments_that_do_not_add_up_are_the_sellers(seller: Seller) -> None:
    """Pitfall 15: told in Bling's words, and never repaired."""
    part = {"dataVencimento": "2026-12-01", "valor": 0.5, "formaPagamento": {"id": 0}}
    order = await started(seller, override={"parcelas": [part]})
    before = await saved(seller, order)

    await write(seller, order)

    fact = await refused(seller)
    assert (fact.cause, fact.code) == ("refused", 22)
    assert "parcelas" in (fact.message or "")
    assert await saved(seller, order) == before


async def test_an_order_that_vanished(seller: Seller) -> None:
    order = await started(seller)
    await seller.control("POST", "webhooks", hold=True)
    await seller.control("DELETE", f"orders/{order['id']}")

    await write(seller, order)

    assert (await refused(seller)).cause == "order_gone"


async def test_an_edit_that_a_webhook_tells_of_is_not_put_back(seller: Seller) -> None:
    """A PUT puts back all that it read: what came since must be read first."""
    order = await started(seller)
    await seller.rows(
        "INSERT INTO bling_gateway.hint"
        " (partition, account_id, order_id, webhook_id, situation, at, received_at)"
        " SELECT partition, account_id, order_id, 'news', 15, now(), now() + interval '1 h'"
        " FROM bling_gateway.order_seen WHERE account_id = $1",
        seller.account_id,
    )

    await write(seller, order)

    async def waits() -> bool:
        rows = await seller.rows(
            "SELECT failures FROM bling_gateway.work WHERE account_id = $1", seller.account_id
        )
        return [row["failures"] for row in rows] == [1]

    await eventually(waits)
    assert await puts(seller) == 0

    await seller.rows("DELETE FROM bling_gateway.hint WHERE account_id = $1", seller.account_id)
    assert (await written(seller)).outcome == "written"


async def test_an_edit_right_after_the_write_is_told(seller: Seller) -> None:
    """What Bling shows is compared with what was written, field by field."""
    order = await started(seller)
    await seller.control(
        "POST",
        "faults",
        fault="slow_s",
        method="GET",
        match=f"/Api/v3/pedidos/vendas/{order['id']}",
        count=2,
        seconds=1,
    )
    await write(seller, order)
    await eventually(lambda: _was_put(seller))

    await seller.control("PATCH", f"orders/{order['id']}", observacoes="Mudou")

    fact = await refused(seller)
    assert (fact.cause, fact.message) == ("not_kept", "/observacoes")


async def _was_put(seller: Seller) -> bool:
    return await puts(seller) == 1
