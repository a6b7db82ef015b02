"""Invent a realistic sales order, or one with the faults that a test asks for."""

import datetime as dt
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.bling import channels, contacts, money, orders, people
from sandbox.bling.errors import ControlError
from sandbox.bling.people import Customer
from sandbox.bling.product_kinds import ProductKind, add_product, plain_products, variations
from sandbox.bling.products import announce_product
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.situations import OPEN
from sandbox.bling.state import Company, Json, Order, Record, Situation, today

Omission = Literal["items", "address", "contact", "phone", "email", "document"]

SERVICE = "360Envios Econômico"


class NewOrder(BaseModel):
    """What a control may ask of a new order; whatever it leaves out is invented."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str | None = None
    situation: int | str = OPEN
    """Id or name of the situação that the order is born in."""
    items: int = Field(default=2, ge=0, le=500)
    product_ids: tuple[int, ...] = ()
    """These products, one item each, instead of `items` chosen ones."""
    quantities: tuple[float, ...] = ()
    """How much of each item, from the first; what is not named is invented."""
    new_products: int = Field(default=0, ge=0, le=500)
    """How many of the items have products made for this order."""
    product_kinds: tuple[ProductKind, ...] = ()
    """The first items are products of these kinds, made for this order."""
    fractional_quantity: bool = False
    item_without_product: bool = False
    date: dt.date | None = None
    contact: int | None = None
    """An existing contact; 0 refers to none."""
    person: Literal["", "F", "J"] = ""
    customer: Literal["plain", "masked", "foreign", "alphanumeric"] = "plain"
    """Hidden by a marketplace, living abroad, or a company whose CNPJ has letters."""
    volumes: int = Field(default=1, ge=0, le=100)
    service: str = SERVICE
    """Of the volumes: a service's name, or one of its aliases."""
    numbers_as_text: bool = False
    """Bling shows this order's numbers as strings."""
    store: int | None = None
    """A sales channel's id; 0 is a sale without channel."""
    store_number: str | None = None
    without: frozenset[Omission] = frozenset()
    override: dict[str, Any] = Field(default_factory=dict)
    """Laid over the finished order, in the API's own field names."""


def place_order(sandbox: Sandbox, company: Company, wish: NewOrder) -> Order:
    """Place an order as a shop does: it is new in Bling and its webhook goes out."""
    situation = find_situation(company, wish.situation)
    body = _skeleton(sandbox, company, wish)
    body["itens"] = _items(sandbox, company, wish)
    _add_delivery(sandbox, company, body, wish)
    body["parcelas"] = _instalments(sandbox, company, body)
    body = orders.deep_merge(body, wish.override)
    orders.number_parts(sandbox, body)
    if "parcelas" not in wish.override:
        money.respread_instalments(body)
    order = orders.store(sandbox, company, body, situation, "seller")
    order.numbers_as_text = wish.numbers_as_text
    return order


def find_situation(company: Company, wanted: int | str) -> Situation:
    """Find a situação by id or name."""
    found = (
        company.situations.get(wanted)
        if isinstance(wanted, int)
        else company.situation_named(wanted)
    )
    if found is None:
        raise ControlError(f"company {company.id} has no situação {wanted}")
    return found


def _skeleton(sandbox: Sandbox, company: Company, wish: NewOrder) -> Json:
    day = wish.date or today(sandbox.clock)
    store_id = _store(company, wish)
    number = f"WEB-{company.random.randrange(100_000, 999_999)}" if store_id else ""
    return {
        "id": 0,
        "numero": 0,
        "numeroLoja": number if wish.store_number is None else wish.store_number,
        "data": str(day),
        "dataSaida": str(day),
        "dataPrevista": str(day + dt.timedelta(days=7)),
        "totalProdutos": 0,
        "total": 0,
        "contato": {"id": 0},
        "situacao": {},
        "loja": {"id": store_id, "unidadeNegocio": {"id": _unit(company, store_id)}},
        "numeroPedidoCompra": "",
        "outrasDespesas": 0,
        "observacoes": "",
        "observacoesInternas": "",
        "desconto": {"valor": 0, "unidade": "REAL"},
        "categoria": {"id": 0},
        "notaFiscal": {"id": 0},
        "tributacao": {"totalICMS": 0, "totalIPI": 0},
        "itens": [],
        "parcelas": [],
        "vendedor": {"id": 0},
        "intermediador": {"cnpj": "", "nomeUsuario": ""},
        "taxas": {"taxaComissao": 0, "custoFrete": 0, "valorBase": 0},
    }


def _store(company: Company, wish: NewOrder) -> int:
    if wish.store is None:
        return next(iter(company.channels))
    if wish.store and wish.store not in company.channels:
        raise ControlError(f"company {company.id} has no sales channel {wish.store}")
    return wish.store


def _unit(company: Company, store_id: int) -> int:
    return channels.default_unit(company.channels[store_id]) if store_id else 0


