"""Sales orders of the API: lists, one order, deletion and changes of situação."""

from aiohttp import web

from sandbox.bling import errors, invoices, orders, transitions
from sandbox.bling.context import FAULT, data, reached
from sandbox.bling.faults import Fault
from sandbox.bling.order_filter import OrderFilter
from sandbox.bling.queries import integers, page, path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Order, Situation


async def list_orders(request: web.Request) -> web.Response:
    """List orders, newest first; Bling documents no order."""
    sandbox, company = reached(request)
    wanted = OrderFilter.read(request, bare_days=not sandbox.unconfirmed.change_dates_need_hour)
    matching = [order for order in reversed(company.live_orders()) if wanted.admits(order)]
    return data([orders.summary(order) for order in page(request, matching)])


async def get_order(request: web.Request) -> web.Response:
    """Show one order whole."""
    _, company = reached(request)
    return data(orders.detail(_order(request, company)))


async def delete_order(request: web.Request) -> web.Response:
    """Delete one order."""
    sandbox, company = reached(request)
    orders.delete(sandbox, company, _order(request, company), "api")
    return web.Response(status=204)


async def delete_orders(request: web.Request) -> web.Response:
    """Delete several orders; those that are unknown are named in alerts."""
    sandbox, company = reached(request)
    wanted = sorted(integers(request, "idsPedidosVendas[]"))
    if not wanted:
        raise errors.missing("idsPedidosVendas")
    alerts = []
    for order_id in wanted:
        order = company.live_order(order_id)
        if order is None:
            alerts.append(f"A venda {order_id} não foi encontrada")
        else:
            orders.delete(sandbox, company, order, "api")
    return data({"alertas": alerts}) if alerts else web.Response(status=204)


async def change_situation(request: web.Request) -> web.Response:
    """Put an order in a situação."""
    sandbox, company = reached(request)
    order = _order(request, company)
    situation = company.situations.get(path_id(request, "situation_id"))
    if situation is None:
        raise errors.not_found()
    _let_seller_race(request, sandbox, company, order)
    if order.body["situacao"]["id"] == situation.id:
        raise errors.order_not_saved(
            errors.field(errors.SAME_SITUATION, "A venda possui a mesma situação", "situacao")
        )
    _require_transition(sandbox, company, order, situation)
    _check_not_invoiced(sandbox, company, order)
    orders.take_on_situation(sandbox, company, order, situation, "api")
    return web.Response(status=204)


def _order(request: web.Request, company: Company) -> Order:
    order = company.live_order(path_id(request, "order_id"))
    if order is None:
        raise errors.not_found()
    return order


def _let_seller_race(
    request: web.Request, sandbox: Sandbox, company: Company, order: Order
) -> None:
    fault = request.get(FAULT)
    if fault is None or fault.fault is not Fault.SITUATION_RACE or fault.situation is None:
        return
    chosen = company.situations[fault.situation]
    orders.take_on_situation(sandbox, company, order, chosen, "seller")


def _require_transition(
    sandbox: Sandbox, company: Company, order: Order, situation: Situation
) -> None:
    if not sandbox.unconfirmed.transition_required:
        return
    if transitions.active(company, order.body["situacao"]["id"], situation.id) is None:
        raise errors.validation(
            "Não foi possível alterar a situação da venda",
            description="Não existe transição entre a situação atual e a informada.",
        )


def _check_not_invoiced(sandbox: Sandbox, company: Company, order: Order) -> None:
    if invoices.is_issued(company, order) and not sandbox.unconfirmed.invoiced_order_moves:
        raise errors.validation(
            "Não foi possível alterar a situação da venda",
            description="A venda possui nota fiscal emitida.",
        )
