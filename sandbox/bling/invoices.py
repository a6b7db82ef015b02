"""Electronic invoices (NF-e) of orders, and the webhooks that tell of them."""

import copy
from datetime import datetime

from sandbox.bling import automation, documents, orders
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import BRASILIA, Company, Invoice, Json, Order, local

PENDING = 1
AUTHORISED = 5
ISSUED = (AUTHORISED, 6)
CANCELLED = 2
LAST_STATE = 11

_SUMMARY = (
    "id", "tipo", "situacao", "numero", "dataEmissao", "dataOperacao", "chaveAcesso", "contato",
    "naturezaOperacao", "loja",
)  # fmt: skip
_HINT = (
    "id", "tipo", "situacao", "numero", "dataEmissao", "dataOperacao", "contato",
    "naturezaOperacao", "loja",
)  # fmt: skip


def is_issued(company: Company, order: Order) -> bool:
    """Tell whether an order's invoice was authorised."""
    invoice = company.invoices.get(order.body["notaFiscal"]["id"])
    return invoice is not None and invoice.body["situacao"] in ISSUED


def make(
    sandbox: Sandbox,
    company: Company,
    order: Order,
    *,
    consumer: bool = False,
    override: Json | None = None,
) -> Invoice:
    """Make an order's invoice, pending, with changes laid over it, and link it to the order."""
    body = orders.deep_merge(_body(sandbox, company, order), override or {})
    now = sandbox.clock()
    invoice = Invoice(body=body, created_at=now, changed_at=now, consumer=consumer)
    company.invoices[invoice.id] = invoice
    _announce(sandbox, company, invoice, "created")
    order.body["notaFiscal"] = {"id": invoice.id}
    if sandbox.unconfirmed.invoice_updates_order:
        orders.changed(sandbox, company, order)
    return invoice


def issue(
    sandbox: Sandbox, company: Company, order: Order, state: int, override: Json | None = None
) -> Invoice:
    """Bring an order's invoice to a state; the first call makes it."""
    invoice = company.invoices.get(order.body["notaFiscal"]["id"])
    if invoice is None:
        invoice = make(sandbox, company, order, override=override)
    elif override:
        invoice.body = orders.deep_merge(invoice.body, override)
        _announce(sandbox, company, invoice, "updated")
    if invoice.body["situacao"] != state:
        invoice.body["situacao"] = state
        invoice.changed_at = sandbox.clock()
        _announce(sandbox, company, invoice, "updated")
        if state == AUTHORISED:
            automation.run(sandbox, company, order, "invoice")
    return invoice


def summary(invoice: Invoice) -> Json:
    """Show an invoice as lists do."""
    return {name: copy.deepcopy(invoice.body[name]) for name in _SUMMARY}


def _announce(sandbox: Sandbox, company: Company, invoice: Invoice, action: str) -> None:
    data = {name: copy.deepcopy(invoice.body[name]) for name in _HINT}
    data["contato"] = {"id": invoice.body["contato"]["id"]}
    resource = "consumer_invoice" if invoice.consumer else "invoice"
    sandbox.webhooks.announce(company, f"{resource}.{action}", data)


def _body(sandbox: Sandbox, company: Company, order: Order) -> Json:
    now = sandbox.clock()
    number = len(company.invoices) + 1
    return {
        "id": sandbox.ids.take(),
        "tipo": 1,
        "situacao": PENDING,
        "numero": f"{number:06d}",
        "serie": 1,
        "dataEmissao": local(now),
        "dataOperacao": local(now),
        "chaveAcesso": _key(company, now, number),
        "valorNota": order.body["total"],
        "finalidade": 1,
        "numeroPedidoLoja": order.body["numeroLoja"],
        "contato": copy.deepcopy(order.body["contato"]),
        "naturezaOperacao": {"id": 0},
        "loja": {"id": order.body["loja"]["id"]},
        "transporte": copy.deepcopy(order.body["transporte"]),
        "itens": copy.deepcopy(order.body["itens"]),
        "parcelas": copy.deepcopy(order.body["parcelas"]),
        "xml": "",
        "linkDanfe": "",
        "linkPDF": "",
    }


def _key(company: Company, now: datetime, number: int) -> str:
    return documents.access_key(
        state=company.state,
        issued=now.astimezone(BRASILIA).date(),
        issuer_cnpj=company.cnpj,
        number=number,
        random=company.random,
    )
