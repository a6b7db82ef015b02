"""What the API can do with a sales order besides writing it: postings and invoices."""

from aiohttp import web

from sandbox.bling import errors, invoices, postings
from sandbox.bling.context import reached
from sandbox.bling.queries import path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Order


async def post_stock(request: web.Request) -> web.Response:
    """Take the goods out of the stock, of the named deposit if one is named."""
    sandbox, company, order = _meant(request)
    if "deposit_id" in request.match_info and path_id(request, "deposit_id") != company.deposit:
        raise errors.not_found()
    postings.post_stock(sandbox, company, order)
    return web.Response(status=204)


async def reverse_stock(request: web.Request) -> web.Response:
    """Bring the goods back to the stock."""
    postings.reverse_stock(*_meant(request))
    return web.Response(status=204)


async def post_receivables(request: web.Request) -> web.Response:
    """Post the instalments as receivables."""
    postings.post_receivables(*_meant(request))
    return web.Response(status=204)


async def reverse_receivables(request: web.Request) -> web.Response:
    """Take the receivables back."""
    postings.reverse_receivables(*_meant(request))
    return web.Response(status=204)


async def make_invoice(request: web.Request) -> web.Response:
    """Make the order's NF-e, still pending."""
    return _made(request, consumer=False)


async def make_consumer_invoice(request: web.Request) -> web.Response:
    """Make the order's NFC-e, still pending."""
    return _made(request, consumer=True)


def _made(request: web.Request, *, consumer: bool) -> web.Response:
    sandbox, company, order = _meant(request)
    if order.body["notaFiscal"]["id"]:
        raise errors.validation("A venda já possui uma nota fiscal")
    invoice = invoices.make(sandbox, company, order, consumer=consumer)
    # The one answer of the API without `data` around it.
    return web.json_response({"idNotaFiscal": invoice.id}, status=201)


def _meant(request: web.Request) -> tuple[Sandbox, Company, Order]:
    sandbox, company = reached(request)
    order = company.live_order(path_id(request, "order_id"))
    if order is None:
        raise errors.not_found()
    return sandbox, company, order
