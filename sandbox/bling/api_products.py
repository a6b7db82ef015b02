"""Products of the API: lists, one product, its variations, and writing."""

import copy

from aiohttp import web

from sandbox.bling import orders, product_body, products
from sandbox.bling.context import data, reached
from sandbox.bling.errors import missing, not_found, validation
from sandbox.bling.product_filter import ProductFilter
from sandbox.bling.product_kinds import parent_of, variations
from sandbox.bling.queries import integers, json_object, page, path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Record

_SITUATIONS = ("A", "I", "E")


async def list_products(request: web.Request) -> web.Response:
    """List products, newest first."""
    sandbox, company = reached(request)
    wanted = ProductFilter.read(request, only_in_stock=sandbox.unconfirmed.stock_filter_by_default)
    rows = wanted.apply(company, list(reversed(company.products.values())))
    return data([products.summary(row) for row in page(request, rows)])


async def get_product(request: web.Request) -> web.Response:
    """Show one product whole."""
    return data(_shown(request, _product(request)))


async def list_variations(request: web.Request) -> web.Response:
    """Show a product whose variations are asked for: they are inside it."""
    product = _product(request)
    if product.body["formato"] != "V":
        raise not_found()
    return data(_shown(request, product))


async def create_product(request: web.Request) -> web.Response:
    """Create a product, with its variations if it has some."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    body = _checked(company, sent)
    children = product_body.completed_variations(sent)
    made = products.register(sandbox, company, body)
    for child in children:
        products.register(sandbox, company, child, parent=made)
    return data(_saved(company, made), status=201)


async def replace_product(request: web.Request) -> web.Response:
    """Replace a product: whatever the body leaves out is emptied."""
    sandbox, company = reached(request)
    product = _product(request)
    sent = await json_object(request)
    body = _checked(company, sent)
    children = product_body.completed_variations(sent)
    products.change(sandbox, company, product, body)
    _save_variations(sandbox, company, product, children)
    return data(_saved(company, product))


async def change_product(request: web.Request) -> web.Response:
    """Change the fields that the body names."""
    sandbox, company = reached(request)
    product = _product(request)
    merged = orders.deep_merge(_writable(product), await json_object(request))
    products.change(sandbox, company, product, _checked(company, merged))
    return data(_saved(company, product))


async def delete_product(request: web.Request) -> web.Response:
    """Delete a product for good, with its variations."""
    sandbox, company = reached(request)
    products.delete(sandbox, company, _product(request))
    return web.Response(status=204)


async def delete_products(request: web.Request) -> web.Response:
    """Delete several products; those that are unknown are named in alerts."""
    sandbox, company = reached(request)
    wanted = sorted(integers(request, "idsProdutos[]"))
    if not wanted:
        raise missing("idsProdutos")
    alerts = []
    for product_id in wanted:
        product = company.products.get(product_id)
        if product is None:
            alerts.append(f"O produto {product_id} não foi encontrado")
        else:
            products.delete(sandbox, company, product)
    return data({"alertas": alerts}) if alerts else web.Response(status=204)


async def change_situation(request: web.Request) -> web.Response:
    """Make a product active, inactive or deleted; it stays in the account."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    _set_situation(sandbox, company, _product(request), sent)
    return web.Response(status=204)


async def change_situations(request: web.Request) -> web.Response:
    """Do the same with several products."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    wanted = sent.get("idsProdutos")
    if not isinstance(wanted, list) or not wanted:
        raise missing("idsProdutos")
    if not set(wanted) <= company.products.keys():
        raise validation("O produto informado não foi encontrado")
    for product_id in wanted:
        _set_situation(sandbox, company, company.products[product_id], sent)
    return web.Response(status=204)


def _product(request: web.Request) -> Record:
    _, company = reached(request)
    found = company.products.get(path_id(request, "product_id"))
    if found is None:
        raise not_found()
    return found


def _shown(request: web.Request, product: Record) -> Json:
    sandbox, company = reached(request)
    return products.detail(sandbox, company, product, str(request.url.origin()))


def _checked(company: Company, sent: Json) -> Json:
    body = product_body.completed(sent)
    parts = {part["produto"]["id"] for part in body["estrutura"]["componentes"]}
    if not parts <= company.products.keys():
        raise validation("O componente informado não foi encontrado")
    return body


def _writable(product: Record) -> Json:
    """Show a product as it would be written: photos as links."""
    body = copy.deepcopy(product.body)
    linked = body["midia"]["imagens"]["externas"]
    body["midia"]["imagens"] = {"imagensURL": linked}
    return body


def _save_variations(
    sandbox: Sandbox, company: Company, parent: Record, children: list[Json]
) -> None:
    """Change the variations that are named by id, add the others; none is taken away."""
    for child in children:
        known = company.products.get(child["id"])
        if known is not None and parent_of(known.body) == parent.id:
            products.change(sandbox, company, known, child)
        else:
            products.register(sandbox, company, child, parent=parent)


def _saved(company: Company, product: Record) -> Json:
    children = [{"id": row.id} for row in variations(company, product.id)]
    return {"id": product.id, "variations": {"saved": children}, "warnings": []}


def _set_situation(sandbox: Sandbox, company: Company, product: Record, sent: Json) -> None:
    if sent.get("situacao") not in _SITUATIONS:
        raise validation("A situação informada é inválida")
    product.body["situacao"] = sent["situacao"]
    products.touch(sandbox, company, product)
