"""Bling's JSON with sane defaults, so that each test shows only what it is about."""

from typing import Any

from services.bling_gateway import wire
from services.bling_gateway.translation.sources import ReadOrder, ReadProduct

Json = dict[str, Any]

ORDER_ID = 26_737_111_955
CONTACT_ID = 17_000_000_001
PRODUCT_ID = 16_000_000_007
INVOICE_ID = 19_000_000_003
ACCESS_KEY = "3526112BCDEF000100550010000000421000000427AB"[:44].ljust(44, "0")


def order_json(**changes: Any) -> Json:
    """An order of two lamps; keyword arguments replace top-level fields."""
    return {
        "id": ORDER_ID,
        "numero": 1042,
        "numeroLoja": "LJ-88213",
        "data": "2026-11-20",
        "totalProdutos": 259.8,
        "total": 278.3,
        "desconto": {"valor": 0, "unidade": "REAL"},
        "contato": {"id": CONTACT_ID, "nome": "Ana Zanetti", "numeroDocumento": "529.982.247-25"},
        "situacao": {"id": 15, "valor": 3},
        "loja": {"id": 205_000_001, "unidadeNegocio": {"id": 0}},
        "notaFiscal": {"id": 0},
        "vendedor": {"id": 0},
        "itens": [item_json()],
        "transporte": transport_json(),
    } | changes


def item_json(**changes: Any) -> Json:
    """Two lamps."""
    return {
        "id": 1,
        "codigo": "LUM-ART",
        "quantidade": 2,
        "valor": 129.9,
        "desconto": 10,
        "descricao": "Luminária de mesa",
        "produto": {"id": PRODUCT_ID},
    } | changes


def transport_json(**changes: Any) -> Json:
    """Freight, one parcel of 2.7 kg and the delivery address."""
    return {
        "fretePorConta": 0,
        "frete": 18.5,
        "quantidadeVolumes": 1,
        "pesoBruto": 2.7,
        "etiqueta": label_json(),
        "volumes": [{"id": 9, "servico": "Econômico", "codigoRastreamento": ""}],
    } | changes


def label_json(**changes: Any) -> Json:
    """A complete address in São Paulo."""
    return {
        "nome": "Ana Zanetti",
        "endereco": "Rua das Acácias",
        "numero": "12",
        "complemento": "Apto 42",
        "bairro": "Vila Mariana",
        "municipio": "São Paulo",
        "uf": "SP",
        "cep": "04101-002",
        "nomePais": "",
    } | changes


def contact_json(**changes: Any) -> Json:
    """A natural person who can be called and written to."""
    return {
        "id": CONTACT_ID,
        "nome": "Ana Zanetti",
        "numeroDocumento": "529.982.247-25",
        "telefone": "(11) 3456-7890",
        "celular": "(11) 98765-4321",
        "email": "ana@example.com",
    } | changes


def product_json(**changes: Any) -> Json:
    """A lamp of 1.35 kg and 18 x 42 x 18 cm."""
    return {
        "id": PRODUCT_ID,
        "nome": "Luminária de mesa",
        "codigo": "LUM-ART",
        "preco": 129.9,
        "situacao": "A",
        "descricaoCurta": "<p>Articulada,&nbsp;com base <b>pesada</b></p>",
        "gtin": "7891234567895",
        "pesoLiquido": 1.2,
        "pesoBruto": 1.35,
        "dimensoes": {"largura": 18, "altura": 42, "profundidade": 18, "unidadeMedida": 1},
        "tributacao": {"ncm": "9405.21.00"},
    } | changes


def invoice_json(**changes: Any) -> Json:
    """An authorised NF-e of a sale."""
    return {
        "id": INVOICE_ID,
        "tipo": 1,
        "situacao": 5,
        "chaveAcesso": ACCESS_KEY,
        "finalidade": 1,
    } | changes


def read_product(product: Json | None = None, *components: Json) -> ReadProduct:
    """What the gateway reads of a product."""
    parts = [wire.Product.model_validate(component) for component in components]
    return ReadProduct(
        wire.Product.model_validate(product or product_json()), {part.id: part for part in parts}
    )


def read_order(
    order: Json | None = None,
    *,
    contact: Json | None = None,
    product: Json | None = None,
    invoice: Json | None = None,
) -> ReadOrder:
    """What the gateway reads of an order."""
    return ReadOrder(
        order=wire.Order.model_validate(order or order_json()),
        contact=wire.Contact.model_validate(contact or contact_json()),
        products={PRODUCT_ID: read_product(product)},
        named_invoice=wire.Invoice.model_validate(invoice) if invoice else None,
    )
