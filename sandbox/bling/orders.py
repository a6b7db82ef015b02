"""What can happen to a sales order, whoever does it, and the webhooks that tell of it."""

import copy
from typing import Any

from sandbox.bling import money, postings, transitions
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.situations import CANCELLED
from sandbox.bling.state import Author, Company, Json, Order, Situation, SituationChange

SUMMARY = (
    "id", "numero", "numeroLoja", "data", "dataSaida", "dataPrevista", "totalProdutos", "total",
    "contato", "situacao", "loja",
)  # fmt: skip


def store(
    sandbox: Sandbox, company: Company, body: Json, situation: Situation, by: Author
) -> Order:
    """Keep a new order and tell of it; number, totals and situação are filled in here."""
    now = sandbox.clock()
    company.orders_made += 1
    body["id"] = sandbox.ids.take()
    body["numero"] = company.orders_made
    body["situacao"] = reference(situation)
    money.set_totals(body)
    history = [SituationChange(situation, now, by)]
    order = Order(body=body, created_at=now, changed_at=now, history=history)
    order.keep_version()
    company.orders[order.id] = order
    sandbox.webhooks.announce(company, "order.created", hint(order))
    return order


def take_on_situation(
    sandbox: Sandbox, company: Company, order: Order, situation: Situation, by: Author
) -> None:
    """Put an order in a situação, with what the seller's transition does besides.

    Taking on the situação that it has changes nothing.
    """
    if order.body["situacao"]["id"] == situation.id:
        return
    transition = transitions.active(company, order.body["situacao"]["id"], situation.id)
    if transition is not None:
        postings.run_actions(sandbox, company, order, transition["acoes"])
    order.body["situacao"] = reference(situation)
    order.history.append(SituationChange(situation, sandbox.clock(), by))
    changed(sandbox, company, order)


def edit(sandbox: Sandbox, company: Company, order: Order, changes: Json) -> None:
    """Change parts of an order as the seller would on the screen; instalments follow the total."""
    merged = deep_merge(order.body, changes)
    renew_instalments(merged)
    number_parts(sandbox, merged)
    money.set_totals(merged)
    money.respread_instalments(merged)
    order.body = merged
    changed(sandbox, company, order)


def delete(sandbox: Sandbox, company: Company, order: Order, by: Author) -> None:
    """Delete an order; Bling cancels it on the way out."""
    take_on_situation(sandbox, company, order, company.situations[CANCELLED], by)
    order.deleted = True
    sandbox.webhooks.announce(company, "order.deleted", {"id": order.id})


def changed(sandbox: Sandbox, company: Company, order: Order) -> None:
    """Note the time of a change and tell of it."""
    order.changed_at = sandbox.clock()
    order.keep_version()
    sandbox.webhooks.announce(company, "order.updated", hint(order))


def renew_instalments(body: Json) -> None:
    """Take the ids from the instalments: every save of an order makes them anew."""
    for part in body["parcelas"]:
        part["id"] = 0


def number_parts(sandbox: Sandbox, body: Json) -> None:
    """Give ids to the items, instalments and volumes that have none."""
    volumes = (body.get("transporte") or {}).get("volumes") or []
    for part in [*body["itens"], *body["parcelas"], *volumes]:
        if not part.get("id"):
            part["id"] = sandbox.ids.take()


def reference(situation: Situation) -> Json:
    """Write a situação as orders carry it: without its name."""
    return {"id": situation.id, "valor": situation.valor}


def summary(order: Order) -> Json:
    """Show an order as lists do."""
    return {name: copy.deepcopy(order.body[name]) for name in SUMMARY}


def detail(order: Order) -> Json:
    """Show an order whole."""
    shown: Json = _quoted(order.body) if order.numbers_as_text else order.body
    return shown


def hint(order: Order) -> Json:
    """Show an order as webhooks do."""
    body = order.body
    return {
        "id": order.id,
        "data": body["data"],
        "numero": body["numero"],
        "numeroLoja": body["numeroLoja"],
        "total": body["total"],
        "contato": {"id": body["contato"]["id"]},
        "vendedor": {"id": body["vendedor"]["id"]},
        "loja": {"id": body["loja"]["id"]},
        "situacao": dict(body["situacao"]),
    }


def deep_merge(base: Json, changes: Json) -> Json:
    """Lay changes over a copy of a JSON object; lists and plain values replace."""
    merged: Json = copy.deepcopy(base)
    for name, value in changes.items():
        below: Any = merged.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[name] = deep_merge(below, value)
        else:
            merged[name] = copy.deepcopy(value)
    return merged


def _quoted(content: Any) -> Any:
    match content:
        case dict():
            return {name: _quoted(value) for name, value in content.items()}
        case list():
            return [_quoted(value) for value in content]
        case int() | float() if not isinstance(content, bool):
            return str(content)
        case _:
            return content
