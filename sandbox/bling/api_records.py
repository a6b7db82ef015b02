"""The smaller resources of the API: products, photos, contacts, invoices, company, channels."""

import hmac
import struct
import zlib

from aiohttp import web

from sandbox.bling import invoices, products
from sandbox.bling.context import SANDBOX, data, reached
from sandbox.bling.errors import not_found
from sandbox.bling.queries import MOMENT, integer, integers, page, path_id, period, texts
from sandbox.bling.state import Record, local

# Values of `criterio` in the product list. The default, "last included", hides nearly everything.
_LAST_INCLUDED = 1
_SITUATIONS = {2: ("A",), 3: ("I",), 4: ("E",), 5: ("A", "I", "E")}

# Values of `tipo` that admit a plain product.
_PLAIN_TYPES = (None, "T", "P", "PS")


async def list_products(request: web.Request) -> web.Response:
    """List products, newest first."""
    _, company = reached(request)
    criterion = integer(request, "criterio", _LAST_INCLUDED)
    rows = list(reversed(company.products.values()))
    if criterion == _LAST_INCLUDED:
        rows = rows[:1]
    else:
        wanted = _SITUATIONS.get(criterion or 0, ())
        rows = [row for row in rows if row.body["situacao"] in wanted]
    rows = [row for row in rows if _product_matches(request, row)]
    return data([products.summary(row) for row in page(request, rows)])


async def get_product(request: web.Request) -> web.Response:
    """Show one product whole."""
    sandbox, company = reached(request)
    product = _found(company.products.get(path_id(request, "product_id")))
    return data(products.detail(sandbox, product, str(request.url.origin())))


async def get_photo(request: web.Request) -> web.Response:
    """Serve a photo behind a signed link, while the link lives."""
    sandbox = request.app[SANDBOX]
    expires = integer(request, "Expires", 0) or 0
    expected = products.signature(sandbox, request.path, expires)
    if not hmac.compare_digest(request.query.get("Signature", "").encode(), expected.encode()):
        raise web.HTTPForbidden(text="SignatureDoesNotMatch")
    if sandbox.clock().timestamp() >= expires:
        raise web.HTTPForbidden(text="Request has expired")
    return _photo(request.match_info["name"])


async def get_linked_photo(request: web.Request) -> web.Response:
    """Serve a photo that the seller keeps elsewhere: the link needs no signature."""
    return _photo(request.match_info["name"])


async def get_contact(request: web.Request) -> web.Response:
    """Show one contact."""
    _, company = reached(request)
    return data(_found(company.contacts.get(path_id(request, "contact_id"))).body)


async def list_invoices(request: web.Request) -> web.Response:
    """List invoices, newest first."""
    _, company = reached(request)
    rows = [row for row in reversed(company.invoices.values()) if _invoice_matches(request, row)]
    return data([invoices.summary(row) for row in page(request, rows)])


async def get_invoice(request: web.Request) -> web.Response:
    """Show one invoice whole."""
    _, company = reached(request)
    return data(_found(company.invoices.get(path_id(request, "invoice_id"))).body)


def _found(record: Record | None) -> Record:
    if record is None:
        raise not_found()
    return record


def _product_matches(request: web.Request, product: Record) -> bool:
    body = product.body
    ids, codes, gtins = (
        integers(request, "idsProdutos[]"), texts(request, "codigos[]"), texts(request, "gtins[]"),
    )  # fmt: skip
    return (
        request.query.get("tipo") in _PLAIN_TYPES
        and (not ids or product.id in ids)
        and (not codes or body["codigo"] in codes)
        and (not gtins or body["gtin"] in gtins)
        and request.query.get("nome", "").casefold() in body["nome"].casefold()
        and local(product.created_at) in period(request, "dataInclusao", MOMENT)
        and local(product.changed_at) in period(request, "dataAlteracao", MOMENT)
    )


def _invoice_matches(request: web.Request, invoice: Record) -> bool:
    body = invoice.body
    exact = {
        "numeroLoja": body["numeroPedidoLoja"],
        "chaveAcesso": body["chaveAcesso"],
        "numero": body["numero"],
    }
    return (
        all(request.query.get(name) in (None, value) for name, value in exact.items())
        and integer(request, "situacao") in (None, body["situacao"])
        and integer(request, "tipo") in (None, body["tipo"])
        and integer(request, "serie") in (None, body["serie"])
        and body["dataEmissao"] in period(request, "dataEmissao", MOMENT)
    )


def _photo(name: str) -> web.Response:
    """Draw a plain PNG whose colour follows from the name, so that photos can be told apart."""
    width = height = 64
    pixel = struct.pack(">I", zlib.crc32(name.encode()))[:3]
    rows = (b"\x00" + pixel * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)
    return web.Response(body=body, content_type="image/png")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
