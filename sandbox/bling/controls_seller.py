"""The controls that play the seller: orders, products, contacts, situações, invoices."""

import copy
from typing import Any

from aiohttp import web
from pydantic import Field

from sandbox.bling import invoices, orders, products
from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import (
    Control,
    asked_company,
    control_id,
    read_control,
    read_json,
)
from sandbox.bling.errors import ControlError
from sandbox.bling.new_orders import (
    NewOrder,
    find_product,
    find_situation,
    new_product,
    place_order,
)
from sandbox.bling.product_kinds import ProductKind
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.situations import BUILT_IN, add_custom
from sandbox.bling.state import Company, Json, Order, Situation

_OWN_COLOUR = "#B39DDB"


class SituationControl(Control):
    """The situação, by id or name, that the seller chooses."""

    situation: int | str


class NewSituation(Control):
    """A seller's own situação, derived from a built-in one."""

    name: str = Field(min_length=1)
    inherits: int


class InvoiceControl(Control):
    """The state that an order's invoice is brought to."""

    situacao: int = Field(default=invoices.AUTHORISED, ge=invoices.PENDING, le=invoices.LAST_STATE)
    override: dict[str, Any] = Field(default_factory=dict)
    """Laid over the invoice, in the API's own field names."""


class NewProduct(Control):
    """A product to register; what `override` leaves out is invented."""

    kind: ProductKind = ProductKind.SIMPLE
    override: dict[str, Any] = Field(default_factory=dict)


async def create_order(request: web.Request) -> web.Response:
    """Place an order as a shop does."""
    sandbox = request.app[SANDBOX]
    wish = await read_control(request, NewOrder)
    company = sandbox.company(wish.company or request.query.get("company"))
    return web.json_response(_shown(place_order(sandbox, company, wish)), status=201)


async def list_orders(request: web.Request) -> web.Response:
    """List a company's orders, deleted ones included, oldest first."""
    company = asked_company(request)
    return web.json_response({"orders": [_shown(order) for order in company.orders.values()]})


async def show_order(request: web.Request) -> web.Response:
    """Show an order with its whole history of situações."""
    _, _, order = _meant(request)
    return web.json_response(_shown(order))


async def choose_situation(request: web.Request) -> web.Response:
    """Put an order in a situação, as the seller does on the screen."""
    sandbox, company, order = _live(request)
    control = await read_control(request, SituationControl)
    situation = find_situation(company, control.situation)
    orders.take_on_situation(sandbox, company, order, situation, "seller")
    return web.json_response(_shown(order))


async def edit_order(request: web.Request) -> web.Response:
    """Edit an order: objects are merged, lists replaced, instalments follow the total."""
    sandbox, company, order = _live(request)
    changes = await read_json(request)
    changes.pop("company", None)
    if "situacao" in changes:
        raise ControlError("a situação is changed with POST .../situation")
    orders.edit(sandbox, company, order, changes)
    return web.json_response(_shown(order))


async def delete_order(request: web.Request) -> web.Response:
    """Delete an order, as the seller does."""
    sandbox, company, order = _live(request)
    orders.delete(sandbox, company, order, "seller")
    return web.Response(status=204)


async def issue_invoice(request: web.Request) -> web.Response:
    """Issue an order's NF-e, or bring the one it has to another state."""
    sandbox, company, order = _live(request)
    control = await read_control(request, InvoiceControl)
    invoice = invoices.issue(sandbox, company, order, control.situacao, control.override)
    return web.json_response(invoices.summary(invoice), status=201)


async def list_products(request: web.Request) -> web.Response:
    """List a company's products, oldest first."""
    company = asked_company(request)
    return web.json_response({"products": [p.body for p in company.products.values()]})


async def create_product(request: web.Request) -> web.Response:
    """Register a product."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, NewProduct)
    company = asked_company(request, control)
    product = new_product(sandbox, company, control.override, control.kind)
    return web.json_response(product.body, status=201)


async def edit_product(request: web.Request) -> web.Response:
    """Edit a product: objects are merged, lists replaced."""
    sandbox = request.app[SANDBOX]
    company = asked_company(request)
    product = find_product(company, control_id(request, "product_id"))
    products.edit(sandbox, company, product, await read_json(request))
    return web.json_response(product.body)


async def delete_product(request: web.Request) -> web.Response:
    """Delete a product for good."""
    sandbox = request.app[SANDBOX]
    company = asked_company(request)
    product = find_product(company, control_id(request, "product_id"))
    products.delete(sandbox, company, product)
    return web.Response(status=204)


async def edit_contact(request: web.Request) -> web.Response:
    """Edit a contact; Bling has no webhook that would tell of it."""
    company = asked_company(request)
    contact = company.contacts.get(control_id(request, "contact_id"))
    if contact is None:
        raise ControlError("no such contact", status=404)
    contact.body = orders.deep_merge(contact.body, await read_json(request))
    return web.json_response(contact.body)


async def list_situations(request: web.Request) -> web.Response:
    """List a company's situações with their valor."""
    company = asked_company(request)
    return web.json_response({"situations": [_named(s) for s in company.situations.values()]})


async def create_situation(request: web.Request) -> web.Response:
    """Create a seller's own situação, as on Bling's screen."""
    control = await read_control(request, NewSituation)
    company = asked_company(request, control)
    if control.inherits not in {situation.id for situation in BUILT_IN}:
        raise ControlError("a situação derives from a built-in one")
    if company.situation_named(control.name) is not None:
        raise ControlError(f"there is a situação {control.name} already")
    made = add_custom(company, name=control.name, inherited=control.inherits, colour=_OWN_COLOUR)
    return web.json_response(_named(made), status=201)


def _meant(request: web.Request) -> tuple[Sandbox, Company, Order]:
    sandbox = request.app[SANDBOX]
    company, order = sandbox.owner_of(control_id(request, "order_id"))
    return sandbox, company, order


def _live(request: web.Request) -> tuple[Sandbox, Company, Order]:
    sandbox, company, order = _meant(request)
    if order.deleted:
        raise ControlError(f"order {order.id} was deleted", status=404)
    return sandbox, company, order


def _shown(order: Order) -> Json:
    history = [
        {
            "situacao": change.situation.id,
            "nome": change.situation.name,
            "at": change.at.isoformat(),
            "by": change.by,
        }
        for change in order.history
    ]
    return {
        **copy.deepcopy(order.body),
        "deleted": order.deleted,
        "stock_posted": order.stock_posted,
        "receivables_posted": order.receivables_posted,
        "history": history,
    }


def _named(situation: Situation) -> Json:
    return {
        "id": situation.id,
        "nome": situation.name,
        "valor": situation.valor,
        "idHerdado": situation.inherited,
    }