def _items(sandbox: Sandbox, company: Company, wish: NewOrder) -> list[Json]:
    if "items" in wish.without:
        return []
    items = [_item(sandbox, company, product) for product in _products(sandbox, company, wish)]
    for item, quantity in zip(items, wish.quantities, strict=False):
        item["quantidade"] = quantity
    if items and wish.fractional_quantity:
        items[0]["quantidade"] = 1.5
    if items and wish.item_without_product:
        del items[0]["produto"]
        items[0]["codigo"] = ""
    return items


def _products(sandbox: Sandbox, company: Company, wish: NewOrder) -> list[Record]:
    if wish.product_ids:
        return [find_product(company, product_id) for product_id in wish.product_ids]
    made = [new_product(sandbox, company, kind=kind) for kind in wish.product_kinds]
    chosen = [_sellable(company, product) for product in made]
    chosen += [new_product(sandbox, company) for _ in range(min(wish.new_products, wish.items))]
    known = plain_products(company)
    missing = max(0, wish.items - len(chosen))
    chosen += company.random.sample(known, k=min(missing, len(known)))
    return chosen + [new_product(sandbox, company) for _ in range(wish.items - len(chosen))]


def _sellable(company: Company, product: Record) -> Record:
    """Choose what is sold of a product: where it has variations, one of them."""
    return next(iter(variations(company, product.id)), product)


def find_product(company: Company, product_id: int) -> Record:
    """Find a company's product."""
    if product_id not in company.products:
        raise ControlError(f"company {company.id} has no product {product_id}", status=404)
    return company.products[product_id]


def new_product(
    sandbox: Sandbox,
    company: Company,
    override: Json | None = None,
    kind: ProductKind = ProductKind.SIMPLE,
) -> Record:
    """Register one more invented product, with changes laid over it, and tell of it."""
    product = add_product(company, sandbox.ids, sandbox.clock, kind)
    product.body = orders.deep_merge(product.body, override or {})
    for one in (product, *variations(company, product.id)):
        announce_product(sandbox, company, one, "created")
    return product


def _item(sandbox: Sandbox, company: Company, product: Record) -> Json:
    price = product.body["preco"]
    return {
        "id": sandbox.ids.take(),
        "codigo": product.body["codigo"],
        "unidade": product.body["unidade"],
        "quantidade": company.random.randint(1, 3),
        "desconto": 0,
        "valor": price,
        "aliquotaIPI": 0,
        "descricao": product.body["nome"],
        "descricaoDetalhada": "",
        "produto": {"id": product.id},
        "comissao": {"base": price, "aliquota": 0, "valor": 0},
        "naturezaOperacao": {"id": 0},
    }


def _add_delivery(sandbox: Sandbox, company: Company, body: Json, wish: NewOrder) -> None:
    contact = _contact(sandbox, company, wish)
    address = dict.fromkeys(contacts.label(contact), "")
    if "address" not in wish.without:
        address = contacts.label(contact)
    if wish.contact != 0 and "contact" not in wish.without:
        company.contacts[contact.id] = contact
        body["contato"] = contacts.brief(contact)
    else:
        body["contato"] = {"id": 0, "nome": "", "tipoPessoa": "", "numeroDocumento": ""}
    body["transporte"] = {
        "fretePorConta": 0,
        "frete": round(company.random.uniform(12, 60), 2),
        "quantidadeVolumes": wish.volumes,
        "pesoBruto": _weight(company, body["itens"]),
        "prazoEntrega": company.random.randint(2, 9),
        "contato": {"id": 0, "nome": ""},
        "etiqueta": address,
        "volumes": [
            {"id": sandbox.ids.take(), "servico": wish.service, "codigoRastreamento": ""}
            for _ in range(wish.volumes)
        ],
    }


def _contact(sandbox: Sandbox, company: Company, wish: NewOrder) -> Record:
    if wish.contact:
        if wish.contact not in company.contacts:
            raise ControlError(f"company {company.id} has no contact {wish.contact}", status=404)
        return company.contacts[wish.contact]
    customer = _customer(company.random, wish)
    return contacts.make_contact(customer, sandbox.ids, sandbox.clock(), without=wish.without)


def _customer(random: Random, wish: NewOrder) -> Customer:
    match wish.customer:
        case "plain":
            return people.customer(random, kind=wish.person)
        case "masked":
            return people.masked(people.customer(random, kind=wish.person))
        case "foreign":
            return people.foreigner(random)
        case "alphanumeric":
            return people.with_alphanumeric_cnpj(people.customer(random, kind="J"), random)


def _weight(company: Company, items: list[Json]) -> float:
    total: float = sum(
        item["quantidade"] * company.products[item["produto"]["id"]].body["pesoBruto"]
        for item in items
        if "produto" in item
    )
    return round(total, 3)


def _instalments(sandbox: Sandbox, company: Company, body: Json) -> list[Json]:
    return money.make_instalments(
        money.order_total(body),
        count=company.random.randint(1, 3),
        first_due=dt.date.fromisoformat(body["data"]),
        payment_method=next(iter(company.payment_methods)),
        ids=sandbox.ids,
    )
