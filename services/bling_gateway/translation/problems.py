"""Everything that can stand in the way of an order's translation, each under its name. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.translation import documents, parcels
from services.bling_gateway.translation.catalogue import TEXT_LIMIT
from services.bling_gateway.translation.measures import money
from services.bling_gateway.translation.sources import ReadOrder
from services.bling_gateway.translation.totals import totals_of
from shared.contracts.bling_gateway import Problem

_CANCELLED_INVOICE: Final = 2
# Situações of an NF-e (Bling API reference, GET /nfe): only these two can travel with a parcel.
_ISSUED_INVOICE: Final = frozenset({5, 6})
_DENIED_INVOICE: Final = 9
_ACCESS_KEY: Final = re.compile(r"[0-9A-Z]{44}")
_BRAZIL: Final = frozenset({"", "brasil", "brazil", "br"})
_MAX_QUANTITY: Final = 1_000_000
_MOST_PARCELS: Final = 1000
_MOST_MONEY: Final = Decimal("999999999.99")


def problems_of(read: ReadOrder) -> Iterable[Problem]:
    """Name every problem of an order at once, so that its seller mends it once."""
    order = read.order
    if order.numero in ("", "0"):
        yield Problem(code="number_missing")
    if placed_at(order) is None:
        yield Problem(code="date_invalid")
    yield from invoice_problems(read.invoice)
    yield from _item_problems(order.itens)
    yield from _total_problems(order)
    yield from recipient_problems(read)
    yield from _address_problems(order.transporte.etiqueta)
    yield from _length_problems(_texts(read))
    if parcels.count_of(read) > _MOST_PARCELS:
        yield Problem(code="too_many_volumes")


def shape_problems(error: ValidationError) -> tuple[Problem, ...]:
    """Name the fields of a wrong type, never their values."""
    places = {"/".join(str(part) for part in entry["loc"]) for entry in error.errors()}
    return tuple(Problem(code="field_invalid", where=place) for place in sorted(places))


def placed_at(order: wire.Order) -> datetime | None:
    """Return the beginning of the order's day in Brasília: Bling keeps no time of day."""
    day = wire.local_date(order.data)
    return datetime.combine(day, time(), tzinfo=wire.BRASILIA) if day else None


def access_key(invoice: wire.Invoice | None) -> str | None:
    """Return the key of an NF-e that can travel with a parcel; None if there is none yet."""
    if invoice is None or invoice.situacao not in _ISSUED_INVOICE:
        return None
    key = re.sub(r"\s", "", invoice.chaveAcesso).upper()
    return key if _ACCESS_KEY.fullmatch(key) else None


def invoice_problems(invoice: wire.Invoice | None) -> Iterable[Problem]:
    """Name what keeps an NF-e from travelling; one that is not issued yet is no problem."""
    situation = invoice.situacao if invoice else None
    if situation == _CANCELLED_INVOICE:
        yield Problem(code="invoice_cancelled")
    elif situation == _DENIED_INVOICE:
        yield Problem(code="invoice_denied")
    elif situation in _ISSUED_INVOICE and access_key(invoice) is None:
        yield Problem(code="invoice_key_invalid")


def recipient_problems(read: ReadOrder) -> Iterable[Problem]:
    """Name what is wrong with the customer."""
    if not read.order.contato.id:
        yield Problem(code="no_contact")
        return
    name, document = read.recipient_name, read.document
    if not name:
        yield Problem(code="name_missing")
    if documents.is_masked(name):
        yield Problem(code="data_masked", where="recipient/name")
    if documents.is_masked(document):
        yield Problem(code="data_masked", where="recipient/document")
    elif document and documents.normalised_document(document) is None:
        yield Problem(code="document_invalid", where="recipient/document")


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
        yield from _amount_problems({f"{where}/unit_price": money(item.valor)})


def _total_problems(order: wire.Order) -> Iterable[Problem]:
    totals = totals_of(order)
    return _amount_problems(
        {
            "totalProdutos": totals.items,
            "transporte/frete": totals.shipping,
            "desconto": totals.discount,
            "total": totals.total,
        }
    )


def _amount_problems(amounts: Mapping[str, Decimal]) -> Iterable[Problem]:
    for where, amount in amounts.items():
        if not 0 <= amount <= _MOST_MONEY:
            yield Problem(code="amount_out_of_range", where=where)


def _address_problems(label: wire.Label) -> Iterable[Problem]:
    if not (label.endereco or label.cep or label.municipio):
        yield Problem(code="no_address")
        return
    if label.uf.upper() == "EX" or label.nomePais.casefold() not in _BRAZIL:
        yield Problem(code="address_foreign")
        return
    for part, text in _address_parts(label).items():
        where = f"address/{part}"
        if documents.is_masked(text):
            yield Problem(code="data_masked", where=where)
        elif part == "postal_code":
            if documents.normalised_postal_code(text) is None:
                yield Problem(code="postal_code_invalid", where=where)
        elif not text or (part == "state" and text.upper() not in documents.STATES):
            yield Problem(code="address_incomplete", where=where)


def _address_parts(label: wire.Label) -> dict[str, str]:
    return {
        "street": label.endereco,
        "number": label.numero,
        "city": label.municipio,
        "state": label.uf,
        "postal_code": label.cep,
    }


def _length_problems(texts: Mapping[str, str]) -> Iterable[Problem]:
    for where, text in texts.items():
        if len(text) > TEXT_LIMIT:
            yield Problem(code="text_too_long", where=where)


def _texts(read: ReadOrder) -> dict[str, str]:
    """Return what must not be cut: a shortened address or code is another one."""
    order, label = read.order, read.order.transporte.etiqueta
    skus = {f"items/{line}/sku": item.codigo for line, item in enumerate(order.itens, start=1)}
    return skus | {
        "number": order.numero,
        "numeroLoja": order.numeroLoja,
        "recipient/name": read.recipient_name,
        "address/street": label.endereco,
        "address/number": label.numero,
        "address/complement": label.complemento,
        "address/district": label.bairro,
        "address/city": label.municipio,
        "service": next(iter(read.services), ""),
    }
