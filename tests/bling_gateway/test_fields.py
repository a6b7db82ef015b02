"""Nothing is silently lost: each field is carried, or in the table of what is not carried."""

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from services.bling_gateway import wire
from services.bling_gateway.reading.observe import OrderReading, order_observed
from services.bling_gateway.translation import catalogue
from services.bling_gateway.translation.sources import ReadOrder, ReadProduct
from tests.bling_gateway import builders
from tests.sandbox.bling_double import running_double

Json = dict[str, Any]

DOCS: Final = Path(__file__).parents[2] / "docs" / "bling-orders.md"
READ_AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMPONENT: Final = 501

_LABEL = (
    "transporte.etiqueta.nome transporte.etiqueta.endereco transporte.etiqueta.numero"
    " transporte.etiqueta.complemento transporte.etiqueta.bairro transporte.etiqueta.municipio"
    " transporte.etiqueta.uf transporte.etiqueta.cep transporte.etiqueta.nomePais"
)
# As Bling's API reference names them.
DOCUMENTED: Final = {
    "order": (
        "id numero numeroLoja data dataSaida dataPrevista totalProdutos total contato.id"
        " contato.nome contato.tipoPessoa contato.numeroDocumento situacao.id situacao.valor"
        " loja.id loja.unidadeNegocio.id numeroPedidoCompra outrasDespesas observacoes"
        " observacoesInternas desconto.valor desconto.unidade categoria.id notaFiscal.id"
        " tributacao.totalICMS tributacao.totalIPI itens[].id itens[].codigo itens[].unidade"
        " itens[].quantidade itens[].desconto itens[].valor itens[].aliquotaIPI itens[].descricao"
        " itens[].descricaoDetalhada itens[].produto.id itens[].comissao.base"
        " itens[].comissao.aliquota itens[].comissao.valor itens[].naturezaOperacao.id"
        " parcelas[].id parcelas[].dataVencimento parcelas[].valor parcelas[].observacoes"
        " parcelas[].caut parcelas[].formaPagamento.id transporte.fretePorConta transporte.frete"
        " transporte.quantidadeVolumes transporte.pesoBruto transporte.prazoEntrega"
        " transporte.contato.id transporte.contato.nome transporte.volumes[].id"
        " transporte.volumes[].servico transporte.volumes[].codigoRastreamento vendedor.id"
        " intermediador.cnpj intermediador.nomeUsuario taxas.taxaComissao taxas.custoFrete"
        " taxas.valorBase " + _LABEL
    ),
    "contact": (
        "id nome codigo fantasia situacao numeroDocumento telefone celular tipo indicadorIe ie rg"
        " inscricaoMunicipal orgaoEmissor email emailNotaFiscal orgaoPublico"
        " endereco.geral.endereco endereco.geral.cep endereco.cobranca.uf vendedor.id"
        " dadosAdicionais.dataNascimento"
        " dadosAdicionais.sexo dadosAdicionais.naturalidade financeiro.limiteCredito"
        " financeiro.condicaoPagamento financeiro.categoria.id pais.nome tiposContato[].id"
        " tiposContato[].descricao pessoasContato[].id pessoasContato[].descricao"
    ),
    "product": (
        "id nome codigo preco tipo situacao formato descricaoCurta imagemURL dataValidade unidade"
        " pesoLiquido pesoBruto volumes itensPorCaixa gtin gtinEmbalagem tipoProducao condicao"
        " freteGratis marca descricaoComplementar linkExterno observacoes"
        " descricaoEmbalagemDiscreta categoria.id estoque.minimo estoque.maximo"
        " estoque.crossdocking estoque.localizacao estoque.saldoVirtualTotal fornecedor.id"
        " fornecedor.contato.id fornecedor.contato.nome fornecedor.codigo fornecedor.precoCusto"
        " fornecedor.precoCompra actionEstoque dimensoes.largura dimensoes.altura"
        " dimensoes.profundidade dimensoes.unidadeMedida tributacao.origem tributacao.nFCI"
        " tributacao.ncm tributacao.cest tributacao.codigoListaServicos tributacao.spedTipoItem"
        " tributacao.codigoItem tributacao.percentualTributos tributacao.valorBaseStRetencao"
        " tributacao.valorStRetencao tributacao.valorICMSSubstituto tributacao.codigoExcecaoTipi"
        " tributacao.classeEnquadramentoIpi tributacao.valorIpiFixo tributacao.codigoSeloIpi"
        " tributacao.valorPisFixo tributacao.valorCofinsFixo tributacao.codigoANP"
        " tributacao.descricaoANP tributacao.percentualGLP tributacao.percentualGasNacional"
        " tributacao.percentualGasImportado tributacao.valorPartida tributacao.tipoArmamento"
        " tributacao.descricaoCompletaArmamento tributacao.dadosAdicionais"
        " tributacao.grupoProduto.id midia.video.url midia.imagens.imagensURL[].link"
        " midia.imagens.externas[].link midia.imagens.internas[].link"
        " midia.imagens.internas[].linkMiniatura midia.imagens.internas[].validade"
        " midia.imagens.internas[].ordem midia.imagens.internas[].anexo.id"
        " midia.imagens.internas[].anexoVinculo.id linhaProduto.id estrutura.tipoEstoque"
        " estrutura.lancamentoEstoque estrutura.componentes[].produto.id"
        " estrutura.componentes[].quantidade camposCustomizados[].idCampoCustomizado"
        " camposCustomizados[].idVinculo camposCustomizados[].valor camposCustomizados[].item"
        " artigoPerigoso variacoes[].nome variacao.nome variacao.ordem variacao.produtoPai.id"
        " variacao.produtoPai.cloneInfo"
    ),
    "invoice": (
        "id tipo situacao numero serie dataEmissao dataOperacao chaveAcesso valorNota finalidade"
        " numeroPedidoLoja contato.id naturezaOperacao.id loja.id transporte.frete itens[].codigo"
        " parcelas[].valor xml linkDanfe linkPDF"
    ),
}

