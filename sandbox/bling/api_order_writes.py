"""Creating and replacing sales orders, with the checks that Bling makes."""

import copy
from typing import Any

from aiohttp import web

from sandbox.bling import contacts, errors, invoices, money, order_body, orders
from sandbox.bling.context import data, reached
from sandbox.bling.errors import ApiError
from sandbox.bling.queries import json_object, path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.situations import OPEN
from sandbox.bling.state import Company, Json, Order, Situation


async def create_order(request: web.Request) -> web.Response:
    """Create an order; the answer does not tell its number."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    situation = _situation(company, sent)
    body = order_body.completed(sent)
    body["contato"] = _contact(company, body["contato"])
    _check_products(company, body, saved=[])
    _check_instalments(company, body)
    for part in [*body["itens"], *body["parcelas"], *body["transporte"]["volumes"]]:
        part.pop("id")
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
    body = order_body.completed(await json_object(request))
    _check_not_invoiced(sandbox, company, order)
    _keep_contact(company, order.body, body)
    _check_products(company, body, saved=order.body["itens"])
    _check_instalments(company, body)
    _check_instalment_ids(order.body, body)
    if _content(body) == _saved_content(order):
        text = "Informações idênticas a última venda salva, aguarde para salvar novamente"
        raise errors.order_not_saved(errors.field(errors.IDENTICAL_ORDER, text, "venda"))
    _replace(sandbox, company, order, body)
    return data({"id": order.id, "alertas": [], "rastreamento": {}})


def _replace(sandbox: Sandbox, company: Company, order: Order, body: Json) -> None:
    _renew_items(order.body, body)
    _renew_volumes(order.body, body)
    orders.renew_instalments(body)
    orders.number_parts(sandbox, body)
    kept = {name: copy.deepcopy(order.body[name]) for name in order_body.READ_ONLY}
    order.body = {**body, **kept}
    money.set_totals(order.body)
    orders.changed(sandbox, company, order)


def _check_not_invoiced(sandbox: Sandbox, company: Company, order: Order) -> None:
    if invoices.is_issued(company, order) and not sandbox.unconfirmed.invoiced_order_writable:
        raise errors.validation(
            "Não foi possível salvar a venda",
            description="A venda possui nota fiscal emitida e não pode ser alterada.",
        )


def _contact(company: Company, sent: Json) -> Json:
    contact = company.contacts.get(sent["id"])
    if contact is None:
        raise errors.validation("O contato informado não foi encontrado")
    return contacts.brief(contact)


def _keep_contact(company: Company, saved: Json, body: Json) -> None:
    """Write down another contact's name and document; those of the same one stay as they are."""
    same = body["contato"]["id"] == saved["contato"]["id"]
    body["contato"] = (
        copy.deepcopy(saved["contato"]) if same else _contact(company, body["contato"])
    )


def _check_products(company: Company, body: Json, *, saved: list[Json]) -> None:
    """Refuse unknown products; an item may keep one that was deleted since."""
    known = {0, *company.products, *(_product_id(item) for item in saved)}
    if not {_product_id(item) for item in body["itens"]} <= known:
        raise errors.validation("O produto informado não foi encontrado")


def _product_id(item: Json) -> int:
    return int((item.get("produto") or {}).get("id") or 0)


def _check_instalments(company: Company, body: Json) -> None:
    wrong = [
        {
            "index": index,
            "code": errors.BAD_PAYMENT_METHOD,
            "msg": "Id da forma de pagamento inválido.",
            "element": "formaPagamento",
            "namespace": "VENDAS",
        }
        for index, part in enumerate(body["parcelas"])
        if part["formaPagamento"]["id"] not in (0, *company.payment_methods)
    ]
    if wrong:
        text = "Existem erros nas parcelas"
        field = errors.field(errors.ERRORS_IN_INSTALMENTS, text, "parcelas", collection=wrong)
        raise errors.order_not_saved(field)
    if money.instalments_total(body) != money.order_total(body):
        text = "O somatório do valor das parcelas difere do total da venda"
        raise errors.order_not_saved(errors.field(errors.INSTALMENTS_DIFFER, text, "parcelas"))


def _check_instalment_ids(saved: Json, body: Json) -> None:
    """Refuse the id of an instalment from before the last save."""
    known = {0, *(part["id"] for part in saved["parcelas"])}
    if not {part["id"] for part in body["parcelas"]} <= known:
        raise errors.validation("O id da parcela informada é inválido")


def _renew_items(saved: Json, body: Json) -> None:
    """Keep an item's id only if the order has such an item."""
    known = {item["id"] for item in saved["itens"]}
    for item in body["itens"]:
        if item["id"] not in known:
            item["id"] = 0


def _renew_volumes(saved: Json, body: Json) -> None:
    """Keep the id of a volume only while its logistics service stays the same."""
    volumes = (saved.get("transporte") or {}).get("volumes") or []
    services = {volume["id"]: volume.get("servico", "") for volume in volumes}
    for volume in body["transporte"]["volumes"]:
        if services.get(volume["id"]) != volume["servico"]:
            volume["id"] = 0


def _situation(company: Company, sent: Json) -> Situation:
    named = sent.get("situacao") or {}
    wanted = named.get("id", OPEN) if isinstance(named, dict) else None
    if not isinstance(wanted, int) or wanted not in company.situations:
        raise errors.validation("A situação informada não foi encontrada")
    return company.situations[wanted]


def _saved_content(order: Order) -> Any:
    try:
        return _content(order_body.completed(order.body))
    except ApiError:
        # A control gave this order what the API would not take: no body equals it.
        return None


def _content(body: Json) -> Any:
    """Take away what does not count when two versions of an order are compared."""
    plain = {**body, "contato": body["contato"]["id"]}
    for name in ("itens", "parcelas"):
        plain[name] = [{k: v for k, v in part.items() if k != "id"} for part in plain[name]]
    return plain
