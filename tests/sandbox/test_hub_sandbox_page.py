"""The operator's page of the double of 360Hub: every step can be played by hand."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from sandbox.hub import controls, controls_accounts, controls_orders, controls_webhooks
from sandbox.hub.page_forms import form_path
from tests.sandbox.hub_browser import Browser, Page
from tests.sandbox.hub_sandbox import (
    PRODUCT,
    REF,
    VOLUME,
    Hub,
    order_body,
    product_body,
    running_hub,
    running_receiver,
    subscribe,
)

ORDER = f"/orders/{REF}"
PAGES = ("/", ORDER, "/manifests", "/products", "/webhooks", "/faults", "/settings")
ODD = "<script>alert('ação')</script>\"&{{ 7 * 7 }}"


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as running:
        yield running


@pytest_asyncio.fixture
async def browser(hub: Hub) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)  # for cookies of an address that is a number
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Browser(http, hub.url)


def done(page: Page) -> str:
    """What the page says was done; a refusal fails the test."""
    assert page.status == 200
    assert page.notice is not None
    assert not page.refused, page.notice
    return page.notice


def refused(page: Page) -> str:
    assert page.status == 200
    assert page.notice is not None
    assert page.refused
    return page.notice


async def test_an_order_is_played_from_its_product_to_the_recipient(
    hub: Hub, browser: Browser
) -> None:
    await hub.import_product()
    await hub.put(ORDER, order_body(volumes=[VOLUME, {**VOLUME, "volume": 2}]))

    await browser.open("/products")
    assert done(await browser.press("Cadastrar foto")) == "Fotos cadastradas."
    assert done(await browser.press("Aprovar")) == "Análise registrada."
    await browser.open("/")
    opened = await browser.press("Abrir romaneio", ("orders[]", REF))
    assert done(opened) == "Romaneio R-00001 aberto."
    await browser.open("/manifests")
    assert done(await browser.press("Gerar etiquetas")) == "Etiquetas geradas."
    assert done(await browser.press("Fechar")) == "Romaneio R-00001 fechado."
    await browser.open(ORDER)
    assert "Em rota de entrega" in done(await browser.press("Objeto recebido na unidade"))
    said = {"text": "Ninguém em casa", "act_before:time": "2026-12-01T09:00"}
    occurred = await browser.press("Abrir ocorrência", code="recipient_absent", volume="1", **said)
    assert done(occurred) == "Ocorrência recipient_absent aberta."
    assert "Destinatário ausente" in occurred.text
    assert "“Ninguém em casa” agir até 01/12/2026 09:00:00" in occurred.text
    assert done(await browser.press("Registrar esta etapa", stage="held_at_hub"))
    assert "Fora da lista held_at_hub" in browser.page.text
    assert done(await browser.press("Resolver")) == "Ocorrência recipient_absent resolvida."
    first = await browser.press("Objeto entregue ao destinatário", volume="1")
    assert "Em rota de entrega" in done(first)
    second = await browser.press("Objeto entregue ao destinatário", volume="2", raw_code="BDE 01")
    assert "Entregue" in done(second)

    order = await hub.order()
    assert order["status"] == "delivered"
    assert [event["type"] for event in order["events"]][-2:] == [
        "order.tracking_updated",
        "order.status_changed",
    ]
    assert order["tracking"]["events"][-1]["carrier_raw_code"] == "BDE 01"


async def test_a_romaneio_loses_an_order_takes_it_back_and_is_cancelled(
    hub: Hub, browser: Browser
) -> None:
    await hub.register()
    await hub.put("/orders/bling-7k2p-2", order_body(number="10483"))
    await hub.manifest(REF)

    await browser.open(ORDER)
    assert done(await browser.press("Tirar do romaneio")) == "Pedido tirado do romaneio."
    await browser.open("/")
    put = await browser.press("Pôr no R-00001", ("orders[]", REF), ("orders[]", "bling-7k2p-2"))
    assert done(put) == "Pedidos postos no romaneio R-00001."
    assert (await hub.order())["status"] == "in_manifest"
    await browser.open("/manifests")
    assert "Romaneio R-00001 cancelado" in done(await browser.press("Cancelar romaneio"))

    assert (await hub.order())["status"] == "order_created"
    assert (await hub.order("bling-7k2p-2"))["status"] == "order_created"
    assert "Cancelado" in refused(await browser.press("Cancelar romaneio"))
    assert "Cancelado" in refused(await browser.press("Fechar"))


async def test_a_romaneio_with_labels_is_not_cancelled(hub: Hub, browser: Browser) -> None:
    await hub.bring_to("awaiting_dispatch")

    await browser.open("/manifests")
    page = await browser.press("Cancelar romaneio")

    assert "anule-as antes" in refused(page)
    assert REF in refused(page)
    assert (await hub.order())["status"] == "awaiting_dispatch"


async def test_what_is_refused_says_why(hub: Hub, browser: Browser) -> None:
    await hub.import_product()
    await hub.put(ORDER, order_body(volumes=None))
    await browser.open(ORDER)

    held = refused(await browser.press("Abrir romaneio com este pedido"))
    too_early = refused(await browser.press("Objeto recebido na unidade"))

    assert "produto sem aprovação, sem pesos e medidas" in held
    assert "ainda não tem o pedido, que está em: Pedido gerado" in too_early
    assert (await browser.open(ORDER)).notice is None


async def test_labels_without_balance_fail_visibly(hub: Hub, browser: Browser) -> None:
    await hub.bring_to("in_manifest")
    await browser.open("/settings")
    poor = await browser.press("Definir saldo", **{"amount:money": "10.00"})
    assert done(poor) == "O saldo agora é R$ 10,00."

    await browser.open(ORDER)
    page = await browser.press("Gerar etiquetas")

    assert "Nem todas as etiquetas ficaram prontas" in refused(page)
    assert "saldo insuficiente" in page.text


async def test_the_operator_measures_volumes(hub: Hub, browser: Browser) -> None:
    await hub.register(volumes=None)
    await browser.open(ORDER)
    await browser.press("Mostrar", volumes="2")
    measures = {
        f"volumes.{number}.{name}:number": "120"
        for number in (1, 2)
        for name in ("weight_g", "length_mm", "width_mm", "height_mm")
    }

    assert done(await browser.press("Gravar medidas", **measures)) == "Volumes medidos."
    assert (await hub.order())["holds"] == []
    await hub.manifest()
    assert [v["volume"] for v in (await hub.labels()).body["volumes"]] == [1, 2]


@pytest.mark.parametrize(
    ("path", "button", "fields", "said"),
    [
        ("/settings", "Avançar 1 dia", {}, "O relógio do hub foi movido."),
        ("/settings", "Acertar", {"now:time": "2026-03-10T08:00"}, "O relógio do hub foi movido."),
        ("/settings", "Definir limites", {"burst": "7"}, "60000 chamadas por minuto, 7 de uma vez"),
        ("/settings", "Novo segredo", {}, "segredo novo"),
        ("/settings", "Expirar tokens", {}, "Tokens expirados: 1."),
        ("/settings", "Ligar fotos", {}, "A conta foi alterada."),
        ("/settings", "Suspender a conta", {}, "A conta foi alterada."),
        ("/settings", "Abrir conta", {"name": "Loja {nova}"}, "Conta Loja {nova} aberta."),
        ("/settings", "Apagar tudo", {}, "Tudo foi apagado"),
        ("/faults", "Armar", {"fault": "slow", "count": "3"}, "1 falha armada."),
        ("/faults", "Armar todas", {"every": "0.1"}, "22 falhas armadas."),
        ("/webhooks", "Ajustar", {"hold": "true", "drop": "2"}, "ajustadas"),
        ("/webhooks", "Soltar na ordem inversa", {}, "Webhooks soltos: 0; aceitos: 0."),
        (ORDER, "Cancelar pelo hub", {}, "cancelado pelo hub"),
    ],
)
async def test_each_button_does_what_it_says(
    hub: Hub, browser: Browser, path: str, button: str, fields: dict[str, str], said: str
) -> None:
    await hub.register()
    await browser.open(path)

    assert said in done(await browser.press(button, **fields))


@pytest.mark.parametrize(
    ("path", "button", "fields", "said"),
    [
        ("/settings", "Definir saldo", {"amount:money": "muito"}, "Valor: formato inválido."),
        ("/settings", "Definir saldo", {"amount:money": ""}, "Valor: campo obrigatório."),
        ("/settings", "Acertar", {"now:time": "ontem"}, "now: valor inválido."),
        ("/faults", "Armar", {"count": "0"}, "Quantidade: valor inválido."),
        ("/faults", "Armar", {"fault": "problem"}, "Formulário: valor inválido."),
        ("/webhooks", "Ajustar", {"drop": "-1"}, "drop: valor inválido."),
        ("/", "Abrir romaneio", {}, "Pedidos: campo obrigatório."),
        (ORDER, "Registrar esta etapa", {"stage": "Parado!"}, "Etapa: formato inválido."),
        (ORDER, "Abrir ocorrência", {"code": "lost", "volume": "9"}, "não tem o volume 9"),
        (ORDER, "Objeto em trânsito", {"volume": "9"}, "ainda não tem o pedido"),
    ],
)
async def test_bad_input_is_answered_on_the_page(
    hub: Hub, browser: Browser, path: str, button: str, fields: dict[str, str], said: str
) -> None:
    await hub.register()
    await browser.open(path)

    page = await browser.press(button, **fields)

    assert said in refused(page)
    assert page.address == path


async def test_labels_are_voided_and_late_codes_sent(hub: Hub, browser: Browser) -> None:
    await hub.bring_to("in_manifest")
    await hub.fault("label_without_tracking")
    await browser.open(ORDER)

    await browser.press("Gerar etiquetas")
    assert "ainda sem código" in browser.page.text
    assert "chegaram" in done(await browser.press("Enviar códigos que faltam"))
    assert "ainda sem código" not in browser.page.text
    assert done(await browser.press("Anular etiquetas")) == "Etiquetas anuladas."
    assert (await hub.order())["status"] == "in_manifest"


async def test_a_review_is_decided_every_way(hub: Hub, browser: Browser) -> None:
    await hub.import_product()
    await browser.open("/products")
    await browser.press("Cadastrar foto")

    await browser.press("Reprovar", reason_code="photo_quality")
    assert "Foto com resolução baixa" in browser.page.text
    assert "não cabe" in refused(await browser.press("Suspender"))
    for button in ("Cadastrar foto", "Aprovar", "Suspender", "Tirar a suspensão"):
        done(await browser.press(button))
    assert (await hub.get(f"/products/{PRODUCT}")).body["approval"]["status"] == "approved"


async def test_photos_that_came_by_machine_are_decided_on(hub: Hub, browser: Browser) -> None:
    await hub.import_product()
    await hub.control("/accounts/standing", {"product_photos": True})
    for position in (1, 2):
        photo = {"source_url": f"https://cdn.example.com/{position}.jpg", "position": position}
        await hub.post(f"/products/{PRODUCT}/photos", photo)
    await browser.open("/products")

    assert done(await browser.press("Recusar foto", reason_code="photo_mismatch")) == (
        "Foto recusada."
    )
    assert done(await browser.press("Aceitar foto")) == "Foto aceita."
    assert (await hub.get(f"/products/{PRODUCT}")).body["approval"]["status"] == "in_review"


async def test_labels_of_one_volume_fail_or_wait(hub: Hub, browser: Browser) -> None:
    await hub.bring_to("in_manifest")
    await browser.open(ORDER)

    failing = await browser.press("Gerar etiquetas", outcome="address_rejected", volume="1")
    assert "Nem todas as etiquetas ficaram prontas" in refused(failing)
    assert "endereço recusado pela transportadora" in failing.text
    await browser.press("Gerar etiquetas", outcome="processing")
    assert "Em preparo" in browser.page.text
    assert done(await browser.press("Gerar etiquetas")) == "Etiquetas geradas."


async def test_deliveries_are_sent_again(hub: Hub, browser: Browser) -> None:
    async with running_receiver() as receiver:
        await subscribe(hub, receiver, "order.*")
        await hub.register()
        await receiver.count(1)
        await browser.open("/webhooks")

        done(await browser.press("Entregar de novo"))
        await receiver.count(2)
        period = {"from:time": "2026-01-01T00:00", "to:time": "2199-01-01T00:00"}
        replayed = await browser.press("Entregar o período de novo", **period)
        assert done(replayed) == "Webhooks que serão entregues de novo: 1."
        await receiver.count(3)
        done(await browser.press("Enviar verificação"))
        await receiver.until(lambda got: got[-1].body["type"] == "endpoint.verification")


async def test_what_sellers_send_is_shown_and_never_run(hub: Hub, browser: Browser) -> None:
    await hub.put(f"/products/{PRODUCT}", product_body(name=ODD, sku=ODD))
    body = order_body(number=ODD, store_order_number=ODD)
    body["recipient"]["name"] = ODD
    body["items"][0]["name"] = ODD
    assert (await hub.put(ORDER, body)).status == 201
    await hub.approve_product()
    await hub.manifest()
    await hub.labels()
    await hub.scan("accepted", raw_code=ODD)
    await hub.scan("of_no_list")
    await hub.control(f"{ORDER}/occurrences", {"code": ODD, "raw_code": ODD, "text": ODD})
    await hub.control("/faults", {"fault": "slow", "match": ODD})
    await hub.control("/accounts", {"name": ODD})

    for path in PAGES:
        page = await browser.open(path)

        assert page.status == 200, path
        assert "<script" not in page.html, path
    assert ODD in (await browser.open("/")).text
    assert ODD in (await browser.open(ORDER)).text


async def test_what_does_not_exist_has_a_page_that_says_so(browser: Browser) -> None:
    page = await browser.open("/orders/none")
    assert (page.status, page.notice) == (404, "Este pedido não existe.")
    assert (await browser.open("/?account=none")).notice == "Esta conta não existe."


async def test_orders_are_found_by_status_and_text(hub: Hub, browser: Browser) -> None:
    await hub.register()
    await hub.put("/orders/bling-7k2p-2", order_body(number="777"))
    await hub.manifest(REF)
    await browser.open("/")

    await browser.press("Filtrar", status="in_manifest")
    assert "1 pedido." in browser.page.text
    await browser.press("Filtrar", status="", text="777")
    assert "1 pedido." in browser.page.text
    assert "10482" not in browser.page.text


async def test_a_form_leads_back_to_a_page_of_the_hub_only(hub: Hub) -> None:
    for back in (
        "https://example.com/",
        "//example.com",
        "/\\example.com",
        "/x\r\nSet-Cookie: a=b",
    ):
        async with hub.http.post(
            f"{hub.url}/act/faults/delete", data={"back": back}, allow_redirects=False
        ) as response:
            assert (response.status, response.headers["Location"]) == (303, "/"), back


async def test_another_account_is_played_by_itself(hub: Hub, browser: Browser) -> None:
    other = (await hub.control("/accounts", {"name": "Outra loja"})).body["account_id"]
    await browser.open(f"/settings?account={other}")

    done(await browser.press("Definir saldo", **{"amount:money": "1.234,50"}))

    assert "Outra loja" in browser.page.text
    accounts = (await hub.control("/accounts", method="GET")).body["accounts"]
    assert {a["name"]: a["balance"] for a in accounts}["Outra loja"] == "1234.50"
    assert {a["name"]: a["balance"] for a in accounts}["Loja de desenvolvimento"] != "1234.50"


async def test_every_control_has_a_form_behind_it(hub: Hub) -> None:
    modules = (controls, controls_accounts, controls_orders, controls_webhooks)
    paths = [form_path(r) for module in modules for r in module.ROUTES if r.method != "GET"]

    for path in paths:
        async with hub.http.get(f"{hub.url}{re.sub('{.*?}', 'x', path)}") as response:
            assert response.status == 405, path  # there is something, and it is pressed, not read
