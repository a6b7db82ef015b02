"""The seller's pages of Bling's double: each form does its deed, and bad input is answered."""

import re
from html import unescape
from typing import Any

import pytest_asyncio

from sandbox.bling.faults import Fault
from sandbox.bling.product_kinds import ProductKind
from sandbox.bling.webhooks import Resource
from tests.sandbox.bling_double import (
    ATENDIDO,
    CANCELADO,
    EM_ABERTO,
    EM_ANDAMENTO,
    Double,
    fast_double,
)

double = pytest_asyncio.fixture(fast_double)

ODD = "<script>alert('x')</script> & \"João\""


class Browser:
    """Opens the pages of the double's first company and posts their forms."""

    def __init__(self, double: Double, home: str) -> None:
        self._double = double
        self.home = home

    async def get(self, path: str, *, status: int = 200) -> str:
        """Open a page below the company's."""
        async with self._double.http.get(f"{self.home}/{path}") as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type) == (status, "text/html"), text
            return text

    async def post(self, path: str, /, **form: str) -> str:
        """Post a form and give the page that the browser is sent on to."""
        return await self._post(path, form, status=200)

    async def refused(self, path: str, /, **form: str) -> str:
        """Post a form and give the page that refuses it."""
        return await self._post(path, form, status=400)

    async def lost(self, path: str, /, **form: str) -> str:
        """Post a form of something that is gone."""
        return await self._post(path, form, status=404)

    async def _post(self, path: str, form: dict[str, str], *, status: int) -> str:
        async with self._double.http.post(f"{self.home}/{path}", data=form) as answer:
            text = await answer.text()
            assert answer.status == status, text
            assert answer.method == ("GET" if status == 200 else "POST")
            return text


@pytest_asyncio.fixture
async def browser(double: Double) -> Browser:
    """Come in through the front door."""
    async with double.http.get("/") as answer:
        return Browser(double, answer.url.path.removesuffix("/pedidos"))


def _alert(page: str) -> str:
    found = re.search(r'role="alert">(.*?)</p>', page)
    assert found is not None
    return unescape(re.sub("<[^>]+>", "", found[1]))


