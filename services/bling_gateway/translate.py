"""From what was read in Bling to what the contracts say. Pure: no I/O, no clock."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.bling_gateway import documents, measures, wire
from shared.contracts.bling_gateway import Problem
from shared.contracts.content import (
    Address,
    FiscalDocument,
    Item,
    OrderContent,
    ProductContent,
    Recipient,
    Totals,
)

# Bling writes dates without a zone; sellers mean Brasília's.
BRASILIA: Final = ZoneInfo("America/Sao_Paulo")

# Situações of an NF-e (Bling API reference, GET /nfe): only these two can travel with a parcel.
_INVOICE_ISSUED: Final = frozenset({5, 6})
_INVOICE_DENIED: Final = 9
_ACCESS_KEY: Final = re.compile(r"[0-9A-Z]{44}")
_BRAZIL: Final = frozenset({"", "brasil", "brazil", "br"})
_MAX_QUANTITY: Final = 1_000_000


@dataclass(frozen=True)
class ReadOrder:
    """An order and all that was read to understand it."""

    order: wire.Order
    contact: wire.Contact | None = None
    products: Mapping[int, wire.Product] = field(default_factory=dict)
    invoice: wire.Invoice | None = None


def data_subject(order_id: int, contact_id: int) -> str:
    """Name whose personal data an order holds."""
    return f"contact-{contact_id}" if contact_id else f"order-{order_id}"


def content_of(read: ReadOrder) -> tuple[OrderContent | None, tuple[Problem, ...]]:
    """Return the order's content, or every problem that stands in its way."""
    problems = tuple(_problems(read))
    return (None, problems) if problems else (_content(read), ())


def shape_problems(error: ValidationError) -> tuple[Problem, ...]:
    """Name the fields of a wrong type, never their values."""
    places = {"/".join(str(part) for part in entry["loc"]) for entry in error.errors()}
    return tuple(Problem(code="field_invalid", where=place) for place in sorted(places))


def placed_at(order: wire.Order) -> datetime | None:
    """Return the beginning of the order's day in Brasília: Bling keeps no time of day."""
    day = wire.local_date(order.data)
    return datetime.combine(day, time(), tzinfo=BRASILIA) if day else None


def services_of(order: wire.Order) -> tuple[str, ...]:
    """Return the logistics services that the order's volumes name, each once."""
    named = (parcel.servico for parcel in order.transporte.volumes)
    return tuple(dict.fromkeys(service for service in named if service))


def product_content(product: wire.Product) -> ProductContent:
    """Return what 360Hub is told about a product."""
    size = measures.size_mm(product.dimensoes)
    length_mm, width_mm, height_mm = size or (None, None, None)
    return ProductContent(
        sku=product.codigo or None,
        name=product.nome or product.codigo or str(product.id),
        description=plain_text(product.descricaoCurta) or None,
        gtin=product.gtin or None,
        ncm=re.sub(r"[^0-9]", "", product.tributacao.ncm) or None,
        price=measures.money(product.preco),
        weight_g=measures.grams(product.pesoBruto) or measures.grams(product.pesoLiquido),
        length_mm=length_mm,
        width_mm=width_mm,
        height_mm=height_mm,
        parent_product_id=product.idProdutoPai or product.variacao.produtoPai,
    )


def plain_text(markup: str) -> str:
    """Take the tags out of a description: sellers paste web pages into Bling."""
    without_tags = re.sub(r"<[^<>]*>", " ", markup)
    return " ".join(html.unescape(without_tags).split())


def _content(read: ReadOrder) -> OrderContent:
    order = read.order
    services = services_of(order)
    placed = placed_at(order)
    if placed is None:
        raise ValueError("an order without a date has a problem, not content")
    return OrderContent(
        number=order.numero,
        store_order_number=order.numeroLoja or None,
        placed_at=placed,
        recipient=_recipient(read),
        items=tuple(_item(line, item) for line, item in enumerate(order.itens, start=1)),
        totals=_totals(order),
        fiscal_document=_fiscal_document(read.invoice),
        volumes=measures.volumes(order, read.products),
        service_hint=services[0] if services else None,
    )


def _recipient(read: ReadOrder) -> Recipient:
    label, contact = read.order.transporte.etiqueta, read.contact
    return Recipient(
        name=_recipient_name(read),
        document=documents.normalised_document(_document(read)),
        email=email_of(contact),
        phone=phone_of(contact),
        address=Address(
            postal_code=documents.normalised_postal_code(label.cep) or "",
            street=label.endereco,
            number=label.numero,
            complement=label.complemento or None,
            district=label.bairro or None,
            city=label.municipio,
            state=label.uf.upper(),
        ),
    )


