"""Orders as somebody meant them, and the odd ways in which Bling's JSON may tell of them.

`intend` makes up an order. `render` writes it down as Bling does, in the shapes and with the faults
that are asked for. Nothing here uses the gateway's code: what it makes of the JSON is compared with
what was meant.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any, Final

Json = dict[str, Any]
Problems = set[tuple[str, str | None]]

CENT: Final = Decimal("0.01")


# --- what was meant


@dataclass(frozen=True)
class Product:
    id: int
    grams: int
    size_mm: tuple[int, int, int]
    parcels: int = 1
    parts: tuple[tuple["Product", int], ...] = ()


@dataclass(frozen=True)
class Line:
    product: Product
    sku: str
    name: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Intent:
    """An order as its seller meant it, in 360Hub's units."""

    order_id: int
    number: str
    store_number: str | None
    day: date
    situation: tuple[int, int]
    store_id: int | None
    business_unit_id: int | None
    freight_payer: int | None
    contact_id: int
    name: str
    document: str | None
    email: str | None
    phone: str | None
    address: dict[str, str | None]
    lines: tuple[Line, ...]
    freight: Decimal
    expenses: Decimal
    discount: Decimal
    percent: Decimal | None
    tax: Decimal
    parcels: int
    weighed_g: int | None
    services: tuple[str, ...]
    invoice_id: int | None
    access_key: str | None

    @property
    def items(self) -> Decimal:
        return sum((line.quantity * line.price for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.items + self.freight + self.expenses + self.tax - self.discount

    @property
    def grams(self) -> int:
        return self.weighed_g or sum(line.quantity * line.product.grams for line in self.lines)

    @property
    def box_mm(self) -> tuple[int, int, int]:
        """The parcel that has room for each piece, and for its share of all."""
        return _box([(line.product, line.quantity) for line in self.lines], self.parcels)


def _box(goods: list[tuple[Product, int]], share: int = 1) -> tuple[int, int, int]:
    length, width, height = (
        max(product.size_mm[side] for product, _ in goods) for side in (0, 1, 2)
    )
    filled = sum(q * p.size_mm[0] * p.size_mm[1] * p.size_mm[2] for p, q in goods)
    return length, width, max(height, ceil(Fraction(filled, length * width * share)))


SHAPES: Final = (
    # how numbers, ids and what is absent are written
    "numbers_as_text", "ids_as_text", "whole_as_fraction", "absent_is_null", "absent_is_list",
    "absent_is_missing", "spaces_around",
    # the customer
    "cnpj", "alphanumeric_cnpj", "no_document", "foreigner", "punctuated_document",
    "document_as_number", "document_only_in_order", "no_phone", "landline", "two_phones",
    "no_email", "two_emails", "masked_email", "name_only_in_contact", "no_contact_record",
    # the address
    "postal_code_with_dash", "postal_code_as_number", "lower_case_state", "country_named",
    "no_complement", "no_district",
    # the goods
    "metres", "millimetres", "unit_as_text", "no_unit", "only_net_weight", "kit", "same_sku",
    "no_sku", "no_item_name", "packed_in_several", "item_discount",
    # the parcels
    "thirty_parcels", "parcels_by_list", "parcels_by_products", "not_weighed", "two_services",
    "no_service",
    # the money
    "discount", "percentage", "percentage_rounded_down", "percentage_rounded_up", "expenses", "tax",
    "no_freight", "no_items_total", "no_total", "gift",
    # the invoice
    "invoice", "invoice_printed", "key_with_letters", "key_in_groups", "invoice_pending",
    "invoice_rejected", "incoming_invoice", "return_invoice", "invoice_is_gone",
    # the rest
    "no_store", "business_unit", "no_store_number", "no_freight_payer", "many_lines",
    "unused_fields",
)  # fmt: skip


def intend(random: Random, lines: int, shapes: frozenset[str]) -> Intent:
    """Make up an order that can be rendered in these shapes."""
    goods = tuple(_line(random, number, shapes) for number in range(1, lines + 1))
    if "same_sku" in shapes:
        goods = tuple(replace(line, sku="IGUAL") for line in goods)
    if "no_item_name" in shapes:
        goods = tuple(replace(line, name=line.sku or str(line.product.id)) for line in goods)
    items = sum((line.quantity * line.price for line in goods), Decimal(0))
    percent, discount = _discount(random, items, shapes)
    has_invoice = shapes & {"invoice", "invoice_printed"}
    bare = Intent(
        order_id=_id(random),
        number=str(random.randint(1, 10**7)),
        store_number=None if "no_store_number" in shapes else f"LJ-{random.randint(1, 10**9)}",
        day=date(2024, 1, 1) + timedelta(days=random.randrange(1500)),
        situation=random.choice([(6, 0), (9, 1), (24, 11), (15, 3), (883047, 3)]),
        store_id=None if "no_store" in shapes else _id(random),
        business_unit_id=_id(random) if "business_unit" in shapes else None,
        freight_payer=None if "no_freight_payer" in shapes else random.choice([0, 1, 2, 3, 4, 9]),
        contact_id=_id(random),
        name=_words(random, 2),
        document=_document(random, shapes),
        email=None if shapes & _NO_EMAIL else f"c{random.randint(1, 10**6)}@loja.example.com",
        phone=_phone(random, shapes),
        address=_address(random, shapes),
        lines=goods,
        freight=Decimal(0) if "no_freight" in shapes else _price(random, 9000),
        expenses=_price(random, 3000) if "expenses" in shapes else Decimal(0),
        discount=discount,
        percent=percent,
        tax=_tax(random, shapes),
        parcels=1,
        weighed_g=None if "not_weighed" in shapes else random.randint(100, 90_000),
        services=_services(shapes),
        invoice_id=_id(random) if shapes & _INVOICE else None,
        access_key=_key(random, shapes) if has_invoice and not shapes & _OTHER_INVOICE else None,
    )
    bare = replace(bare, parcels=_parcels(bare, shapes))
    if "gift" in shapes and "no_total" not in shapes:
        # Everything is given away, also what the order does not name as a discount.
        return replace(bare, discount=bare.total + bare.discount)
    return bare


_NO_EMAIL: Final = frozenset({"no_email", "masked_email", "no_contact_record"})
_OTHER_INVOICE: Final = frozenset(
    {"invoice_pending", "invoice_rejected", "incoming_invoice", "return_invoice", "invoice_is_gone"}
)
_INVOICE: Final = _OTHER_INVOICE | {"invoice", "invoice_printed"}


def _line(random: Random, number: int, shapes: frozenset[str]) -> Line:
    product = _product(random)
    if "kit" in shapes and number == 1:
        parts = tuple((_product(random), random.randint(1, 4)) for _ in range(random.randint(1, 3)))
        grams = sum(part.grams * quantity for part, quantity in parts)
        product = replace(product, grams=grams, size_mm=_box(list(parts)), parts=parts)
    if "packed_in_several" in shapes and number == 1:
        product = replace(product, parcels=random.randint(2, 4))
    few = product.parcels > 1
    return Line(
        product=product,
        sku="" if "no_sku" in shapes and random.random() < 0.5 else f"SKU-{random.randint(1, 999)}",
        name=_words(random, 3),
        quantity=random.choice((1, 1, 2, 3, 12) if few else (1, 1, 2, 3, 12, 400)),
        price=_price(random, 90_000),
    )


def _product(random: Random) -> Product:
    size = (random.randint(1, 200) * 10, random.randint(1, 90) * 10, random.randint(1, 90) * 10)
    return Product(id=_id(random), grams=random.randint(50, 30_000), size_mm=size)


def _discount(
    random: Random, items: Decimal, shapes: frozenset[str]
) -> tuple[Decimal | None, Decimal]:
    if shapes & {"percentage", "percentage_rounded_down", "percentage_rounded_up"}:
        percent = Decimal(random.randint(1, 9999)) / 100
        rounding = ROUND_FLOOR if "percentage_rounded_down" in shapes else ROUND_HALF_UP
        rounding = ROUND_CEILING if "percentage_rounded_up" in shapes else rounding
        if shapes & {"no_total", "tax", "gift"}:
            rounding = ROUND_HALF_UP  # nothing tells how it was rounded
        return percent, (items * percent / 100).quantize(CENT, rounding)
    if "discount" in shapes:
        return None, min(items, _price(random, 2000))
    return None, Decimal("0.00")


def _tax(random: Random, shapes: frozenset[str]) -> Decimal:
    if "tax" not in shapes or shapes & {"no_total", "gift"}:
        return Decimal(0)  # nothing tells of it
    return _price(random, 5000) + CENT


def _parcels(intent: Intent, shapes: frozenset[str]) -> int:
    apart = [line for line in intent.lines if line.product.parcels > 1]
    together = len(apart) < len(intent.lines)
    packed = sum(line.quantity * line.product.parcels for line in apart) + together
    if "parcels_by_products" in shapes and len(intent.services) < 2:
        return packed
    named = max(30 if "thirty_parcels" in shapes else 1, len(intent.services))
    return max(named, packed) if "parcels_by_list" in shapes else named


def _services(shapes: frozenset[str]) -> tuple[str, ...]:
    if "no_service" in shapes:
        return ()
    return ("Econômico", "Expresso") if "two_services" in shapes else ("Econômico",)


def _document(random: Random, shapes: frozenset[str]) -> str | None:
    if shapes & {"no_document", "foreigner"}:
        return None
    if shapes & {"cnpj", "alphanumeric_cnpj"}:
        letters = (
            string.ascii_uppercase + string.digits
            if "alphanumeric_cnpj" in shapes
            else string.digits
        )
        return _with_cnpj_digits("".join(random.choices(letters, k=8)) + "0001")
    # At most two zeros in front: a number of fewer digits could be a CNPJ as well.
    return _with_cpf_digits(
        random.choice(("00", "01", "52")) + str(random.randint(10**6, 10**7 - 1))
    )


def _with_cpf_digits(base: str) -> str:
    for _ in range(2):
        rest = sum(int(d) * w for d, w in zip(reversed(base), range(2, 12), strict=False)) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base


def _with_cnpj_digits(base: str) -> str:
    for _ in range(2):
        weighted = ((ord(c) - 48) * (2 + place % 8) for place, c in enumerate(reversed(base)))
        rest = sum(weighted) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base


def _phone(random: Random, shapes: frozenset[str]) -> str | None:
    if shapes & {"no_phone", "no_contact_record"}:
        return None
    area = f"{random.randint(1, 9)}{random.randint(1, 9)}"
    if "landline" in shapes:
        return f"+55{area}{random.randint(20_000_000, 59_999_999)}"
    return f"+55{area}9{random.randint(10_000_000, 99_999_999)}"


def _address(random: Random, shapes: frozenset[str]) -> dict[str, str | None]:
    return {
        "street": "Rua " + _words(random, 2),
        "number": random.choice(["12", "S/N", "1000-A"]),
        "complement": None if "no_complement" in shapes else "Apto 4",
        "district": None if "no_district" in shapes else _words(random, 1),
        "city": random.choice(["São Paulo", "Poá", "Açu"]),
        "state": random.choice(["SP", "RN", "AM", "DF"]),
        "postal_code": f"{random.randint(1_000_000, 99_999_999):08d}",
        "country": "BR",
    }


def _key(random: Random, shapes: frozenset[str]) -> str:
    letters = string.digits + ("ABCDEFGHIJ" if "key_with_letters" in shapes else "")
    return "35" + "".join(random.choices(letters, k=42))


def _id(random: Random) -> int:
    return random.choice((random.randint(1, 10**6), random.randint(2**31, 2**53)))


def _price(random: Random, most: int) -> Decimal:
    return Decimal(random.randint(1, most)) / 100


def _words(random: Random, count: int) -> str:
    return " ".join(random.choices(("Ana", "Zé", "d'Ávila", "Luz", "Mesa", "Ünal", "Ipê"), k=count))


# --- how Bling's JSON tells of it


@dataclass
class Rendered:
    """The records that Bling shows, and the problems that they must be found to have."""

    order: Json
    contact: Json | None
    products: dict[int, Json]
    invoice: Json | None
    expected: Problems = field(default_factory=set)


def render(intent: Intent, random: Random, shapes: frozenset[str]) -> Rendered:
    """Write the order down in these shapes."""
    pen = _Pen(random, shapes)
    goods = {line.product.id: line.product for line in intent.lines}
    goods |= {part.id: part for product in goods.values() for part, _ in product.parts}
    return Rendered(
        order=pen.order(intent),
        contact=None if "no_contact_record" in shapes else pen.contact(intent),
        products={id_: pen.product(product) for id_, product in goods.items()},
        invoice=pen.invoice(intent),
    )


class _Pen:
    """Writes values as the shapes want them."""

    def __init__(self, random: Random, shapes: frozenset[str]) -> None:
        self._random = random
        self._shapes = shapes

    def order(self, intent: Intent) -> Json:
        shown = {
            "id": self.id(intent.order_id),
            "numero": self.number(int(intent.number)),
            "numeroLoja": self.text(intent.store_number),
            "data": str(intent.day),
            "total": self.absent() if "no_total" in self._shapes else self.number(intent.total),
            "totalProdutos": 0 if "no_items_total" in self._shapes else self.number(intent.items),
            "outrasDespesas": self.number(intent.expenses),
            "desconto": self._discount(intent),
            "contato": self._brief_contact(intent),
            "situacao": {"id": self.id(intent.situation[0]), "valor": intent.situation[1]},
            "loja": self._store(intent),
            "notaFiscal": self.reference(intent.invoice_id),
            "vendedor": self.reference(None),
            "itens": [self._item(line) for line in intent.lines],
            "transporte": self._transport(intent),
        }
        if "unused_fields" in self._shapes:
            shown |= {"observacoes": "frágil", "parcelas": [{"id": 1, "valor": 1}], "novo": [None]}
        return self.without_missing(shown)

    def contact(self, intent: Intent) -> Json:
        foreign = "foreigner" in self._shapes
        in_order = "document_only_in_order" in self._shapes and not foreign
        document = "AB-123" if foreign else self._document(intent.document)
        phone, email = self._phone(intent.phone), self._email(intent)
        return self.without_missing(
            {
                "id": self.id(intent.contact_id),
                "nome": self.text(intent.name),
                "tipo": "E" if foreign else "F",
                "numeroDocumento": self.absent() if in_order else document,
                "celular": self.absent() if "landline" in self._shapes else phone,
                "telefone": phone if "landline" in self._shapes else "ramal 12",
                "email": email,
            }
        )

    def product(self, product: Product) -> Json:
        bare = {
            "id": self.id(product.id),
            "nome": "Um produto",
            "volumes": self.number(product.parcels),
        }
        if product.parts:
            parts = [
                {"produto": self.reference(part.id), "quantidade": self.number(quantity)}
                for part, quantity in product.parts
            ]
            return bare | {"formato": "E", "dimensoes": {}, "estrutura": {"componentes": parts}}
        net = "only_net_weight" in self._shapes
        kilograms = self.number(Decimal(product.grams) / 1000)
        bare |= {"pesoBruto": 0 if net else kilograms, "pesoLiquido": kilograms if net else 0.001}
        return bare | {"formato": "S", "dimensoes": self._size(product)}

    def invoice(self, intent: Intent) -> Json | None:
        if intent.invoice_id is None or "invoice_is_gone" in self._shapes:
            return None
        key = intent.access_key or "35" * 22
        if "key_in_groups" in self._shapes:
            key = " ".join(key[start : start + 4] for start in range(0, 44, 4))
        situation = 6 if "invoice_printed" in self._shapes else 5
        situation = 1 if "invoice_pending" in self._shapes else situation
        situation = 4 if "invoice_rejected" in self._shapes else situation
        return {
            "id": self.id(intent.invoice_id),
            "tipo": self.number(0 if "incoming_invoice" in self._shapes else 1),
            "situacao": self.number(situation),
            "finalidade": 4 if "return_invoice" in self._shapes else 1,
            "chaveAcesso": key.lower() if "key_with_letters" in self._shapes else key,
        }

    # single values

    def number(self, value: Decimal | int) -> Any:
        if "numbers_as_text" in self._shapes:
            return str(value)
        if "whole_as_fraction" in self._shapes:
            return float(value)
        return int(value) if value == int(value) else float(value)

    def id(self, value: int) -> Any:
        return str(value) if "ids_as_text" in self._shapes else value

    def reference(self, value: int | None) -> Any:
        if value is None:
            return self._random.choice([{"id": 0}, {"id": "0"}, {"id": None}, {}, [], None])
        return {"id": self.id(value)}

    def text(self, value: str | None) -> Any:
        if value is None:
            return self.absent()
        return f" {value}\t" if "spaces_around" in self._shapes else value

    def absent(self) -> Any:
        if "absent_is_list" in self._shapes:
            return []
        if "absent_is_null" in self._shapes:
            return None
        return _MISSING if "absent_is_missing" in self._shapes else ""

    def without_missing(self, record: Json) -> Json:
        return {name: value for name, value in record.items() if value is not _MISSING}

    # parts of an order

    def _item(self, line: Line) -> Json:
        shown = {
            "codigo": self.text(line.sku or None),
            "quantidade": self.number(line.quantity),
            "valor": self.number(line.price),
            "descricao": self.absent() if "no_item_name" in self._shapes else self.text(line.name),
            "produto": self.reference(line.product.id),
            "desconto": self.number(10 if "item_discount" in self._shapes else 0),
        }
        return self.without_missing(shown)

    def _discount(self, intent: Intent) -> Any:
        if intent.percent is not None:
            return {"valor": self.number(intent.percent), "unidade": "PERCENTUAL"}
        named = Decimal(0) if "discount" not in self._shapes else intent.discount
        if not named:
            return self._random.choice([{"valor": 0, "unidade": "REAL"}, [], {}, None])
        return {"valor": self.number(named), "unidade": "REAL"}

    def _brief_contact(self, intent: Intent) -> Json:
        shown = {
            "id": self.id(intent.contact_id),
            "nome": self.text(intent.name),
            "tipoPessoa": "E" if "foreigner" in self._shapes else "F",
            "numeroDocumento": self._document(intent.document),
        }
        return self.without_missing(shown)

    def _store(self, intent: Intent) -> Any:
        if intent.store_id is None and intent.business_unit_id is None:
            return self._random.choice(
                [{"id": 0}, [], None, {"id": 0, "unidadeNegocio": {"id": 0}}]
            )
        unit = self.reference(intent.business_unit_id)
        return {"id": self.id(intent.store_id or 0), "unidadeNegocio": unit}

    def _transport(self, intent: Intent) -> Json:
        by_list = "parcels_by_list" in self._shapes
        by_products = "parcels_by_products" in self._shapes and len(intent.services) < 2
        named = [self.text(service) for service in intent.services]
        if by_list and not by_products:
            named += [self.text(None)] * (intent.parcels - len(named))
        counted = not (by_list or by_products)
        weighed = Decimal(intent.weighed_g or 0) / 1000
        shown = {
            "fretePorConta": self.absent_number(intent.freight_payer),
            "frete": self.number(intent.freight),
            "quantidadeVolumes": self.number(intent.parcels if counted else 0),
            "pesoBruto": self.number(weighed),
            "etiqueta": self._label(intent),
            "volumes": [self.without_missing({"id": 1, "servico": name}) for name in named],
        }
        return self.without_missing(shown)

    def absent_number(self, value: int | None) -> Any:
        return self._random.choice(["", None, []]) if value is None else self.number(value)

    def _label(self, intent: Intent) -> Json:
        address = intent.address
        code, state = str(address["postal_code"]), str(address["state"])
        shown = {
            "nome": self.absent()
            if "name_only_in_contact" in self._shapes
            else self.text(intent.name),
            "endereco": self.text(address["street"]),
            "numero": self.text(address["number"]),
            "complemento": self.text(address["complement"]),
            "bairro": self.text(address["district"]),
            "municipio": self.text(address["city"]),
            "uf": state.lower() if "lower_case_state" in self._shapes else state,
            "cep": self._postal_code(code),
            "nomePais": "BRASIL" if "country_named" in self._shapes else self.absent(),
        }
        return self.without_missing(shown)

    def _postal_code(self, code: str) -> Any:
        if "postal_code_as_number" in self._shapes:
            return int(code)
        return f"{code[:5]}-{code[5:]}" if "postal_code_with_dash" in self._shapes else code

    def _document(self, document: str | None) -> Any:
        if document is None:
            return self.absent()
        if "document_as_number" in self._shapes and document.isdecimal():
            # Of a CNPJ that begins with three zeros a number would not tell that it is none's CPF.
            return int(document) if not document.startswith("000") else document
        if "punctuated_document" not in self._shapes:
            return document
        if len(document) == 11:
            return f"{document[:3]}.{document[3:6]}.{document[6:9]}-{document[9:]}"
        root, branch = f"{document[:2]}.{document[2:5]}.{document[5:8]}", document[8:12]
        return f"{root}/{branch}-{document[12:]}".lower()

    def _phone(self, phone: str | None) -> Any:
        if phone is None:
            return self._random.choice(
                ["ramal 3", "(11) *****-1234", "+351 912 345 678", self.absent()]
            )
        area, rest = phone[3:5], phone[5:]
        forms = (phone, phone[1:], f"({area}) {rest[:-4]}-{rest[-4:]}", f"0{area} {rest}")
        form = self._random.choice(forms)
        return f"{form} / (11) 2222-3333" if "two_phones" in self._shapes else form

    def _email(self, intent: Intent) -> Any:
        if "masked_email" in self._shapes:
            return "a****@loja.example.com"
        if intent.email is None:
            return self.absent()
        return (
            f"{intent.email}; outro@example.com" if "two_emails" in self._shapes else intent.email
        )

    def _size(self, product: Product) -> Json:
        unit, factor = 1, Decimal(10)
        if "metres" in self._shapes:
            unit, factor = 0, Decimal(1000)
        elif "millimetres" in self._shapes:
            unit, factor = 2, Decimal(1)
        length, width, height = (self.number(Decimal(side) / factor) for side in product.size_mm)
        shown = {"profundidade": length, "largura": width, "altura": height}
        if unit == 1 and "no_unit" in self._shapes:
            return shown
        return shown | {"unidadeMedida": str(unit) if "unit_as_text" in self._shapes else unit}


_MISSING: Final = object()


# --- what can be wrong with it


@dataclass(frozen=True)
class Fault:
    """A fault, how it gets into the records, and the problem that must be named for it.

    Of one ``part`` of an order only one thing is wrong at a time, so that each is named.
    """

    part: str
    code: str
    where: str | None
    spoil: Callable[[Rendered], None]

    def __repr__(self) -> str:
        return f"{self.code}@{self.where}"


def _in_label(**changes: object) -> Callable[[Rendered], None]:
    return lambda rendered: rendered.order["transporte"]["etiqueta"].update(changes)


def _in_item(**changes: object) -> Callable[[Rendered], None]:
    return lambda rendered: rendered.order["itens"][0].update(changes)


def _in_order(**changes: object) -> Callable[[Rendered], None]:
    return lambda rendered: rendered.order.update(changes)


def _in_invoice(**changes: object) -> Callable[[Rendered], None]:
    def spoil(rendered: Rendered) -> None:
        issued = {"id": 1, "tipo": 1, "situacao": 5, "finalidade": 1, "chaveAcesso": "35" * 22}
        rendered.invoice = issued | changes

    return spoil


def _nameless(rendered: Rendered) -> None:
    _in_label(nome="")(rendered)
    rendered.order["contato"]["nome"] = None
    if rendered.contact is not None:
        rendered.contact["nome"] = ""


def _documented(text: str) -> Callable[[Rendered], None]:
    def spoil(rendered: Rendered) -> None:
        for record in (rendered.order["contato"], rendered.contact or {}):
            record |= {"numeroDocumento": text, "tipoPessoa": "F", "tipo": "F"}

    return spoil


FAULTS: Final = (
    Fault("items", "no_items", None, _in_order(itens=None)),
    Fault("items", "item_without_product", "items/1", _in_item(produto={"id": 0})),
    Fault("items", "quantity_fractional", "items/1", _in_item(quantidade=1.5)),
    Fault("items", "quantity_not_positive", "items/1", _in_item(quantidade="-1")),
    Fault("items", "field_invalid", "items/1/quantity", _in_item(quantidade=1_000_001)),
    Fault("items", "amount_out_of_range", "items/1/unit_price", _in_item(valor=10**10)),
    Fault("items", "text_too_long", "items/1/sku", _in_item(codigo="X" * 1001)),
    Fault("total", "amount_out_of_range", "total", _in_order(total="-0.01")),
    Fault("contact", "no_contact", None, _in_order(contato={"id": 0})),
    Fault("contact", "name_missing", None, _nameless),
    Fault("contact", "data_masked", "recipient/name", _in_label(nome="A** Z***")),
    Fault("contact", "data_masked", "recipient/document", _documented("***.982.247-**")),
    Fault("contact", "document_invalid", "recipient/document", _documented("529.982.247-26")),
    Fault("contact", "document_invalid", "recipient/document", _documented("12ABC34501DE36")),
    Fault(
        "address", "no_address", None, _in_label(endereco="", municipio=None, cep=""),
    ),
    Fault("address", "address_foreign", None, _in_label(uf="EX", nomePais="Portugal")),
    Fault("address", "address_foreign", None, _in_label(nomePais="Argentina")),
    Fault("address", "address_incomplete", "address/street", _in_label(endereco=" ")),
    Fault("address", "address_incomplete", "address/number", _in_label(numero=None)),
    Fault("address", "address_incomplete", "address/city", _in_label(municipio="")),
    Fault("address", "address_incomplete", "address/state", _in_label(uf="XX")),
    Fault("address", "postal_code_invalid", "address/postal_code", _in_label(cep="0131010")),
    Fault("address", "data_masked", "address/street", _in_label(endereco="Rua ****")),
    Fault("complement", "text_too_long", "address/complement", _in_label(complemento="A" * 1001)),
    Fault("date", "date_invalid", None, _in_order(data="0000-00-00")),
    Fault("date", "date_invalid", None, _in_order(data="2026-02-30")),
    Fault("number", "number_missing", None, _in_order(numero=0)),
    Fault("invoice", "invoice_cancelled", None, _in_invoice(situacao=2)),
    Fault("invoice", "invoice_denied", None, _in_invoice(situacao="9")),
    Fault("invoice", "invoice_key_invalid", None, _in_invoice(chaveAcesso="35" * 21)),
    Fault(
        "parcels",
        "too_many_volumes",
        None,
        lambda rendered: rendered.order["transporte"].update(quantidadeVolumes=1001),
    ),
)  # fmt: skip

SHAPE_FAULTS: Final = (
    Fault("shape", "field_invalid", "total", _in_order(total="muito")),
    Fault("shape", "field_invalid", "itens/0/quantidade", _in_item(quantidade="duas")),
    Fault("shape", "field_invalid", "itens/0/produto", _in_item(produto={"id": 2**63})),
    Fault("shape", "field_invalid", "transporte/etiqueta", lambda rendered: rendered.order[
        "transporte"].update(etiqueta=7)),
    Fault("shape", "field_invalid", "numero", _in_order(numero=True)),
)  # fmt: skip
"""What is no order any more: then nothing else can be told of it."""


def spoil(rendered: Rendered, faults: tuple[Fault, ...]) -> None:
    """Put the faults in, and note what must be named."""
    for fault in faults:
        fault.spoil(rendered)
        rendered.expected.add((fault.code, fault.where))
