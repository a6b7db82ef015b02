"""The controls that change a situação: the seller's screen, and accounts that number otherwise."""

from dataclasses import replace

from aiohttp import web
from pydantic import Field

from sandbox.bling.api_situations import shown
from sandbox.bling.control_input import Control, asked_company, control_id, read_control
from sandbox.bling.errors import ControlError
from sandbox.bling.orders import reference
from sandbox.bling.state import Company, Situation


class ChangedSituation(Control):
    """What becomes of a situação. Another `valor` than usual shows in its orders at once."""

    name: str | None = Field(default=None, min_length=1)
    valor: int | None = None


async def change_situation(request: web.Request) -> web.Response:
    """Rename a situação, or play an account in which its id is of another class."""
    control = await read_control(request, ChangedSituation)
    company = asked_company(request, control)
    wished = control.model_dump(exclude={"company"}, exclude_none=True)
    changed = replace(_situation(request, company), **wished)
    company.situations[changed.id] = changed
    for order in company.live_orders():
        if order.body["situacao"]["id"] == changed.id:
            order.body["situacao"] = reference(changed)
    return web.json_response({**shown(changed), "valor": changed.valor})


async def delete_situation(request: web.Request) -> web.Response:
    """Delete a situação; orders that are in it stay there."""
    company = asked_company(request)
    del company.situations[_situation(request, company).id]
    return web.Response(status=204)


def _situation(request: web.Request, company: Company) -> Situation:
    found = company.situations.get(control_id(request, "situation_id"))
    if found is None:
        raise ControlError("there is no such situação", status=404)
    return found
