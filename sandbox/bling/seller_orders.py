"""The seller's pages of sales orders: the list, a new order, one order with all its deeds."""

import math

from aiohttp import web

from sandbox.bling import invoices, logistics, orders, postings, transitions
from sandbox.bling.new_orders import SERVICE, NewOrder, place_order
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.seller_form import Form, FormError
from sandbox.bling.seller_page import act, home, missing, part, path_id, reached, render
from sandbox.bling.situations import CANCELLED, OPEN
from sandbox.bling.state import Company, Json, Order, Situation

ROWS = 50
NEW_ITEMS = 4
MOST_VOLUMES = 100
DELETED = "deleted"

INVOICE_STATES = {
    1: "Pendente", 2: "Cancelada", 3: "Aguardando recibo", 4: "Rejeitada", 5: "Autorizada",
    6: "Emitida DANFE", 7: "Registrada", 8: "Aguardando protocolo", 9: "Denegada",
    10: "Consulta situação", 11: "Bloqueada",
}  # fmt: skip
CUSTOMERS = {
    "plain": "Comum", "masked": "Oculto pelo marketplace", "foreign": "Do exterior",
    "alphanumeric": "Empresa com CNPJ alfanumérico",
}  # fmt: skip
_ADDRESS = {
    "nome": "Destinatário", "endereco": "Endereço", "numero": "Número",
    "complemento": "Complemento", "bairro": "Bairro", "cep": "CEP", "municipio": "Município",
    "uf": "UF",
}  # fmt: skip
_NOTES = {"observacoes": "Observações", "observacoesInternas": "Observações internas"}
_AUTHORS = {"seller": "vendedor", "api": "integração", "bling": "Bling"}


async def list_orders(request: web.Request) -> web.Response:
    """List a company's orders, the newest first; of one situação, or the deleted ones."""
    _, company = reached(request)
    wanted = request.query.get("situation", "")
    found = [order for order in reversed(company.orders.values()) if _is_wanted(order, wanted)]
    pages = max(1, math.ceil(len(found) / ROWS))
    asked = request.query.get("page", "")
    page = min(pages, int(asked)) if asked.isascii() and asked.isdigit() and asked != "0" else 1
    content = {
        "rows": [_row(company, order) for order in found[(page - 1) * ROWS : page * ROWS]],
        "count": len(found),
        "page": page,
        "pages": pages,
        "situations": company.situations.values(),
        "wanted": wanted,
    }
    return render(request, "orders", content)


async def show_new_order(request: web.Request) -> web.Response:
    """Offer a new order."""
    _, company = reached(request)
    content = {
        "products": list(company.products.values()),
        "suggested": [product.id for product in company.products.values()][:2],
        "item_numbers": range(1, NEW_ITEMS + 1),
        "channels": company.channels.values(),
        "services": [one["descricao"] for one in logistics.services(company)],
        "service": SERVICE,
        "situations": company.situations.values(),
        "open": OPEN,
        "customers": CUSTOMERS,
    }
    return render(request, "new_order", content)


async def act_on_new_order(request: web.Request) -> web.Response:
    """Place an order."""
    return await act(request, {"create": _create}, show_new_order)


async def show_order(request: web.Request) -> web.Response:
    """Show one order with everything that the seller can do with it."""
    _, company, order = _reached_order(request)
    invoice = company.invoices.get(order.body["notaFiscal"]["id"])
    content = {
        "order": order,
        "row": _row(company, order),
        "address": _ADDRESS,
        "notes": _NOTES,
        "volumes": part(order.body, "transporte", "volumes") or [],
        "products": list(company.products.values()),
        "steps": [(one, _effects(company, order, one)) for one in company.situations.values()],
        "cancelled": CANCELLED,
        "invoice": invoice,
        "invoice_states": INVOICE_STATES,
        "authors": _AUTHORS,
    }
    return render(request, "order", content)


async def act_on_order(request: web.Request) -> web.Response:
    """Do one of the seller's deeds with an order."""
    return await act(request, _DEEDS, show_order)