# What each carried field is changed to, and what must be so for it to count.
CARRIED: Final[dict[str, dict[str, tuple[Any, Json]]]] = {
    "order": {
        "id": (99, {}),
        "numero": (77, {}),
        "numeroLoja": ("LJ-2", {}),
        "data": ("2026-11-21", {}),
        "totalProdutos": (250, {}),
        "total": (300, {}),
        "contato.id": (99, {}),
        "contato.nome": ("Bia", {"transporte.etiqueta.nome": "", "/contact": None}),
        "contato.tipoPessoa": ("E", {}),
        "contato.numeroDocumento": ("11.222.333/0001-81", {"/contact": None}),
        "situacao.id": (9, {}),
        "situacao.valor": (1, {}),
        "loja.id": (99, {}),
        "loja.unidadeNegocio.id": (99, {}),
        "outrasDespesas": (5, {}),
        "desconto.valor": (5, {}),
        "desconto.unidade": ("PERCENTUAL", {"desconto.valor": 5}),
        "notaFiscal.id": (99, {}),
        "itens[].codigo": ("OUTRO", {}),
        "itens[].quantidade": (3, {}),
        "itens[].valor": (100, {}),
        "itens[].descricao": ("Abajur", {}),
        "itens[].produto.id": (99, {}),
        "transporte.fretePorConta": (1, {}),
        "transporte.frete": (20, {}),
        "transporte.quantidadeVolumes": (2, {}),
        "transporte.pesoBruto": (3, {}),
        "transporte.volumes[].servico": ("Expresso", {}),
        "transporte.etiqueta.nome": ("Bia", {}),
        "transporte.etiqueta.endereco": ("Rua B", {}),
        "transporte.etiqueta.numero": ("13", {}),
        "transporte.etiqueta.complemento": ("Casa 2", {}),
        "transporte.etiqueta.bairro": ("Centro", {}),
        "transporte.etiqueta.municipio": ("Poá", {}),
        "transporte.etiqueta.uf": ("RJ", {}),
        "transporte.etiqueta.cep": ("01310-100", {}),
        "transporte.etiqueta.nomePais": ("Chile", {}),
    },
    "contact": {
        "nome": ("Bia", {"/order.transporte.etiqueta.nome": ""}),
        "numeroDocumento": ("11.222.333/0001-81", {}),
        "telefone": ("(11) 2222-3333", {"celular": ""}),
        "celular": ("(11) 91111-2222", {}),
        "tipo": ("E", {}),
        "email": ("bia@example.com", {}),
    },
    "product": {
        "nome": ("Abajur", {}),
        "codigo": ("OUTRO", {}),
        "preco": (1, {}),
        "situacao": ("I", {}),
        "formato": ("S", {"pesoBruto": 0, "pesoLiquido": 0}),
        "descricaoCurta": ("Outra", {}),
        "pesoLiquido": (5, {"pesoBruto": 0}),
        "pesoBruto": (5, {}),
        "volumes": (3, {"/order.transporte.quantidadeVolumes": 0}),
        "gtin": ("96385074", {}),
        "dimensoes.largura": (19, {}),
        "dimensoes.altura": (43, {}),
        "dimensoes.profundidade": (19, {}),
        "dimensoes.unidadeMedida": (2, {}),
        "tributacao.ncm": ("61091000", {}),
        "midia.imagens.externas[].link": ("https://shop.example/2.jpg", {}),
        "midia.imagens.internas[].link": ("https://b.example/2", {}),
        "midia.imagens.internas[].validade": ("2026-12-27 09:00:00", {}),
        "midia.imagens.internas[].ordem": (3, {}),
        "estrutura.componentes[].produto.id": (502, {"pesoBruto": 0, "pesoLiquido": 0}),
        "estrutura.componentes[].quantidade": (9, {"pesoBruto": 0, "pesoLiquido": 0}),
        "variacao.nome": ("Cor:Azul", {}),
        "variacao.produtoPai.id": (99, {}),
    },
    "invoice": {
        "tipo": (0, {}),
        "situacao": (9, {}),
        "chaveAcesso": ("41" * 22, {}),
        "finalidade": (4, {}),
    },
}
# They say which record it is: it was asked for by that very id.
ASKED_BY: Final = {("contact", "id"), ("product", "id"), ("invoice", "id")}


