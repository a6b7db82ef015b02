"""Sales orders of the API: lists, one order, deletion and changes of situação."""

from aiohttp import web

from sandbox.bling import errors, orders
from sandbox.bling.context import FAULT, data, reached
from sandbox.bling.faults import Fault
from sandbox.bling.queries import MOMENT, integer, integers, page, path_id, period, texts
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Order, Situation, local


async def list_orders(request: web.Request) -> web.Response:
    """List orders, newest first; Bling documents no order."""
    _, company = reached(request)
    matching = [order for order in reversed(company.live_orders()) if _matches(request, order)]
    return data([orders.summary(order) for order in page(request, matching)])


async def get_order(request: web.Request) -> web.Response:
    """Show one order whole."""
    _, company = reached(request)
    return data(_order(request, company).body)


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
    step = (order.body["situacao"]["id"], situation.id)
    allowed = {
        (transition["situacaoOrigem"]["id"], transition["situacaoDestino"]["id"])
        for transition in company.transitions.values()
        if transition["ativo"]
    }
    if step not in allowed:
        raise errors.validation(
            "Não foi possível alterar a situação da venda",
            description="Não existe transição entre a situação atual e a informada.",
        )


def _matches(request: web.Request, order: Order) -> bool:
    body = order.body
    return (
        _references_match(request, body)
        and _one_of(integers(request, "idsSituacoes[]"), body["situacao"]["id"])
        and _one_of(texts(request, "numerosLojas[]"), body["numeroLoja"])
        and body["data"] in period(request, "data")
        and body["dataPrevista"] in period(request, "dataPrevista")
        and local(order.changed_at) in period(request, "dataAlteracao", MOMENT)
    )


def _references_match(request: web.Request, body: Json) -> bool:
    wanted = {
        "idContato": body["contato"]["id"],
        "numero": body["numero"],
        "idLoja": body["loja"]["id"],
        "idVendedor": body["vendedor"]["id"],
        "idUnidadeNegocio": body["loja"]["unidadeNegocio"]["id"],
    }
    return all(integer(request, name) in (None, value) for name, value in wanted.items())


def _one_of(wanted: set[int] | set[str], value: object) -> bool:
    return not wanted or value in wanted
