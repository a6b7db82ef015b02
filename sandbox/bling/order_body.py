"""The body of a sales order as it is written: what is left out is empty, numbers may be strings."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sandbox.bling import bodies
from sandbox.bling.bodies import Filled, Number, Part, Reference
from sandbox.bling.queries import DAY
from sandbox.bling.state import Json

READ_ONLY = ("id", "numero", "totalProdutos", "total", "notaFiscal", "situacao")


def _iso_day(text: str) -> str:
    return datetime.strptime(text, DAY).date().isoformat()  # noqa: DTZ007 - a day without zone


Day = Annotated[str, AfterValidator(_iso_day)]


class Store(Reference):
    """A sales channel and the business unit that sold."""

    unidadeNegocio: Reference = Reference()  # noqa: N815


class Discount(Part):
    """Of the whole order: an amount, or a percentage of the items."""

    valor: Number = 0
    unidade: Literal["REAL", "PERCENTUAL"] = "REAL"


class Taxes(Part):
    """Taxes of the whole order."""

    totalICMS: Number = 0  # noqa: N815
    totalIPI: Number = 0  # noqa: N815


class Commission(Part):
    """What a seller's agent gets for an item."""

    base: Number = 0
    aliquota: Number = 0
    valor: Number = 0


class Item(Part):
    """One line of an order."""

    id: int = 0
    codigo: str = ""
    unidade: str = ""
    quantidade: Number
    desconto: Number = 0
    valor: Number
    aliquotaIPI: Number = 0  # noqa: N815
    descricao: Filled
    descricaoDetalhada: str = ""  # noqa: N815
    produto: Reference | None = None
    comissao: Commission = Commission()
    naturezaOperacao: Reference = Reference()  # noqa: N815


class Instalment(Part):
    """One instalment."""

    id: int = 0
    dataVencimento: str = ""  # noqa: N815
    valor: Number = 0
    observacoes: str = ""
    caut: str = ""
    formaPagamento: Reference = Reference()  # noqa: N815


class Carrier(Reference):
    """Who carries."""

    nome: str = ""


class Label(Part):
    """Where the order goes."""

    nome: str = ""
    endereco: str = ""
    numero: str = ""
    complemento: str = ""
    municipio: str = ""
    uf: str = ""
    cep: str = ""
    bairro: str = ""
    nomePais: str = ""  # noqa: N815


class Volume(Part):
    """One parcel."""

    id: int = 0
    servico: str = ""
    codigoRastreamento: str = ""  # noqa: N815


class Transport(Part):
    """How the order travels."""

    fretePorConta: int = 0  # noqa: N815
    frete: Number = 0
    quantidadeVolumes: int = 0  # noqa: N815
    pesoBruto: Number = 0  # noqa: N815
    prazoEntrega: int = 0  # noqa: N815
    contato: Carrier = Carrier()
    etiqueta: Label = Label()
    volumes: list[Volume] = Field(default_factory=list)


class Agent(Part):
    """The marketplace in between."""

    cnpj: str = ""
    nomeUsuario: str = ""  # noqa: N815


class Fees(Part):
    """What the marketplace takes."""

    taxaComissao: Number = 0  # noqa: N815
    custoFrete: Number = 0  # noqa: N815
    valorBase: Number = 0  # noqa: N815


class OrderBody(Part):
    """A sales order without what only Bling writes."""

    contato: Reference
    data: Day
    dataSaida: Day  # noqa: N815
    dataPrevista: Day  # noqa: N815
    itens: Annotated[list[Item], Field(min_length=1)]
    parcelas: Annotated[list[Instalment], Field(min_length=1)]
    numeroLoja: str = ""  # noqa: N815
    loja: Store = Store()
    numeroPedidoCompra: str = ""  # noqa: N815
    outrasDespesas: Number = 0  # noqa: N815
    observacoes: str = ""
    observacoesInternas: str = ""  # noqa: N815
    desconto: Discount = Discount()
    categoria: Reference = Reference()
    tributacao: Taxes = Taxes()
    transporte: Transport = Transport()
    vendedor: Reference = Reference()
    intermediador: Agent = Agent()
    taxas: Fees = Fees()


def completed(sent: Json) -> Json:
    """Check a body's types and complete it with empty values; refuse it as Bling's API does."""
    writable = {name: value for name, value in sent.items() if name not in READ_ONLY}
    return bodies.completed(OrderBody, writable)
