"""Creating and replacing sales orders, with the checks that Bling makes."""

import copy
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.bling import contacts, errors, money, orders
from sandbox.bling.context import data, reached
from sandbox.bling.queries import DAY, json_object, path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.situations import OPEN
from sandbox.bling.state import Company, Json, Situation

REQUIRED = ("contato", "data", "dataSaida", "dataPrevista", "itens", "parcelas")
READ_ONLY = ("id", "numero", "totalProdutos", "total", "notaFiscal", "situacao")

_DEFAULTS: Json = {
    "numeroLoja": "",
    "loja": {"id": 0, "unidadeNegocio": {"id": 0}},
    "numeroPedidoCompra": "",
    "outrasDespesas": 0,
    "observacoes": "",
    "observacoesInternas": "",
    "desconto": {"valor": 0, "unidade": "REAL"},
    "categoria": {"id": 0},
    "tributacao": {"totalICMS": 0, "totalIPI": 0},
    "transporte": {
        "fretePorConta": 0,
        "frete": 0,
        "quantidadeVolumes": 0,
        "pesoBruto": 0,
        "prazoEntrega": 0,
        "contato": {"id": 0, "nome": ""},
        "etiqueta": dict.fromkeys(
            ("nome", "endereco", "numero", "complemento", "municipio", "uf", "cep", "bairro",
             "nomePais"), "",
        ),
        "volumes": [],
    },
    "vendedor": {"id": 0},
    "intermediador": {"cnpj": "", "nomeUsuario": ""},
    "taxas": {"taxaComissao": 0, "custoFrete": 0, "valorBase": 0},
}  # fmt: skip


async def create_order(request: web.Request) -> web.Response:
    """Create an order; the answer does not tell its number."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    situation = _situation(company, sent)
    body = _checked(company, sent)
    for part in [*body["itens"], *body["parcelas"], *body["transporte"]["volumes"]]:
        part.pop("id", None)
    body["notaFiscal"] = {"id": 0}
    orders.number_parts(sandbox, body)
    order = orders.store(sandbox, company, body, situation, "api")
    return data({"id": order.id, "alertas": [], "rastreamento": {}}, status=201)


async def replace_order(request: web.Request) -> web.Response:
    """Replace an order: whatever the body leaves out is emptied, the situação stays."""
    sandbox, company = reached(request)
    order = company.live_order(path_id(request, "order_id"))
    if order is None:
        raise errors.not_found()
    body = _checked(company, await json_object(request))
    _check_instalment_ids(order.body, body)
    kept = {name: copy.deepcopy(order.body[name]) for name in READ_ONLY}
    body = {**body, **kept}
    _renew_volumes(order.body, body)
    if _content(body) == _content(order.body):
        text = "Informações idênticas a última venda salva, aguarde para salvar novamente"
        raise errors.order_not_saved(errors.field(errors.IDENTICAL_ORDER, text, "venda"))
    _finish(sandbox, company, order.id, body)
    return data({"id": order.id, "alertas": [], "rastreamento": {}})


def _finish(sandbox: Sandbox, company: Company, order_id: int, body: Json) -> None:
    orders.number_parts(sandbox, body)
    money.set_totals(body)
    order = company.orders[order_id]
    order.body = body
    orders.changed(sandbox, company, order)


def _checked(company: Company, sent: Json) -> Json:
    """Check a body and complete it with empty values."""
    for name in REQUIRED:
        if not sent.get(name):
            raise errors.missing(name)
    try:
        for name in ("data", "dataSaida", "dataPrevista"):
            datetime.strptime(sent[name], DAY)  # noqa: DTZ007 - a day without zone
        body = orders.deep_merge(_DEFAULTS, _writable(sent))
        _check_shapes(body)
        body["contato"] = _contact(company, sent["contato"])
        _check_items(body["itens"])
        _check_instalments(company, body)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        # Bling's own complaint about wrong types is not documented.
        raise errors.validation("Os dados informados são inválidos") from error
    return body


def _writable(sent: Json) -> Json:
    return {
        name: value for name, value in sent.items() if name not in READ_ONLY and value is not None
    }


def _check_shapes(body: Json) -> None:
    for name, empty in _DEFAULTS.items():
        if isinstance(empty, dict) and not isinstance(body[name], dict):
            raise TypeError(name)
    parts = (body["itens"], body["parcelas"], body["transporte"]["volumes"])
    if not all(isinstance(part, dict) for several in parts for part in several):
        raise TypeError("a part of the order is no object")


def _contact(company: Company, sent: Json) -> Json:
    contact = company.contacts.get(int(sent["id"]))
    if contact is None:
        raise errors.validation("O contato informado não foi encontrado")
    return contacts.brief(contact)


def _check_items(items: list[Json]) -> None:
    for item in items:
        for name in ("quantidade", "valor", "descricao"):
            if item.get(name) in (None, ""):
                raise errors.missing(f"itens.{name}")
        float(item["quantidade"])
        float(item["valor"])


def _check_instalments(company: Company, body: Json) -> None:
    wrong = [
        {
            "index": index,
            "code": errors.BAD_PAYMENT_METHOD,
            "msg": "Id da forma de pagamento inválido.",
            "element": "formaPagamento",
        }
        for index, part in enumerate(body["parcelas"])
        if part.get("formaPagamento", {}).get("id", 0) not in (0, *company.payment_methods)
    ]
    if wrong:
        text = "Existem erros nas parcelas"
        field = errors.field(errors.ERRORS_IN_INSTALMENTS, text, "parcelas", collection=wrong)
        raise errors.order_not_saved(field)
    if money.instalments_total(body) != money.order_total(body):
        text = "O somatório do valor das parcelas difere do total da venda"
        raise errors.order_not_saved(errors.field(errors.INSTALMENTS_DIFFER, text, "parcelas"))


def _check_instalment_ids(saved: Json, body: Json) -> None:
    known = {part["id"] for part in saved["parcelas"]}
    if any(part.get("id") and part["id"] not in known for part in body["parcelas"]):
        raise errors.validation("O id da parcela informada é inválido")


def _renew_volumes(saved: Json, body: Json) -> None:
    """Keep the id of a volume only while its logistics service stays the same."""
    services = {volume["id"]: volume["servico"] for volume in saved["transporte"]["volumes"]}
    for volume in body["transporte"]["volumes"]:
        if services.get(volume.get("id")) != volume.get("servico"):
            volume.pop("id", None)


def _situation(company: Company, sent: Json) -> Situation:
    named = sent.get("situacao") or {}
    wanted = named.get("id", OPEN) if isinstance(named, dict) else None
    if not isinstance(wanted, int) or wanted not in company.situations:
        raise errors.validation("A situação informada não foi encontrada")
    return company.situations[wanted]


def _content(body: Json) -> Any:
    """Take away what does not count when two versions of an order are compared."""
    plain = {name: value for name, value in body.items() if name not in READ_ONLY}
    for name in ("itens", "parcelas"):
        plain[name] = [{k: v for k, v in part.items() if k != "id"} for part in plain[name]]
    return plain
