"""Logistics objects, labels and remessas at Bling's double."""

from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import Double, fast_double

double = pytest_asyncio.fixture(fast_double)

OBJECTS = "/logisticas/objetos"
TRACKING = {
    "codigo": "BR123", "descricao": "Criado", "situacao": 8, "origem": "Campinas, SP",
    "destino": "Recife, PE", "ultimaAlteracao": "2026-11-23 12:00:00", "url": "https://example.com",
}  # fmt: skip
WISH = {
    "rastreamento": TRACKING,
    "embalagem": {"id": 0},
    "dataSaida": "2026-11-24",
    "prazoEntregaPrevisto": 5,
    "fretePrevisto": 20.5,
    "valorDeclarado": 100,
    "avisoRecebimento": False,
    "maoPropria": False,
    "dimensoes": {"peso": 1.2, "altura": 10, "largura": 20, "comprimento": 30, "diametro": 0},
}


async def _wish(double: Double) -> tuple[int, dict[str, Any]]:
    order = await double.control("POST", "orders")
    logistics = (await double.control("GET", "logistics"))["logistics"]
    service = {"id": logistics[0]["servicos"][0]["id"]}
    return order["id"], {**WISH, "pedidoVenda": {"id": order["id"]}, "servico": service}


async def test_object_is_written_read_and_deleted(double: Double) -> None:
    order_id, wish = await _wish(double)

    status, made = await double.api("POST", OBJECTS, json=wish)
    path = f"{OBJECTS}/{made['data']['id']}"
    _, read = await double.api("GET", path)
    later = {**WISH, "rastreamento": {**TRACKING, "situacao": 1}}
    changed, _ = await double.api("PUT", path, json=later)
    _, after = await double.api("GET", path)

    assert (status, changed) == (201, 200)
    # Written as `dimensoes`, read as `dimensao`.
    assert read["data"]["dimensao"] == WISH["dimensoes"]
    assert "dimensoes" not in read["data"]
    assert after["data"]["rastreamento"]["situacao"] == 1
    assert after["data"]["pedidoVenda"] == {"id": order_id}
    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", path))[0] == 404


@pytest.mark.parametrize(("name", "weight"), [("dimensoes", 1.2), ("dimensao", 0)])
async def test_size_is_written_under_one_of_two_names(
    double: Double, name: str, weight: float
) -> None:
    await double.control("POST", "unconfirmed", parcel_size_name=name)
    _, wish = await _wish(double)

    _, made = await double.api("POST", OBJECTS, json=wish)

    _, read = await double.api("GET", f"{OBJECTS}/{made['data']['id']}")
    assert read["data"]["dimensao"]["peso"] == weight


@pytest.mark.parametrize("are_volumes", [False, True])
async def test_objects_may_be_the_volumes_of_the_order(double: Double, are_volumes: bool) -> None:
    await double.control("POST", "unconfirmed", parcels_are_volumes=are_volumes)
    order_id, wish = await _wish(double)

    _, made = await double.api("POST", OBJECTS, json=wish)

    _, order = await double.api("GET", f"/pedidos/vendas/{order_id}")
    codes = {v["id"]: v["codigoRastreamento"] for v in order["data"]["transporte"]["volumes"]}
    assert (made["data"]["id"] in codes) is are_volumes
    assert ("BR123" in codes.values()) is are_volumes


@pytest.mark.parametrize(
    "change",
    [
        {"pedidoVenda": {"id": 1}},
        {"servico": {"id": 1}},
        {"notaFiscal": {"id": 1}},
        {"embalagem": {"id": 1}},
        {"dataSaida": None},
        {"rastreamento": {**TRACKING, "situacao": 10}},
        {"rastreamento": {"codigo": "x"}},
        {"rastreamento": "x"},
    ],
)
async def test_wrong_objects_are_refused(double: Double, change: Any) -> None:
    _, wish = await _wish(double)

    assert (await double.api("POST", OBJECTS, json={**wish, **change}))[0] == 400


async def test_labels_come_one_order_at_a_time(double: Double) -> None:
    order_id, wish = await _wish(double)
    labels = "/logisticas/etiquetas"
    query: dict[str, Any] = {"formato": "PDF", "idsVendas[]": order_id}
    before, _ = await double.api("GET", labels, **query)
    await double.api("POST", OBJECTS, json=wish)

    status, body = await double.api("GET", labels, **query)
    _, plain = await double.api("GET", labels, **{**query, "formato": "ZPL"})

    assert (before, status) == (400, 200)
    async with double.http.get(body["data"][0]["link"]) as answer:
        assert (await answer.read()).startswith(b"%PDF-")
    async with double.http.get(plain["data"][0]["link"]) as answer:
        assert "BR123" in await answer.text()
    assert (await double.api("GET", labels, formato="PDF"))[0] == 400
    assert (await double.api("GET", labels, **{**query, "idsVendas[]": [order_id, 2]}))[0] == 400
    assert (await double.api("GET", labels, **{**query, "idsVendas[]": 2}))[0] == 404
    assert (await double.api("GET", labels, **{"idsVendas[]": order_id}))[0] == 400


async def test_shipments_hold_objects(double: Double) -> None:
    _, wish = await _wish(double)
    logistics = (await double.control("GET", "logistics"))["logistics"][0]["id"]
    _, parcel = await double.api("POST", OBJECTS, json=wish)
    parcel_id = parcel["data"]["id"]
    shipment = {"logistica": {"id": logistics}, "objetos": [str(parcel_id)], "numeroPlp": 7}

    status, made = await double.api("POST", "/logisticas/remessas", json=shipment)
    path = f"/logisticas/remessas/{made['data']['id']}"
    _, read = await double.api("GET", path)
    _, listed = await double.api("GET", f"/logisticas/{logistics}/remessas", situacao=0)
    kept, _ = await double.api("DELETE", f"{OBJECTS}/{parcel_id}")

    assert (status, kept) == (201, 400)
    assert read["data"]["objetos"][0]["rastreamento"] == TRACKING
    assert (listed["data"][0]["objetos"], listed["data"][0]["numeroPlp"]) == ([parcel_id], "7")
    changed, _ = await double.api("PUT", path, json={**shipment, "situacao": 3, "objetos": []})
    assert changed == 200
    assert (await double.api("GET", f"/logisticas/{logistics}/remessas", situacao=0))[1] == {
        "data": []
    }
    assert (await double.api("POST", "/logisticas/remessas", json={**shipment, "situacao": 9}))[
        0
    ] == 400
    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", path))[0] == 404
