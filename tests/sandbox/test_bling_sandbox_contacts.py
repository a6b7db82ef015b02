"""Contacts at Bling's double: lists, odd formats, writing."""

from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.bling_double import Double, fast_double

double = pytest_asyncio.fixture(fast_double)

WISH = {"nome": "Ana Zanetti", "tipo": "F", "situacao": "A", "numeroDocumento": "529.982.247-25"}


async def _ids(double: Double, **query: Any) -> list[int]:
    _, listed = await double.api("GET", "/contatos", **query)
    return [row["id"] for row in listed["data"]]


async def test_only_the_last_included_contact_is_listed_by_default(double: Double) -> None:
    """Pitfall 18: the same default as with products, under another number."""
    first, second = [(await double.control("POST", "orders"))["contato"]["id"] for _ in range(2)]

    assert await _ids(double) == await _ids(double, criterio=3) == [second]
    assert await _ids(double, criterio=1) == [second, first]
    assert await _ids(double, criterio=2) == await _ids(double, criterio=4) == []


async def test_contacts_are_found(double: Double) -> None:
    company = (await double.control("POST", "orders", person="J"))["contato"]
    person = (await double.control("POST", "orders", person="F"))["contato"]
    abroad = (await double.control("POST", "orders", customer="foreign"))["contato"]
    _, read = await double.api("GET", f"/contatos/{person['id']}")
    contact = read["data"]

    document = contact["numeroDocumento"]
    everyone = {"criterio": 1}
    assert await _ids(double, **everyone, numeroDocumento=document) == [person["id"]]
    assert await _ids(double, **everyone, pesquisa=contact["email"].upper()) == [person["id"]]
    assert await _ids(double, **everyone, telefone=contact["telefone"]) == [person["id"]]
    assert await _ids(double, **everyone, tipoPessoa=2) == [company["id"]]
    assert await _ids(double, **everyone, uf="EX") == [abroad["id"]]
    assert await _ids(double, **everyone, **{"idsContatos[]": company["id"]}) == [company["id"]]
    kind = contact["tiposContato"][0]["id"]
    assert await _ids(double, **everyone, idTipoContato=kind) == [person["id"]]


async def test_document_is_punctuated_in_lists_and_bare_in_detail(double: Double) -> None:
    order = await double.control("POST", "orders", person="F")
    _, listed = await double.api("GET", "/contatos")
    _, read = await double.api("GET", f"/contatos/{order['contato']['id']}")

    punctuated = listed["data"][0]["numeroDocumento"]
    assert punctuated == order["contato"]["numeroDocumento"]
    assert punctuated.replace(".", "").replace("-", "") == read["data"]["numeroDocumento"]
    assert (len(punctuated), len(read["data"]["numeroDocumento"])) == (14, 11)


async def test_api_writes_contacts(double: Double) -> None:
    status, made = await double.api("POST", "/contatos", json={**WISH, "email": "a@example.com"})
    path = f"/contatos/{made['data']['id']}"

    replaced, _ = await double.api("PUT", path, json={**WISH, "celular": 11987654321})

    _, read = await double.api("GET", path)
    assert (status, replaced) == (201, 200)
    # Whatever the body leaves out is emptied.
    assert (read["data"]["celular"], read["data"]["email"]) == ("11987654321", "")
    assert read["data"]["endereco"]["geral"]["cep"] == ""
    off, _ = await double.api("PATCH", f"{path}/situacoes", json={"situacao": "E"})
    wish = {"idsContatos": [made["data"]["id"]], "situacao": "S"}
    assert (off, await _ids(double, criterio=2)) == (204, [made["data"]["id"]])
    assert (await double.api("POST", "/contatos/situacoes", json=wish))[0] == 204
    assert await _ids(double, criterio=4) == [made["data"]["id"]]
    assert (await double.api("DELETE", path))[0] == 204
    assert (await double.api("GET", path))[0] == 404
    # No webhook tells of contacts.
    assert double.receiver.events == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"nome": ""}, "MISSING_REQUIRED_FIELD_ERROR"),
        ({"tipo": "X"}, "VALIDATION_ERROR"),
        ({"endereco": "x"}, "VALIDATION_ERROR"),
    ],
)
async def test_wrong_contacts_are_refused(double: Double, change: Any, kind: str) -> None:
    status, body = await double.api("POST", "/contatos", json={**WISH, **change})

    assert (status, body["error"]["type"]) == (400, kind)