async def _create(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company = reached(request)
    chosen = [n for n in range(1, NEW_ITEMS + 1) if form.has(f"product-{n}")]
    if not chosen:
        raise FormError("Itens: escolha pelo menos um produto.")
    wish = NewOrder(
        situation=_situation(company, form).id,
        product_ids=tuple(_product(company, form, f"product-{n}") for n in chosen),
        quantities=tuple(_quantity(form, f"quantity-{n}", f"Quantidade {n}") for n in chosen),
        store=int(form.chosen("store", "Loja", ["0", *map(str, company.channels)])),
        customer=form.chosen("customer", "Cliente", CUSTOMERS),
        volumes=form.whole("volumes", "Volumes", most=MOST_VOLUMES),
        service=form.text("service", "Serviço de entrega"),
    )
    order = place_order(sandbox, company, wish)
    if form.has("invoice"):
        invoices.issue(sandbox, company, order, invoices.AUTHORISED)
    return _address(company, order), "created"


async def _edit(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company, order = _live_order(request)
    count = form.whole("volumes", "Volumes", most=MOST_VOLUMES)
    changes: Json = {
        "transporte": {
            "etiqueta": {name: form.text(name, label) for name, label in _ADDRESS.items()},
            "volumes": _volumes(order, count, form.text("service", "Serviço de entrega")),
            "quantidadeVolumes": count,
        },
        "itens": [*_kept_items(order, form), *_added_item(company, form)],
        **{name: form.text(name, label) for name, label in _NOTES.items()},
    }
    if not changes["itens"]:
        raise FormError("Itens: deixe pelo menos um no pedido.")
    orders.edit(sandbox, company, order, changes)
    return _address(company, order), "saved"


async def _move(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company, order = _live_order(request)
    orders.take_on_situation(sandbox, company, order, _situation(company, form), "seller")
    return _address(company, order), "moved"


async def _invoice(request: web.Request, form: Form) -> tuple[str, str]:
    sandbox, company, order = _live_order(request)
    state = int(form.chosen("state", "Situação da nota", [str(state) for state in INVOICE_STATES]))
    invoices.issue(sandbox, company, order, state)
    return _address(company, order), "invoiced"


async def _delete(request: web.Request, _: Form) -> tuple[str, str]:
    sandbox, company, order = _live_order(request)
    if CANCELLED not in company.situations:
        raise FormError("A situação Cancelado foi excluída: o Bling não consegue excluir o pedido.")
    orders.delete(sandbox, company, order, "seller")
    return _address(company, order), "deleted"


_DEEDS = {
    "edit": _edit, "move": _move, "invoice": _invoice, "delete": _delete,
}  # fmt: skip


def _kept_items(order: Order, form: Form) -> list[Json]:
    """Change the items as typed; those with quantity 0 are taken out."""
    kept = []
    for item in order.body["itens"]:
        quantity = form.amount(f"quantity-{item['id']}", "Quantidade")
        price = form.amount(f"price-{item['id']}", "Preço")
        if quantity:
            kept.append({**item, "quantidade": quantity, "valor": price})
    return kept


def _added_item(company: Company, form: Form) -> list[Json]:
    if not form.has("added"):
        return []
    product = company.products[_product(company, form, "added")].body
    return [
        {
            "codigo": product["codigo"],
            "unidade": product["unidade"],
            "quantidade": _quantity(form, "added-quantity", "Quantidade do novo item"),
            "desconto": 0,
            "valor": product["preco"],
            "descricao": product["nome"],
            "produto": {"id": product["id"]},
        }
    ]


def _volumes(order: Order, count: int, service: str) -> list[Json]:
    """Keep the first volumes, and add new ones where there are too few."""
    new = {"id": 0, "codigoRastreamento": ""}
    had = part(order.body, "transporte", "volumes") or []
    volumes = [*had, *({**new} for _ in range(count))][:count]
    return [{**volume, "servico": service} for volume in volumes]


def _situation(company: Company, form: Form) -> Situation:
    choices = [str(known) for known in company.situations]
    return company.situations[int(form.chosen("situation", "Situação", choices))]


def _product(company: Company, form: Form, name: str) -> int:
    return int(form.chosen(name, "Produto", [str(known) for known in company.products]))


def _quantity(form: Form, name: str, label: str) -> float:
    quantity = form.amount(name, label)
    if not quantity:
        raise FormError(f"{label}: escreva um número maior que zero.")
    return quantity


def _reached_order(request: web.Request) -> tuple[Sandbox, Company, Order]:
    sandbox, company = reached(request)
    order = company.orders.get(path_id(request, "order_id"))
    if order is None:
        raise missing(request, "Este pedido não existe. A reinicialização do ambiente apaga todos.")
    return sandbox, company, order


def _live_order(request: web.Request) -> tuple[Sandbox, Company, Order]:
    sandbox, company, order = _reached_order(request)
    if order.deleted:
        raise FormError("Este pedido foi excluído e não muda mais.")
    return sandbox, company, order


def _address(company: Company, order: Order) -> str:
    return home(company, f"pedidos/{order.id}")


def _is_wanted(order: Order, wanted: str) -> bool:
    if wanted == DELETED:
        return order.deleted
    return not order.deleted and wanted in ("", str(order.body["situacao"]["id"]))


def _row(company: Company, order: Order) -> Json:
    """Gather what the list tells of an order."""
    body = order.body
    store_id = part(body, "loja", "id")
    stores = (one["descricao"] for one in company.channels.values() if one["id"] == store_id)
    invoice = company.invoices.get(body["notaFiscal"]["id"])
    return {
        "id": order.id,
        "number": body["numero"],
        "day": body["data"],
        "store": next(stores, f"Loja {store_id}" if store_id else "Sem loja"),
        "store_number": body["numeroLoja"],
        "customer": part(body, "contato", "nome") or "Sem cliente",
        "situation": _shown_situation(company, order),
        "invoice": _invoice_words(invoice.body["situacao"]) if invoice else "",
        "total": body["total"],
        "deleted": order.deleted,
    }


def _invoice_words(state: int) -> str:
    return INVOICE_STATES.get(state, f"Situação {state}")


def _shown_situation(company: Company, order: Order) -> Situation:
    situation_id = order.body["situacao"]["id"]
    gone = Situation(situation_id, f"Situação {situation_id} (excluída)", 0, 0, "#888888")
    return company.situations.get(situation_id, gone)


def _effects(company: Company, order: Order, situation: Situation) -> str:
    """Tell what the seller's transition to a situação does besides."""
    transition = transitions.active(company, order.body["situacao"]["id"], situation.id)
    actions = transition["acoes"] if transition else []
    return ", ".join(postings.ACTIONS[action][1].lower() for action in actions)
