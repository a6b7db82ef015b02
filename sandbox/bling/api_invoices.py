"""Invoices (NF-e) of the API."""

from aiohttp import web

from sandbox.bling import invoices
from sandbox.bling.context import data, reached
from sandbox.bling.errors import not_found
from sandbox.bling.queries import MOMENT, integer, page, path_id, period
from sandbox.bling.state import Company, Invoice


async def list_invoices(request: web.Request) -> web.Response:
    """List invoices, newest first."""
    _, company = reached(request)
    rows = [row for row in reversed(_invoices(company)) if _matches(request, row)]
    return data([invoices.summary(row) for row in page(request, rows)])


async def get_invoice(request: web.Request) -> web.Response:
    """Show one invoice whole."""
    _, company = reached(request)
    invoice = company.invoices.get(path_id(request, "invoice_id"))
    if invoice is None or invoice.consumer:
        raise not_found()
    return data(invoice.body)


def _invoices(company: Company) -> list[Invoice]:
    return [invoice for invoice in company.invoices.values() if not invoice.consumer]


def _matches(request: web.Request, invoice: Invoice) -> bool:
    body = invoice.body
    texts = {
        "numeroLoja": body["numeroPedidoLoja"],
        "chaveAcesso": body["chaveAcesso"],
        "numero": body["numero"],
    }
    numbers = {
        "situacao": body["situacao"],
        "tipo": body["tipo"],
        "serie": body["serie"],
        "idTransportador": body["transporte"]["contato"]["id"],
    }
    return (
        all(request.query.get(name) in (None, value) for name, value in texts.items())
        and all(integer(request, name) in (None, value) for name, value in numbers.items())
        and body["dataEmissao"] in period(request, "dataEmissao", MOMENT)
    )
