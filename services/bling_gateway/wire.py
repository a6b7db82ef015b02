"""Bling's JSON as models, read leniently.

Bling's own description of its JSON is not exact: numbers come as strings and the reverse, an
absent reference is ``{"id": 0}``, an absent object may be an empty list, an absent date
``0000-00-00``. All of that is evened out here, once. Fields that we do not use are not named.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from json import loads
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


def parse_json(body: bytes) -> Any:
    """Parse JSON with every fraction as a Decimal: money never passes through a float.

    Characters that are no text (NUL, halves of surrogate pairs), which neither UTF-8 nor the
    database takes, come as U+FFFD. Raises ``ValueError``.
    """
    try:
        value = loads(body, parse_float=Decimal)
        return _cleaned(value) if _MAY_HOLD_NO_TEXT.search(body) else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except InvalidOperation as error:
        raise ValueError("a number beyond what can be calculated with") from error


def json_text(value: Any) -> bytes:
    """Write JSON with every Decimal as the number that it is."""
    return orjson.dumps(value, default=_as_number)


def _as_number(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    return orjson.Fragment(str(value))


_MAY_HOLD_NO_TEXT: Final = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(each) for name, each in value.items()}
    return value


# Bling writes dates without a zone; sellers mean Brasília's.
BRASILIA: Final = ZoneInfo("America/Sao_Paulo")

_CPF_DIGITS: Final = 11
_CANCELLED: Final = 12
_CANCELLED_CLASS: Final = 2
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_YEARS: Final = range(2000, 3000)


class Wire(BaseModel):
    """A value from outside: frozen, and indifferent to fields that we do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


def _text(value: object) -> object:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value.strip() if isinstance(value, str) else value


def _postal_code(value: object) -> object:
    """Give a number back the zeros that it began with."""
    return f"{value:08d}" if _is_number(value) else _text(value)


def _document(value: object) -> object:
    """Give a number back the zeros that it began with: a CPF has 11 digits, a CNPJ 14."""
    if not _is_number(value) or not value:
        return _text(value or "")
    return f"{value:011d}" if len(str(value)) <= _CPF_DIGITS else f"{value:014d}"


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _amount(value: object) -> object:
    return Decimal(0) if value is None or value == "" else value


def _blank_to_none(value: object) -> object:
    return None if value in ("", None) or value == [] else value


def _no_date_to_none(value: object) -> object:
    return None if value in ("", None) or str(value).startswith("0000-00-00") else value


def _empty_object(value: object) -> object:
    return {} if value in ("", None) or value == [] else value


def _absent_list(value: object) -> object:
    if value in ("", None) or value == {}:
        return []
    return [each for each in value if each is not None] if isinstance(value, list) else value


def _reference(value: object) -> object:
    """Reduce ``{"id": n}`` to n, and every form of absence to None."""
    inner = value.get("id") if isinstance(value, dict) else value
    return None if inner in (0, "0", "", None) or inner == [] else inner