def not_carried() -> dict[str, list[str]]:
    """Read the table in the documentation."""
    section = DOCS.read_text().split("## What is not carried, and why")[1]
    listed: dict[str, list[str]] = {record: [] for record in DOCUMENTED}
    for row in re.findall(r"^\| (\w+) \| (`.+`) \|", section, re.MULTILINE):
        listed[row[0]] += re.findall(r"`([^`]+)`", row[1])
    return listed


def is_under(path: str, listed: list[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[]")) for one in listed)


ALL_FIELDS: Final = [(record, path) for record in DOCUMENTED for path in DOCUMENTED[record].split()]


@pytest.mark.parametrize(("record", "path"), ALL_FIELDS)
def test_each_documented_field_is_carried_or_listed(record: str, path: str) -> None:
    places = [path in CARRIED[record], is_under(path, not_carried()[record])]

    assert sum(places) == (0 if (record, path) in ASKED_BY else 1)


def test_the_table_lists_nothing_that_is_not_documented() -> None:
    for record, listed in not_carried().items():
        paths = DOCUMENTED[record].split()
        assert [one for one in listed if not any(is_under(path, [one]) for path in paths)] == []


@pytest.mark.parametrize(
    ("record", "path"), [(record, path) for record in CARRIED for path in CARRIED[record]]
)
def test_what_is_carried_changes_what_is_told(record: str, path: str) -> None:
    value, given = CARRIED[record][path]
    records = full_records()
    for place, needed in given.items():
        change(records, record, place, needed)
    before = told(records)

    change(records, record, path, value)

    assert told(records) != before


@pytest.mark.parametrize(
    ("record", "path"), [field for field in ALL_FIELDS if field[1] not in CARRIED[field[0]]]
)
def test_what_is_not_carried_changes_nothing(record: str, path: str) -> None:
    records = full_records()
    before = told(records)

    for value in (12345, None) if path.endswith("id") else ("outro", 12345, None):
        if (record, path) not in ASKED_BY:
            change(records, record, path, value)
            assert told(records) == before


async def test_what_the_double_shows_is_carried_or_listed() -> None:
    async with running_double() as double:
        await double.connect()
        await double.control("POST", "limits", per_second=1000, address_rules=False)
        order = await double.control("POST", "orders", situation=15)
        await double.control("POST", f"orders/{order['id']}/nfe")
        shown = {"order": (await double.api("GET", f"/pedidos/vendas/{order['id']}"))[1]["data"]}
        contact_id, invoice_id = shown["order"]["contato"]["id"], shown["order"]["notaFiscal"]["id"]
        shown["contact"] = (await double.api("GET", f"/contatos/{contact_id}"))[1]["data"]
        shown["invoice"] = (await double.api("GET", f"/nfe/{invoice_id}"))[1]["data"]
        listed = (await double.control("GET", "products"))["products"]
        products = [
            (await double.api("GET", f"/produtos/{product['id']}"))[1]["data"] for product in listed
        ]

    for record, body in [*shown.items(), *(("product", product) for product in products)]:
        unknown = {
            path
            for path in leaves(body)
            if path not in CARRIED[record]
            and (record, path) not in ASKED_BY
            and not is_under(path, not_carried()[record])
        }
        assert unknown == set(), record


# --- an order with everything that Bling documents


def full_records() -> dict[str, Any]:
    """Records in which every documented field has a value."""
    records: dict[str, Any] = {record: {} for record in DOCUMENTED}
    for record, path in ALL_FIELDS:
        change(records, record, path, "x")
    known = {
        "order": builders.order_json(
            itens=[builders.item_json(quantidade=2)],
            notaFiscal={"id": builders.INVOICE_ID},
            outrasDespesas=0,
        ),
        "contact": builders.contact_json(tipo="F"),
        "product": builders.product_json(
            formato="E",
            volumes=1,
            variacao={"nome": "Cor:Verde", "produtoPai": {"id": 77}},
            estrutura={"componentes": [{"produto": {"id": COMPONENT}, "quantidade": 2}]},
            midia={
                "imagens": {
                    "externas": [{"link": "https://shop.example/1.jpg"}],
                    "internas": [
                        {
                            "link": f"https://b.example/{n}",
                            "validade": "2026-11-27 09:00:00",
                            "ordem": n,
                        }
                        for n in (1, 2)
                    ],
                }
            },
        ),
        "invoice": builders.invoice_json(),
    }
    return {record: overlaid(records[record], known[record]) for record in records}


def told(records: dict[str, Any]) -> list[Json]:
    """Everything that is published of these records."""
    parts = {
        id_: wire.Product.model_validate(builders.product_json(id=id_, pesoBruto=id_ - 500))
        for id_ in (COMPONENT, 502)
    }
    product = wire.Product.model_validate(records["product"])
    order = wire.Order.model_validate(records["order"])
    contact = records["contact"]
    read = ReadOrder(
        order=order,
        contact=wire.Contact.model_validate(contact) if contact else None,
        products={product.id: ReadProduct(product, parts)},
        named_invoice=wire.Invoice.model_validate(records["invoice"]),
    )
    reading = OrderReading(READ_AT, 0.0, order, "1", read)
    fact = order_observed(reading, observation=1, hinted=(), trigger="webhook")
    return [
        fact.model_dump(mode="json"),
        *(image.model_dump(mode="json") for image in catalogue.product_images(product, READ_AT)),
        catalogue.product_content(ReadProduct(product, parts)).model_dump(mode="json"),
        {"active": catalogue.is_active(product), "deleted": catalogue.is_deleted(product)},
    ]


def change(records: dict[str, Any], record: str, path: str, value: Any) -> None:
    """Put a value at a place, in the record itself or, after a slash, in another one."""
    if path.startswith("/"):
        record, _, path = path[1:].partition(".")
        if not path:
            records[record] = value
            return
    place = records[record]
    steps = path.split(".")
    for step in steps[:-1]:
        place = entered(place, step)
    name = steps[-1]
    place[name.removesuffix("[]")] = [value] if name.endswith("[]") else value


def entered(place: Json, step: str) -> Json:
    name = step.removesuffix("[]")
    inner = place.setdefault(name, [{}] if step.endswith("[]") else {})
    found: Json = inner[0] if step.endswith("[]") else inner
    return found


def overlaid(base: Any, changes: Any) -> Any:
    if isinstance(base, dict) and isinstance(changes, dict):
        return copy.deepcopy(base) | {
            name: overlaid(base.get(name), value) for name, value in changes.items()
        }
    if isinstance(base, list) and isinstance(changes, list):
        return [overlaid(base[0] if base else None, each) for each in changes]
    return copy.deepcopy(changes)


def leaves(body: Any, path: str = "") -> Iterator[str]:
    """Name every field that holds a value, as ``itens[].produto.id``."""
    if isinstance(body, dict):
        for name, inner in body.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(body, list):
        for inner in body:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path