def _field(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}" value="([^"]*)"', page)
    assert found is not None
    return unescape(found[1])


def _filled(page: str, form: str) -> dict[str, str]:
    """Read a form as a browser would send it: the one that has the named deed."""
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    text = next(one for one in forms if f'name="deed" value="{form}"' in one)
    filled = dict.fromkeys(re.findall(r'<select[^>]*name="([^"]+)"', text), "")
    for select in re.findall(r"<select.*?</select>", text, re.DOTALL):
        name = re.search(r'name="([^"]+)"', select)
        chosen = re.search(r'value="([^"]*)" selected', select) or re.search(
            r'value="([^"]*)"', select
        )
        assert name is not None
        filled[name[1]] = chosen[1] if chosen else ""
    for box, name in re.findall(r'<input( type="checkbox")? ?[^>]*?name="([^"]+)"', text):
        tag = re.search(rf'<input[^>]*name="{re.escape(name)}"[^>]*>', text)
        assert tag is not None
        value = re.search(r'value="([^"]*)"', tag[0])
        if not box or " checked" in tag[0]:
            filled[name] = unescape(value[1]) if value else ""
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    return {**filled, **{name: unescape(value) for name, value in areas}, "deed": form}


async def _orders(double: Double) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await double.control("GET", "orders"))["orders"]
    return rows


async def test_whatever_a_record_contains_is_shown_as_text(
    double: Double, browser: Browser
) -> None:
    made = await double.control(
        "POST", "orders", override={
            "contato": {"nome": ODD},
            "observacoes": f"</textarea>{ODD}",
            "numeroLoja": ODD,
            "transporte": {"etiqueta": {"nome": ODD}, "volumes": None},
            "outrasDespesas": "muito",
            "loja": {"id": 5},
        },
    )  # fmt: skip
    product = await double.control("POST", "products", override={"nome": ODD, "midia": None})
    situation = await double.control("POST", "situations", name=ODD, inherits=EM_ABERTO)
    await double.control("POST", f"orders/{made['id']}/situation", situation=situation["id"])
    await double.control("POST", "companies", name=ODD)

    places = ("pedidos", f"pedidos/{made['id']}", f"produtos/{product['id']}", "produtos",
              "pedidos/novo", "webhooks", "ensaio")  # fmt: skip
    for place in places:
        page = await browser.get(place)
        assert "<script" not in page, place
        assert ODD in unescape(page), place

    await double.control("DELETE", f"situations/{situation['id']}")
    assert f"Situação {situation['id']} (excluída)" in await browser.get("pedidos")


async def test_pages_load_nothing_from_elsewhere_and_run_no_script(
    double: Double, browser: Browser
) -> None:
    async with double.http.get(f"{browser.home}/pedidos") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()

    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src 'self'")
    assert not re.search(r'(src|href)="(https?:)?//', page)


async def test_new_order_is_placed_as_chosen_with_its_invoice(
    double: Double, browser: Browser
) -> None:
    offered = _filled(await browser.get("pedidos/novo"), "create")
    channels = (await double.control("GET", "channels"))["channels"]
    chosen = {"quantity-1": "3", "quantity-2": "1,5", "store": str(channels[1]["id"])}
    page = await browser.post(
        "pedidos/novo", **{**offered, **chosen, "volumes": "2", "invoice": "1"}
    )

    (order,) = await _orders(double)
    assert [str(item["produto"]["id"]) for item in order["itens"]] == [
        offered["product-1"], offered["product-2"],
    ]  # fmt: skip
    assert [item["quantidade"] for item in order["itens"]] == [3, 1.5]
    assert order["loja"]["id"] == channels[1]["id"]
    assert len(order["transporte"]["volumes"]) == 2
    assert order["situacao"]["id"] == EM_ABERTO
    assert "NF-e 000001: Autorizada" in page
    assert channels[1]["descricao"] in await browser.get("pedidos")


async def test_order_without_store_starts_where_it_was_put(
    double: Double, browser: Browser
) -> None:
    offered = _filled(await browser.get("pedidos/novo"), "create")
    await browser.post("pedidos/novo", **{**offered, "store": "0", "situation": str(EM_ANDAMENTO)})

    (order,) = await _orders(double)
    assert (order["loja"]["id"], order["situacao"]["id"]) == (0, EM_ANDAMENTO)
    assert order["notaFiscal"] == {"id": 0}


async def test_saving_an_order_unchanged_changes_nothing(double: Double, browser: Browser) -> None:
    made = await double.control("POST", "orders", volumes=2, quantities=[1234567.125, 0.001])
    finer = [{**made["itens"][0], "valor": 0.0125}, *made["itens"][1:]]
    made = await double.control("PATCH", f"orders/{made['id']}", itens=finer)
    page = await browser.get(f"pedidos/{made['id']}")

    saved = await browser.post(f"pedidos/{made['id']}", **_filled(page, "edit"))

    (order,) = await _orders(double)
    assert "Alterações salvas." in saved
    # Every save gives the instalments new ids, as at Bling.
    assert {**order, "parcelas": 0} == {**made, "parcelas": 0}


async def test_order_is_edited(double: Double, browser: Browser) -> None:
    made = await double.control("POST", "orders", items=2, volumes=2)
    first, second = made["itens"]
    added = (await double.control("GET", "products"))["products"][0]
    form = _filled(await browser.get(f"pedidos/{made['id']}"), "edit")
    typed = {
        f"quantity-{first['id']}": "0", f"quantity-{second['id']}": "7",
        f"price-{second['id']}": "1.234,50", "added": str(added["id"]), "added-quantity": "2",
        "cep": "01310-100", "nome": ODD, "observacoes": "Deixar na portaria", "volumes": "3",
        "service": "Expresso",
    }  # fmt: skip

    page = await browser.post(f"pedidos/{made['id']}", **{**form, **typed})

    (order,) = await _orders(double)
    kept, new = order["itens"]
    assert (kept["id"], kept["quantidade"], kept["valor"]) == (second["id"], 7, 1234.5)
    assert (new["produto"]["id"], new["quantidade"]) == (added["id"], 2)
    label = order["transporte"]["etiqueta"]
    assert (label["cep"], label["nome"]) == ("01310-100", ODD)
    assert label["municipio"] == made["transporte"]["etiqueta"]["municipio"]
    volumes = order["transporte"]["volumes"]
    assert [one["id"] for one in volumes][:2] == [
        one["id"] for one in made["transporte"]["volumes"]
    ]
    assert [one["servico"] for one in volumes] == ["Expresso"] * 3
    assert order["observacoes"] == "Deixar na portaria"
    assert _field(page, "nome") == ODD
    await double.settled_webhooks()
    assert double.receiver.kinds == ["order.created", "order.updated"]


async def test_order_moves_with_what_the_sellers_transition_does(
    double: Double, browser: Browser
) -> None:
    made = await double.control("POST", "orders")
    await double.control(
        "POST", "transitions", origin=EM_ABERTO, destination=ATENDIDO, actions=["lancarEstoque"]
    )
    shown = await browser.get(f"pedidos/{made['id']}")

    page = await browser.post(f"pedidos/{made['id']}", deed="move", situation=str(ATENDIDO))

    (order,) = await _orders(double)
    assert "Atendido (lançar estoque)" in shown
    assert (order["situacao"]["id"], order["stock_posted"]) == (ATENDIDO, True)
    assert [step["by"] for step in order["history"]] == ["seller", "seller"]
    assert "Situação alterada." in page
    assert "Estoque lançado" in page


async def test_order_is_invoiced_cancelled_and_deleted(double: Double, browser: Browser) -> None:
    made = await double.control("POST", "orders")
    place = f"pedidos/{made['id']}"

    invoiced = await browser.post(place, deed="invoice", state="5")
    denied = await browser.post(place, deed="invoice", state="9")
    cancel = _filled(denied, "move")
    await browser.post(place, **{**cancel, "situation": str(CANCELADO)})
    cancelled = (await _orders(double))[0]["situacao"]["id"]
    deleted = await browser.post(place, deed="delete")
    late = await browser.refused(place, deed="move", situation=str(EM_ABERTO))

    assert "NF-e 000001: Autorizada" in invoiced
    assert "NF-e 000001: Denegada" in denied
    assert cancelled == CANCELADO
    assert 'value="delete"' not in deleted
    assert (await _orders(double))[0]["deleted"]
    assert "foi excluído" in _alert(late)
    assert place not in await browser.get("pedidos")
    assert place in await browser.get("pedidos?situation=deleted")


async def test_list_is_filtered_and_cut_in_pages(double: Double, browser: Browser) -> None:
    await double.control("POST", "orders/bulk", count=51)
    await double.control("POST", "orders", situation=EM_ANDAMENTO)

    first = await browser.get("pedidos")
    second = await browser.get("pedidos?page=2")
    moving = await browser.get(f"pedidos?situation={EM_ANDAMENTO}")
    odd = await browser.get("pedidos?page=²&situation=nada")

    rows = [page.count('data-label="Cliente"') for page in (first, second, moving, odd)]
    assert rows == [50, 2, 1, 0]
    assert "Página 1 de 2" in first


_BAD_ORDERS: list[tuple[dict[str, str], str]] = [
    ({"product-1": "", "product-2": ""}, "Itens: escolha pelo menos um produto."),
    ({"product-1": "7"}, "Produto: escolha uma das opções da lista."),
    ({"quantity-1": "dois"}, "Quantidade 1: escreva um número, por exemplo 2 ou 1,5."),
    ({"quantity-1": "-1"}, "Quantidade 1: escreva um número, por exemplo 2 ou 1,5."),
    ({"quantity-1": "nan"}, "Quantidade 1: escreva um número, por exemplo 2 ou 1,5."),
    ({"quantity-2": "0"}, "Quantidade 2: escreva um número maior que zero."),
    ({"quantity-1": "9" * 400}, "Quantidade 1: o máximo é 1.000.000.000."),
    ({"volumes": "101"}, "Volumes: escreva um número inteiro de 0 a 100."),
    ({"volumes": "²"}, "Volumes: escreva um número inteiro de 0 a 100."),
    ({"volumes": "9" * 5000}, "Volumes: escreva um número inteiro de 0 a 100."),
    ({"store": "x"}, "Loja: escolha uma das opções da lista."),
    ({"situation": "Em aberto"}, "Situação: escolha uma das opções da lista."),
    ({"service": "x" * 501}, "Serviço de entrega: use no máximo 500 caracteres."),
    ({"deed": "explode"}, "Ação: escolha uma das opções da lista."),
]


async def test_bad_order_is_refused_on_the_page_that_keeps_what_was_typed(
    double: Double, browser: Browser
) -> None:
    offered = {**_filled(await browser.get("pedidos/novo"), "create"), "quantity-3": "8"}

    for typed, words in _BAD_ORDERS:
        page = await browser.refused("pedidos/novo", **{**offered, **typed})
        assert _alert(page) == f"Nada foi alterado. {words}"
        assert _field(page, "quantity-3") == "8"

    assert await _orders(double) == []


async def test_order_keeps_at_least_one_item(double: Double, browser: Browser) -> None:
    made = await double.control("POST", "orders", items=1)
    form = _filled(await browser.get(f"pedidos/{made['id']}"), "edit")
    form[f"quantity-{made['itens'][0]['id']}"] = "0"

    page = await browser.refused(f"pedidos/{made['id']}", **form)

    assert "Itens: deixe pelo menos um no pedido." in _alert(page)
    assert await _orders(double) == [made]


async def test_product_is_made_edited_and_deleted(double: Double, browser: Browser) -> None:
    page = await browser.post("produtos", deed="create", kind="simple")
    product = (await double.control("GET", "products"))["products"][-1]
    place = f"produtos/{product['id']}"

    form = {**_filled(page, "edit"), "nome": ODD, "preco": "1.999,90", "situacao": "I"}
    edited = await browser.post(place, **form)
    changed = (await double.control("GET", "products"))["products"][-1]
    refused = await browser.refused(place, **{**form, "preco": "caro"})
    await browser.post(place, deed="delete")

    assert (changed["nome"], changed["preco"], changed["situacao"]) == (ODD, 1999.9, "I")
    assert changed["dimensoes"] == product["dimensoes"]
    assert changed["pesoBruto"] == product["pesoBruto"]
    assert _field(edited, "preco") == "1999,90"
    assert "Preço: escreva um número" in _alert(refused)
    assert _field(refused, "preco") == "caro"
    assert "não existe" in await browser.get(place, status=404)


async def test_photos_are_added_shown_and_removed(double: Double, browser: Browser) -> None:
    product = await double.control("POST", "products", override={"midia": None})
    place = f"produtos/{product['id']}"

    await browser.post(place, deed="add_photo", photo="uploaded")
    page = await browser.post(place, deed="add_photo", photo="linked")
    for link in re.findall(r'<img src="([^"]+)"', page):
        async with double.http.get(unescape(link)) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
    left = await browser.post(place, deed="remove_photo", place="0")
    gone = await browser.refused(place, deed="remove_photo", place="1")

    assert page.count("<img") == 2
    assert re.findall(r'<img src="([^"]+)"', left) == re.findall(r'<img src="([^"]+)"', page)[1:]
    assert "Esta foto já não existe." in _alert(gone)


async def test_webhooks_are_listed_held_and_let_go(double: Double, browser: Browser) -> None:
    rules = _filled(await browser.get("webhooks"), "rules")
    await browser.post("webhooks", **{**rules, "hold": "1", "duplicate": "1"})
    made = await double.control("POST", "orders")
    held = await browser.get("webhooks")

    sent = await browser.post("webhooks", deed="release")

    assert double.receiver.kinds == ["order.created", "order.created"]
    assert "2 webhooks esperam." in held
    assert held.count("retido") == 2
    assert f"Pedido {made['numero']}" in sent
    assert sent.count(">entregue") == 2


async def test_webhooks_are_dropped_and_switched_off_and_on(
    double: Double, browser: Browser
) -> None:
    rules = _filled(await browser.get("webhooks"), "rules")
    await browser.post("webhooks", **{**rules, "drop": "1"})
    await double.control("POST", "orders")
    without_orders = {n: v for n, v in rules.items() if n != "resource-order"}
    off = await browser.post("webhooks", **without_orders)
    await double.control("POST", "orders")
    listed = await browser.get("webhooks")
    bad = await browser.refused("webhooks", **{**rules, "updates": "0"})
    kept_off = (await double.control("GET", "webhooks"))["disabled_resources"]
    await browser.post("webhooks", **rules)

    assert ">perdido" in listed
    assert ">desligado" in listed
    assert "resource-order" not in _filled(off, "rules")
    assert "Avisos por gravação: escreva um número inteiro de 1 a 20." in _alert(bad)
    assert kept_off == ["order"]
    assert (await double.control("GET", "webhooks"))["disabled_resources"] == []
    assert double.receiver.kinds == []


async def test_clock_is_moved_on(double: Double, browser: Browser) -> None:
    page = await browser.post("ensaio", deed="advance", span="2", unit="days")
    too_far = await browser.refused("ensaio", deed="advance", span="91", unit="days")

    now = (await double.control("GET", "clock"))["now"]
    assert now.startswith("2026-11-25T15:00")
    assert "25/11/2026 12:00" in page
    assert "o máximo de uma vez é 90 dias" in _alert(too_far)


async def test_fault_is_armed_met_and_disarmed(double: Double, browser: Browser) -> None:
    form = _filled(await browser.get("ensaio"), "arm")
    await browser.post("ensaio", **{**form, "fault": "unavailable"})
    async with double.http.get(
        "/Api/v3/situacoes/modulos", headers={"Authorization": f"Bearer {double.access_token}"}
    ) as answer:
        met = answer.status
    page = await browser.post("ensaio", **{**form, "fault": "not_found", "count": "9"})
    racing = await browser.refused("ensaio", **{**form, "fault": "situation_race"})
    tokens = {"fault": "stale_read", "match": "/Api/v3/oauth/token"}
    impossible = await browser.refused("ensaio", **{**form, **tokens})
    await browser.post("ensaio", deed="disarm")

    assert met == 503
    assert page.count("404 para algo que existe</td>") == 1
    assert "escolha a que o vendedor dá ao pedido" in _alert(racing)
    assert "não acontece a chamadas de tokens" in _alert(impossible)
    assert (await double.control("GET", "faults"))["faults"] == []


async def test_account_loses_its_standing_and_another_company_is_chosen(
    double: Double, browser: Browser
) -> None:
    await browser.post("ensaio", deed="standing", permitted="1")
    (company,) = (await double.control("GET", "companies"))["companies"]
    revoked = await browser.post("ensaio", deed="revoke")
    nameless = await browser.refused("ensaio", deed="add_company", name=" ")
    page = await browser.post("ensaio", deed="add_company", name=ODD)
    added = (await double.control("GET", "companies"))["companies"][-1]
    async with double.http.get("/", params={"company": added["id"]}) as answer:
        there = answer.url.path

    assert (company["active"], company["user_permitted"]) == (False, True)
    assert "não está autorizado" in revoked
    assert "Nome da empresa: preencha este campo." in _alert(nameless)
    assert ODD in unescape(page)
    assert there == f"/vendedor/{added['id']}/pedidos"


async def test_what_does_not_exist_is_said_on_a_page(browser: Browser) -> None:
    for place in ("pedidos/1", "pedidos/x", "produtos/1", "produtos/²"):
        assert "não existe" in await browser.get(place, status=404)
        assert "não existe" in await browser.lost(place, deed="delete")


async def test_unknown_company_is_said_on_a_page(double: Double, browser: Browser) -> None:
    stranger = Browser(double, "/vendedor/nobody")

    assert "Esta empresa não existe." in await stranger.get("pedidos", status=404)


async def test_pages_offer_every_fault_kind_of_product_and_resource(browser: Browser) -> None:
    playing, products, webhooks = [
        await browser.get(place) for place in ("ensaio", "produtos", "webhooks")
    ]

    assert all(f'value="{fault}"' in playing for fault in Fault)
    assert all(f'value="{kind}"' in products for kind in ProductKind)
    assert all(f'name="resource-{resource}"' in webhooks for resource in Resource)