def _none_if_odd(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        return None


Text = Annotated[str, BeforeValidator(_text)]
Document = Annotated[str, BeforeValidator(_document)]
PostalCode = Annotated[str, BeforeValidator(_postal_code)]
# Bounds that no real value meets, and without which no database column would take the value.
Id = Annotated[int, Field(ge=0, lt=2**63)]
_Sum = Annotated[Decimal, Field(allow_inf_nan=False, gt=-(10**15), lt=10**15)]
Amount = Annotated[_Sum, BeforeValidator(_amount)]
OptionalAmount = Annotated[_Sum | None, BeforeValidator(_blank_to_none)]
OptionalInt = Annotated[Id | None, BeforeValidator(_blank_to_none)]
OptionalDate = Annotated[date | None, BeforeValidator(_no_date_to_none)]
Reference = Annotated[Id | None, BeforeValidator(_reference)]
_ReferencedId = Annotated[Id, BeforeValidator(lambda value: _reference(value) or 0)]
Flag = Annotated[bool, BeforeValidator(lambda value: True if value in ("", None) else value)]


class Situation(Wire):
    """``id`` is the situação; ``valor`` the class that it belongs to."""

    id: Id
    valor: OptionalInt = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it is Cancelado, or one of the seller's own that inherits from it."""
        return self.id == _CANCELLED if self.valor is None else self.valor == _CANCELLED_CLASS


class OrderContact(Wire):
    """The contact as an order names it. ``id`` is 0 when there is none."""

    id: Annotated[Id, BeforeValidator(lambda value: value or 0)] = 0
    nome: Text = ""
    tipoPessoa: Text = ""  # noqa: N815
    numeroDocumento: Document = ""  # noqa: N815


class Store(Wire):
    id: Reference = None
    unidadeNegocio: Reference = None  # noqa: N815


class OrderIdentity(Wire):
    """The part of an order that must be readable for the rest to be told of."""

    id: Id
    situacao: Situation


class Discount(Wire):
    valor: Amount = Decimal(0)
    unidade: Text = "REAL"


class Item(Wire):
    """An order's line. ``valor`` is what the customer pays a piece, its discount already off."""

    codigo: Text = ""
    quantidade: Amount = Decimal(0)
    valor: Amount = Decimal(0)
    descricao: Text = ""
    produto: Reference = None


class Label(Wire):
    """The delivery address."""

    nome: Text = ""
    endereco: Text = ""
    numero: Text = ""
    complemento: Text = ""
    bairro: Text = ""
    municipio: Text = ""
    uf: Text = ""
    cep: PostalCode = ""
    nomePais: Text = ""  # noqa: N815


class Parcel(Wire):
    servico: Text = ""


class Transport(Wire):
    fretePorConta: OptionalInt = None  # noqa: N815
    frete: Amount = Decimal(0)
    quantidadeVolumes: OptionalInt = None  # noqa: N815
    pesoBruto: Amount = Decimal(0)  # noqa: N815
    etiqueta: Annotated[Label, BeforeValidator(_empty_object)] = Label()
    volumes: Annotated[tuple[Parcel, ...], BeforeValidator(_absent_list)] = ()


class Order(OrderIdentity):
    """``GET /pedidos/vendas/{id}``."""

    numero: Text = ""
    numeroLoja: Text = ""  # noqa: N815
    data: Text = ""
    total: OptionalAmount = None
    totalProdutos: OptionalAmount = None  # noqa: N815
    outrasDespesas: Amount = Decimal(0)  # noqa: N815
    desconto: Annotated[Discount, BeforeValidator(_empty_object)] = Discount()
    contato: Annotated[OrderContact, BeforeValidator(_empty_object)] = OrderContact()
    loja: Annotated[Store, BeforeValidator(_empty_object)] = Store()
    vendedor: Reference = None
    notaFiscal: Reference = None  # noqa: N815
    itens: Annotated[tuple[Item, ...], BeforeValidator(_absent_list)] = ()
    transporte: Annotated[Transport, BeforeValidator(_empty_object)] = Transport()


class ListedOrder(Wire):
    """One element of ``GET /pedidos/vendas``: enough to see whether a read is worth it.

    What cannot be understood of it is None: one odd order must not hide all others.
    """

    id: Id
    total: Annotated[Amount | None, WrapValidator(_none_if_odd)] = Decimal(0)
    situacao: Annotated[Situation | None, WrapValidator(_none_if_odd)] = None


class Contact(Wire):
    """``GET /contatos/{id}``. ``tipo``: ``F`` and ``J`` have a CPF or CNPJ, ``E`` is foreign."""

    id: Id
    nome: Text = ""
    tipo: Text = ""
    numeroDocumento: Document = ""  # noqa: N815
    telefone: Text = ""
    celular: Text = ""
    email: Text = ""


class Dimensions(Wire):
    """``unidadeMedida``: 0 metres, 1 centimetres, 2 millimetres."""

    largura: Amount = Decimal(0)
    altura: Amount = Decimal(0)
    profundidade: Amount = Decimal(0)
    unidadeMedida: OptionalInt = None  # noqa: N815


class Taxes(Wire):
    ncm: Text = ""


class Variation(Wire):
    """What makes a product a variation of another one; ``nome`` is like ``Cor:Verde``."""

    nome: Text = ""
    produtoPai: Reference = None  # noqa: N815


class Component(Wire):
    produto: Reference = None
    quantidade: Amount = Decimal(0)


class Structure(Wire):
    """What a kit (``formato`` E) is made of."""

    componentes: Annotated[tuple[Component, ...], BeforeValidator(_absent_list)] = ()


class InternalImage(Wire):
    """A picture that Bling keeps. Its link is signed, and works until ``validade``."""

    link: Text = ""
    validade: Text = ""
    ordem: OptionalInt = None


class ExternalImage(Wire):
    link: Text = ""


class Images(Wire):
    internas: Annotated[tuple[InternalImage, ...], BeforeValidator(_absent_list)] = ()
    externas: Annotated[tuple[ExternalImage, ...], BeforeValidator(_absent_list)] = ()


class Media(Wire):
    imagens: Annotated[Images, BeforeValidator(_empty_object)] = Images()


class Product(Wire):
    """``GET /produtos/{id}``. Weights in kilograms; ``volumes`` counts the parcels of one unit.

    ``situacao``: ``A`` active, ``I`` inactive, ``E`` deleted. ``formato`` ``E`` is a kit.
    """

    id: Id
    nome: Text = ""
    codigo: Text = ""
    preco: Amount = Decimal(0)
    situacao: Text = "A"
    formato: Text = "S"
    descricaoCurta: Text = ""  # noqa: N815
    gtin: Text = ""
    pesoLiquido: Amount = Decimal(0)  # noqa: N815
    pesoBruto: Amount = Decimal(0)  # noqa: N815
    volumes: OptionalInt = None
    dimensoes: Annotated[Dimensions, BeforeValidator(_empty_object)] = Dimensions()
    tributacao: Annotated[Taxes, BeforeValidator(_empty_object)] = Taxes()
    idProdutoPai: Reference = None  # noqa: N815
    variacao: Annotated[Variation, BeforeValidator(_empty_object)] = Variation()
    estrutura: Annotated[Structure, BeforeValidator(_empty_object)] = Structure()
    midia: Annotated[Media, BeforeValidator(_empty_object)] = Media()


class Invoice(Wire):
    """``GET /nfe/{id}``. ``tipo`` 0 is an incoming one; ``finalidade`` 1 is a sale's own."""

    id: Id
    tipo: OptionalInt = None
    situacao: Id
    finalidade: OptionalInt = None
    chaveAcesso: Text = ""  # noqa: N815


class Module(Wire):
    id: Id
    nome: Text = ""


class SituationDefinition(Wire):
    """An entry of ``GET /situacoes/modulos/{id}``."""

    id: Id
    nome: Text = ""
    idHerdado: Reference = None  # noqa: N815


class Action(Wire):
    """Something that Bling can do when an order changes its situação."""

    id: Id
    nome: Text = ""


class Transition(Wire):
    """A step from one situação to another (0: Bling names none), with the actions' ids."""

    id: Id
    ativo: Flag = True
    acoes: Annotated[tuple[_ReferencedId, ...], BeforeValidator(_absent_list)] = ()
    situacaoOrigem: _ReferencedId = 0  # noqa: N815
    situacaoDestino: _ReferencedId = 0  # noqa: N815


class Created(Wire):
    """What was created."""

    id: Annotated[Id, Field(gt=0)]


class Channel(Wire):
    """An entry of ``GET /canais-venda``. ``situacao``: 1 enabled, 2 disabled."""

    id: Id
    descricao: Text = ""
    tipo: Text = ""
    situacao: OptionalInt = None


class Branch(Wire):
    """A branch of the company, as one of its sales channels names it."""

    idUnidadeNegocio: Reference = None  # noqa: N815
    unidadeNegocio: Text = ""  # noqa: N815


class ChannelDetail(Channel):
    """``GET /canais-venda/{id}``."""

    filiais: Annotated[tuple[Branch, ...], BeforeValidator(_absent_list)] = ()


class LogisticsService(Wire):
    """An entry of ``GET /logisticas/servicos``."""

    id: Id
    descricao: Text = ""
    codigo: Text = ""
    aliases: Annotated[tuple[Text, ...], BeforeValidator(_absent_list)] = ()
    ativo: Flag = True
    logistica: Reference = None


class Logistics(Wire):
    """An entry of ``GET /logisticas``."""

    id: Id
    descricao: Text = ""


class Company(Wire):
    """``GET /empresas/me/dados-basicos``. ``id`` is the ``companyId`` of webhooks."""

    id: Annotated[str, Field(min_length=1)]
    nome: Text = ""


class Envelope(Wire):
    """A webhook. ``date`` has a precision of one second."""

    eventId: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")]  # noqa: N815
    date: AwareDatetime
    event: str
    companyId: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")]  # noqa: N815
    data: dict[str, Any]


class OrderHint(Wire):
    """The ``data`` of ``order.created`` and ``order.updated``."""

    id: Id
    data: Text = ""
    numero: Text = ""
    numeroLoja: Text = ""  # noqa: N815
    total: Amount = Decimal(0)
    contato: Reference = None
    vendedor: Reference = None
    loja: Reference = None
    situacao: Situation


class InvoiceHint(Wire):
    """The ``data`` of ``invoice.created`` and ``.updated``. ``tipo`` 0 is an incoming one."""

    id: Id
    tipo: OptionalInt = None
    situacao: OptionalInt = None
    contato: Reference = None


class ThingHint(Wire):
    """The ``data`` of every other webhook that we use: which record is meant."""

    id: Id


def _bearer(value: object) -> object:
    # Bling documents "Bearer" and answers "bearer".
    return value.lower() if isinstance(value, str) else value


class TokenPair(Wire):
    """The answer of the token endpoint. Both tokens may be some thousand characters long."""

    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: Annotated[str, Field(min_length=1)]
    expires_in: Annotated[int, Field(gt=0)]
    token_type: Annotated[Literal["bearer"], BeforeValidator(_bearer)] = "bearer"  # noqa: S105


def local_date(text: str) -> date | None:
    """Read ``YYYY-MM-DD``; None for what is no day of our time, ``0000-00-00`` among it."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def local_moment(text: str) -> datetime | None:
    """Read ``YYYY-MM-DD HH:MM:SS``; None for what is no moment of our time."""
    try:
        moment = datetime.strptime(text, _MOMENT).replace(tzinfo=BRASILIA)
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None


def local_text(moment: datetime) -> str:
    """Write a moment that is already local as Bling's filters want it."""
    return moment.strftime(_MOMENT)
