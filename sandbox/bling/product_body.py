"""The body of a product as it is written, and how variations and photos come out of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from sandbox.bling import bodies, errors
from sandbox.bling.bodies import Filled, Number, Part, Reference
from sandbox.bling.state import Json

READ_ONLY = ("id", "imagemURL", "idProdutoPai", "precoCusto", "fornecedor", "variacoes", "variacao")


class Stock(Part):
    """Limits and place; the balance is Bling's own to write."""

    minimo: Number = 0
    maximo: Number = 0
    crossdocking: int = 0
    localizacao: str = ""


class Size(Part):
    """Width, height, depth; the unit is read as a number or as a string."""

    largura: Number = 0
    altura: Number = 0
    profundidade: Number = 0
    unidadeMedida: Annotated[Literal[0, 1, 2], BeforeValidator(int)] = 1  # noqa: N815


class Taxes(Part):
    """What tax law wants to know of a product."""

    origem: int = 0
    ncm: str = ""
    cest: str = ""
    grupoProduto: Reference = Reference()  # noqa: N815


class Component(Part):
    """A part of a kit."""

    produto: Reference
    quantidade: Number


class Structure(Part):
    """What a kit is made of."""

    tipoEstoque: Literal["", "F", "V"] = ""  # noqa: N815
    lancamentoEstoque: Literal["", "A", "M", "P"] = ""  # noqa: N815
    componentes: list[Component] = Field(default_factory=list)


class Link(BaseModel):
    """A photo that lies elsewhere."""

    link: Filled


class Images(BaseModel):
    """Photos are written as links; the uploaded ones cannot be written."""

    imagensURL: list[Link] = Field(default_factory=list)  # noqa: N815


class Video(BaseModel):
    """A film."""

    url: str = ""


class Media(BaseModel):
    """Film and photos."""

    video: Video = Video()
    imagens: Images = Images()


class ProductBody(Part):
    """A product without what only Bling writes."""

    nome: Annotated[str, Field(min_length=1, max_length=120)]
    tipo: Literal["S", "P", "N"]
    situacao: Literal["A", "I"]
    formato: Literal["S", "V", "E"]
    codigo: str = ""
    preco: Number = 0
    descricaoCurta: str = ""  # noqa: N815
    dataValidade: str = ""  # noqa: N815
    unidade: str = ""
    pesoLiquido: Number = 0  # noqa: N815
    pesoBruto: Number = 0  # noqa: N815
    volumes: int = 0
    itensPorCaixa: Number = 0  # noqa: N815
    gtin: str = ""
    gtinEmbalagem: str = ""  # noqa: N815
    tipoProducao: Literal["P", "T"] = "P"  # noqa: N815
    condicao: Literal[0, 1, 2] = 0
    freteGratis: bool = False  # noqa: N815
    marca: str = ""
    descricaoComplementar: str = ""  # noqa: N815
    linkExterno: str = ""  # noqa: N815
    observacoes: str = ""
    descricaoEmbalagemDiscreta: str = ""  # noqa: N815
    categoria: Reference = Reference()
    estoque: Stock = Stock()
    dimensoes: Size = Size()
    tributacao: Taxes = Taxes()
    midia: Media = Media()
    linhaProduto: Reference = Reference()  # noqa: N815
    estrutura: Structure = Structure()
    camposCustomizados: list[Json] = Field(default_factory=list)  # noqa: N815
    artigoPerigoso: bool = False  # noqa: N815


class VariationName(Part):
    """What sets a variation apart."""

    nome: Filled
    ordem: int = 1


class Variation(ProductBody):
    """One variation of a product."""

    formato: Literal["S", "E"]
    variacao: VariationName


def completed(sent: Json) -> Json:
    """Check a product's body and complete it with empty values."""
    return _checked(ProductBody, sent)


def completed_variations(sent: Json) -> list[Json]:
    """Check the variations inside a product's body; they share its name, kind and situação.

    One that has an id keeps it: it is a variation that exists already.
    """
    listed = sent.get("variacoes") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise errors.validation("O campo variacoes é inválido")
    shared = {name: sent.get(name) for name in ("nome", "tipo", "situacao")}
    return [
        {**_checked(Variation, {"formato": "S", **shared, **one}), "id": _id_of(one)}
        for one in listed
    ]


def _id_of(sent: Json) -> int:
    found = sent.get("id") or 0
    if not isinstance(found, int):
        raise errors.validation("O campo variacoes.id é inválido")
    return found


def _checked(model: type[ProductBody], sent: Json) -> Json:
    read_only = [name for name in READ_ONLY if name not in model.model_fields]
    writable = {name: value for name, value in sent.items() if name not in read_only}
    body = bodies.completed(model, writable)
    body["estoque"].pop("saldoVirtualTotal", None)
    return body
