"""What an order and a product are made of: exactly what 360Hub's contract can carry."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from shared.contracts.model import Frozen, Personal


class Address(Frozen):
    """A delivery address in Brazil. ``postal_code`` is the CEP's eight digits."""

    postal_code: str
    street: str
    number: str
    complement: str | None = None
    district: str | None = None
    city: str
    state: str
    country: str = "BR"


class Recipient(Frozen):
    """Who receives the parcel. ``document`` is a CPF (11 digits) or CNPJ (14, may hold letters)."""

    name: str
    document: str | None = None
    email: str | None = None
    phone: str | None = None
    address: Address


class Item(Frozen):
    """One line of an order. Money in BRL."""

    line: str
    product_id: int
    sku: str | None = None
    name: str
    quantity: int
    unit_price: Decimal


class Totals(Frozen):
    """The order's money in BRL, two places each."""

    items: Decimal
    shipping: Decimal
    discount: Decimal
    total: Decimal


class FiscalDocument(Frozen):
    """What travels with the parcel: an NF-e with its 44-character key, or a declaration."""

    kind: Literal["nfe", "content_declaration"]
    access_key: str | None = None


class Volume(Frozen):
    """One parcel: whole grams and millimetres."""

    volume: int
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int


class OrderContent(Frozen):
    """All that 360Hub is told about an order. Situação, notes and instalments are not content."""

    number: str
    store_order_number: str | None = None
    placed_at: datetime
    recipient: Annotated[Recipient | None, Personal] = None
    items: tuple[Item, ...]
    totals: Totals
    fiscal_document: FiscalDocument | None = None
    volumes: tuple[Volume, ...] = ()
    service_hint: str | None = None


class ProductContent(Frozen):
    """All that 360Hub is told about a product. Grams, millimetres, BRL."""

    sku: str | None = None
    name: str
    description: str | None = None
    gtin: str | None = None
    ncm: str | None = None
    price: Decimal
    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    parent_product_id: int | None = None
