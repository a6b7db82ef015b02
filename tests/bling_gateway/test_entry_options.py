"""``bling.read_entry_options``: what the account's filter can choose from."""

from shared.contracts.sync_core import ReadEntryOptions
from tests.bling_gateway.stage import Seller
from tests.bling_gateway.test_follow_situations import OPTIONS, read_options
from tests.bling_gateway.test_make_situations import OBSERVED


async def test_stores_are_told_with_the_branches_that_serve_them(seller: Seller) -> None:
    fact = await read_options(seller)

    stores = {each["name"]: each for each in fact.data["stores"]}
    assert stores.keys() == {"Loja própria", "Mercado Livre", "Shopee", "Amazon"}
    own, marketplace = stores["Loja própria"], stores["Mercado Livre"]
    assert (own["kind"], own["enabled"], own["business_units"]) == ("LojaVirtual", True, [])
    units = [unit["name"] for unit in marketplace["business_units"]]
    assert units == ["Matriz", "Filial 1"]
    assert stores["Amazon"]["enabled"] is False
    order = await seller.place_order(store=marketplace["id"])
    read = await seller.fact("bling.order.observed")
    assert read.data["store_id"] == order["loja"]["id"] == marketplace["id"]


async def test_services_are_told_with_their_aliases_and_whose_they_are(seller: Seller) -> None:
    fact = await read_options(seller)

    services = {each["name"]: each for each in fact.data["services"]}
    economic = services["360Envios Econômico"]
    assert economic["aliases"] == ["Econômico", "frete-economico"]
    assert (economic["code"], economic["logistics"]) == ("360-ECO", "360Envios")
    assert economic["enabled"] is True
    assert services["360Envios Retirada"]["enabled"] is False
    assert services["PAC"]["logistics"] == "Correios"


async def test_the_answer_names_its_command_and_brings_the_situations(seller: Seller) -> None:
    command = await seller.command(ReadEntryOptions(), subject="account")

    options, situations = await seller.fact(OPTIONS), await seller.fact(OBSERVED)

    assert {options.causationid, situations.causationid} == {command.id}
    assert {options.subject, situations.subject} == {"account"}
    assert {6, 9, 12, 15} <= {entry["id"] for entry in situations.data["situations"]}


async def test_what_bling_does_not_let_us_read_is_unknown_and_not_empty(seller: Seller) -> None:
    for match, fault in (
        ("/Api/v3/canais-venda", "insufficient_scope"),
        ("/Api/v3/logisticas/servicos", "not_found"),
    ):
        await seller.control("POST", "faults", fault=fault, match=match)

    first, second = await read_options(seller), await read_options(seller, 2)

    assert (first.data["stores"], first.data["services"]) == (None, None)
    assert second.data["stores"]
    assert second.data["services"]
    assert seller.facts("bling.command.parked") == []