def phone_of(contact: wire.Contact | None) -> str | None:
    """Return the contact's mobile number, else the other one, in E.164."""
    return documents.normalised_phone(contact.celular, contact.telefone) if contact else None


def email_of(contact: wire.Contact | None) -> str | None:
    """Return the contact's e-mail address if it can be one."""
    return documents.normalised_email(contact.email) if contact else None


def needs_mending(contact: wire.Contact) -> bool:
    """Tell whether a contact stands in its orders' way: its seller will soon change it."""
    name, document = contact.nome, contact.numeroDocumento
    has_bad_document = bool(document) and documents.normalised_document(document) is None
    return not name or documents.is_masked(name) or has_bad_document


def _item(line: int, item: wire.Item) -> Item:
    if item.produto is None:
        raise ValueError("an item without product is a problem, not content")
    return Item(
        line=str(line),
        product_id=item.produto,
        sku=item.codigo or None,
        name=item.descricao or item.codigo or str(item.produto),
        quantity=int(item.quantidade),
        unit_price=measures.money(item.valor),
    )


def _totals(order: wire.Order) -> Totals:
    lines = sum((item.quantidade * item.valor for item in order.itens), Decimal(0))
    items = lines if order.totalProdutos is None else order.totalProdutos
    discount = order.desconto.valor
    if order.desconto.unidade.upper() == "PERCENTUAL":
        discount = items * discount / 100  # of the items alone, freight excluded
    return Totals(
        items=measures.money(items),
        shipping=measures.money(order.transporte.frete),
        discount=measures.money(discount),
        total=measures.money(order.total),
    )


def _fiscal_document(invoice: wire.Invoice | None) -> FiscalDocument | None:
    if invoice is None or invoice.situacao not in _INVOICE_ISSUED:
        return None
    key = invoice.chaveAcesso.upper()
    return FiscalDocument(kind="nfe", access_key=key) if _ACCESS_KEY.fullmatch(key) else None


def _problems(read: ReadOrder) -> Iterable[Problem]:
    order = read.order
    if order.numero in ("", "0"):
        yield Problem(code="number_missing")
    if placed_at(order) is None:
        yield Problem(code="date_invalid")
    if read.invoice is not None and read.invoice.situacao == _INVOICE_DENIED:
        yield Problem(code="invoice_denied")
    yield from _item_problems(order.itens)
    yield from _recipient_problems(read)
    yield from _address_problems(order.transporte.etiqueta)


def _item_problems(items: tuple[wire.Item, ...]) -> Iterable[Problem]:
    if not items:
        yield Problem(code="no_items")
    for line, item in enumerate(items, start=1):
        where = f"items/{line}"
        if item.produto is None:
            yield Problem(code="item_without_product", where=where)
        if item.quantidade <= 0:
            yield Problem(code="quantity_not_positive", where=where)
        elif item.quantidade != item.quantidade.to_integral_value():
            yield Problem(code="quantity_fractional", where=where)
        elif item.quantidade > _MAX_QUANTITY:
            yield Problem(code="field_invalid", where=f"{where}/quantity")


def _recipient_problems(read: ReadOrder) -> Iterable[Problem]:
    if not read.order.contato.id:
        yield Problem(code="no_contact")
        return
    name, document = _recipient_name(read), _document(read)
    if not name:
        yield Problem(code="name_missing")
    if documents.is_masked(name):
        yield Problem(code="data_masked", where="recipient/name")
    if documents.is_masked(document):
        yield Problem(code="data_masked", where="recipient/document")
    elif document and documents.normalised_document(document) is None:
        yield Problem(code="document_invalid", where="recipient/document")


def _address_problems(label: wire.Label) -> Iterable[Problem]:
    if not (label.endereco or label.cep or label.municipio):
        yield Problem(code="no_address")
        return
    if label.uf.upper() == "EX" or label.nomePais.casefold() not in _BRAZIL:
        yield Problem(code="address_foreign")
        return
    parts = {"street": label.endereco, "number": label.numero, "city": label.municipio}
    for part, text in parts.items():
        if not text:
            yield Problem(code="address_incomplete", where=f"address/{part}")
        elif documents.is_masked(text):
            yield Problem(code="data_masked", where=f"address/{part}")
    if label.uf.upper() not in documents.STATES:
        yield Problem(code="address_incomplete", where="address/state")
    if documents.normalised_postal_code(label.cep) is None:
        yield Problem(code="postal_code_invalid", where="address/postal_code")


def _recipient_name(read: ReadOrder) -> str:
    return (
        read.order.transporte.etiqueta.nome
        or (read.contact.nome if read.contact else "")
        or read.order.contato.nome
    )


def _document(read: ReadOrder) -> str:
    in_contact = read.contact.numeroDocumento if read.contact else ""
    return in_contact or read.order.contato.numeroDocumento
