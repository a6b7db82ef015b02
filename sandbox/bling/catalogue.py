"""The goods that invented sellers sell, and product records made of them."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from sandbox.bling import documents
from sandbox.bling.state import Ids, Json, Record


@dataclass(frozen=True, slots=True)
class Good:
    """One kind of merchandise; weight in kilograms, width x height x depth in centimetres."""

    name: str
    code: str
    brand: str
    ncm: str
    price: float
    weight_kg: float
    size_cm: tuple[float, float, float]


GOODS = (
    Good("Luminária de mesa articulada", "LUM-ART", "Lume", "94052100", 129.9, 1.35, (18, 42, 18)),
    Good("Jogo de panelas antiaderente 5 peças", "PAN-ANT5", "Forja", "76151000", 289.0, 4.8,
         (38, 24, 38)),
    Good("Vaso de cerâmica esmaltada", "VAS-CER", "Barro Bom", "69139000", 74.5, 2.1, (20, 26, 20)),
    Good("Toalha de banho gigante", "TOA-GIG", "Algodoal", "63026000", 59.9, 0.62, (30, 8, 25)),
    Good("Cafeteira italiana 6 xícaras", "CAF-IT6", "Forja", "76151000", 96.0, 0.78, (16, 20, 11)),
    Good("Rede de descanso casal", "RED-CAS", "Sertão", "63069000", 179.9, 1.9, (40, 12, 30)),
    Good("Caderno costurado pautado", "CAD-COS", "Papel Manteiga", "48202000", 38.0, 0.31,
         (15, 2, 21)),
    Good("Chinelo de couro trançado", "CHI-COU", "Sertão", "64035990", 119.0, 0.7, (28, 11, 20)),
    Good("Kit de jardinagem 4 ferramentas", "JAR-KIT4", "Quintal", "82019000", 84.9, 1.15,
         (22, 9, 36)),
    Good("Almofada bordada 45 x 45", "ALM-BOR", "Algodoal", "94049000", 69.9, 0.55, (45, 14, 45)),
    Good("Garrafa térmica de aço 750 ml", "GAR-750", "Forja", "96170010", 109.9, 0.52, (8, 29, 8)),
    Good("Quebra-cabeça de madeira 500 peças", "QUE-500", "Marcenário", "95036000", 92.0, 0.95,
         (27, 7, 20)),
)  # fmt: skip

# Bling's unit codes for dimensions, with how many of the unit make a centimetre.
_UNITS = {0: 0.01, 1: 1.0, 2: 10.0}
_SIDES = ("largura", "altura", "profundidade")


def make_product(ids: Ids, random: Random, at: datetime, index: int) -> Record:
    """Make the company's product number `index`; goods repeat with new codes when all are used."""
    good = GOODS[index % len(GOODS)]
    edition = index // len(GOODS)
    suffix = f" - modelo {edition + 1}" if edition else ""
    product_id = ids.take()
    body: Json = {
        "id": product_id,
        "nome": good.name + suffix,
        "codigo": good.code + (f"-{edition + 1}" if edition else ""),
        "preco": good.price,
        "tipo": "P",
        "situacao": "A",
        "formato": "S",
        "descricaoCurta": f"{good.name}, da marca {good.brand}.",
        "imagemURL": "",
        **_handling(good, random, index),
        "midia": _media(ids, product_id, index),
        "linhaProduto": {"id": 0},
        "estrutura": {"tipoEstoque": "", "lancamentoEstoque": "", "componentes": []},
        "camposCustomizados": [],
        "artigoPerigoso": False,
        "variacoes": [],
    }
    return Record(body=body, created_at=at, changed_at=at)


def _handling(good: Good, random: Random, index: int) -> Json:
    return {
        "dataValidade": "0000-00-00",
        "unidade": "UN",
        "pesoLiquido": round(good.weight_kg * 0.92, 3),
        "pesoBruto": good.weight_kg,
        "volumes": 1,
        "itensPorCaixa": 1,
        "gtin": documents.gtin13(random),
        "gtinEmbalagem": "",
        "tipoProducao": "T",
        "condicao": 1,
        "freteGratis": False,
        "marca": good.brand,
        "descricaoComplementar": "",
        "linkExterno": "",
        "observacoes": "",
        "descricaoEmbalagemDiscreta": "",
        "categoria": {"id": 0},
        "estoque": _stock(random),
        "fornecedor": {
            "id": 0, "contato": {"id": 0, "nome": ""}, "codigo": "", "precoCusto": 0,
            "precoCompra": 0,
        },
        "dimensoes": _size(good, index),
        "tributacao": {"origem": 0, "ncm": good.ncm, "cest": "", "grupoProduto": {"id": 0}},
    }  # fmt: skip


def _stock(random: Random) -> Json:
    return {
        "minimo": 0, "maximo": 0, "crossdocking": 0, "localizacao": "",
        "saldoVirtualTotal": random.randrange(5, 400),
    }  # fmt: skip


def in_unit(size: Json, unit: int) -> Json:
    """Write a size in another of Bling's units."""
    factor = _UNITS[unit] / _UNITS[size["unidadeMedida"]]
    sides = {name: round(size[name] * factor, 3) for name in _SIDES}
    return {**sides, "unidadeMedida": unit}


def _size(good: Good, index: int) -> Json:
    size = {**dict(zip(_SIDES, good.size_cm, strict=True)), "unidadeMedida": 1}
    # Sellers mostly type centimetres; a few type metres, and clients must convert.
    return in_unit(size, 0 if index % len(GOODS) == 5 else 1)


def uploaded_photo(ids: Ids, order: int) -> Json:
    """Make a photo that Bling keeps; its links are signed at each reading."""
    return {"ordem": order, "anexo": {"id": ids.take()}, "anexoVinculo": {"id": ids.take()}}


def linked_photo(name: int) -> Json:
    """Make a photo that the seller keeps elsewhere."""
    return {"link": f"/fotos/externas/{name}.png"}


def _media(ids: Ids, product_id: int, index: int) -> Json:
    """Give a product uploaded photos, linked ones, or both; links are made at each reading."""
    internal: list[Any] = []
    if index % 3 != 2:
        internal = [uploaded_photo(ids, order) for order in (1, 2)]
    external = [linked_photo(product_id)] if index % 3 else []
    return {
        "video": {"url": ""},
        "imagens": {"externas": external, "internas": internal},
    }
