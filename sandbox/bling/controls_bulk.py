"""The controls that play many deeds of a seller at once."""

from aiohttp import web
from pydantic import Field

from sandbox.bling import orders
from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, read_control
from sandbox.bling.errors import ControlError
from sandbox.bling.new_orders import NewOrder, find_situation, place_order


class ManyOrders(NewOrder):
    """So many orders alike."""

    count: int = Field(ge=1, le=10_000)


class ManyMoves(Control):
    """The situação that orders are put in; without `orders`, all of the company's."""

    situation: int | str
    orders: tuple[int, ...] | None = None


async def create_orders(request: web.Request) -> web.Response:
    """Place many orders at once and answer their ids."""
    sandbox = request.app[SANDBOX]
    wish = await read_control(request, ManyOrders)
    company = sandbox.company(wish.company or request.query.get("company"))
    made = [place_order(sandbox, company, wish) for _ in range(wish.count)]
    return web.json_response({"orders": [order.id for order in made]}, status=201)


async def move_orders(request: web.Request) -> web.Response:
    """Put many orders in a situação at once, as the seller does with a list on the screen."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, ManyMoves)
    company = asked_company(request, control)
    situation = find_situation(company, control.situation)
    wanted = control.orders
    chosen = [o for o in company.live_orders() if wanted is None or o.id in wanted]
    if wanted is not None and len(chosen) != len(set(wanted)):
        raise ControlError("not all of these are orders of the company", status=404)
    for order in chosen:
        orders.take_on_situation(sandbox, company, order, situation, "seller")
    return web.json_response({"moved": len(chosen)})
