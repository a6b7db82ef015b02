"""What an armed fault does to the call that meets it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from sandbox.bling import orders
from sandbox.bling.context import APPLIED, COMPANY, FAULT, SANDBOX, data, reached
from sandbox.bling.errors import ApiError, not_found, validation
from sandbox.bling.faults import ArmedFault, Fault
from sandbox.bling.limits import too_many_requests
from sandbox.bling.middlewares import Handler, hang_up, is_api
from sandbox.bling.state import Company, Order


@web.middleware
async def play_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let an armed fault happen; without one the call goes its way."""
    if not is_api(request):
        return await handler(request)
    company = request.get(COMPANY)
    fault = request.app[SANDBOX].faults.take(
        request.method, request.path, company.id if company else None
    )
    if fault is None:
        return await _run(request, handler)
    request[FAULT] = fault
    early = await _before(request, fault)
    if early is not None:
        return early
    return await _after(request, fault, await _run(request, handler))


async def _run(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    request[APPLIED] = response.status < 400
    return response


async def _before(request: web.Request, fault: ArmedFault) -> web.Response | None:
    """Play what happens instead of the call, if this fault is such."""
    match fault.fault:
        case Fault.ERROR_500:
            return server_error()
        case Fault.BAD_GATEWAY:
            return _page("502 Bad Gateway", status=502)
        case Fault.UNAVAILABLE:
            return _page("503 Service Temporarily Unavailable", status=503)
        case Fault.DROPPED_BEFORE:
            return hang_up(request)
        case Fault.SLOW:
            await asyncio.sleep(fault.seconds)
            return None
        case _:
            _refuse(request, fault)
            return None


def _refuse(request: web.Request, fault: ArmedFault) -> None:
    match fault.fault:
        case Fault.SITUATION_PATCH_REFUSED:
            raise validation(
                "Não foi possível alterar a situação da venda",
                description="A alteração para a situação informada não é permitida.",
            )
        case Fault.NOT_FOUND:
            raise not_found()
        case Fault.TOO_MANY_REQUESTS if COMPANY in request:
            raise too_many_requests(request[COMPANY], "second")
        case Fault.INSUFFICIENT_SCOPE:
            raise ApiError(
                403,
                "insufficient_scope",
                "The request requires higher privileges than provided by the access token",
            )
        case _:
            return


async def _after(
    request: web.Request, fault: ArmedFault, response: web.StreamResponse
) -> web.StreamResponse:
    """Play what happens to the answer of a call that took effect."""
    match fault.fault:
        case Fault.ERROR_AFTER_WRITE:
            return server_error()
        case Fault.TIMEOUT_AFTER_WRITE:
            await asyncio.sleep(fault.seconds)
            return hang_up(request)
        case Fault.DROPPED_AFTER_WRITE:
            return hang_up(request)
        case Fault.NOT_JSON:
            return _page("Em manutenção")
        case Fault.MALFORMED_JSON:
            whole = _text(response)
            half = whole[: len(whole) // 2]
            return web.Response(text=half, status=response.status, content_type="application/json")
        case _ if response.status < 400 and request.method == "GET":
            return _after_read(request, fault, response)
        case _:
            return response


def _after_read(
    request: web.Request, fault: ArmedFault, response: web.StreamResponse
) -> web.StreamResponse:
    """Play what happens to something that was read."""
    sandbox, company = reached(request)
    match fault.fault:
        case Fault.WRONG_TYPES:
            return web.json_response(_as_wrong_types(json.loads(_text(response))))
        case Fault.STALE_READ:
            moment = sandbox.clock() - timedelta(seconds=fault.seconds)
            order = _order(request, company)
            return data(orders.detail(replace(order, body=order.as_of(moment))))
        case Fault.MOVED_AFTER_READ if fault.situation is not None:
            chosen = company.situations[fault.situation]
            orders.take_on_situation(sandbox, company, _order(request, company), chosen, "seller")
            return response
        case _:
            return response


def _order(request: web.Request, company: Company) -> Order:
    return company.orders[int(request.match_info["order_id"])]


def _as_wrong_types(body: Any) -> Any:
    """Write JSON as careless PHP does: numbers quoted, lists with their positions as keys."""
    match body:
        case dict():
            return {name: _as_wrong_types(value) for name, value in body.items()}
        case list():
            return {str(place): _as_wrong_types(value) for place, value in enumerate(body)}
        case bool():
            return body
        case int() | float():
            return str(body)
        case _:
            return body


def server_error() -> web.Response:
    """Answer as Bling does when it fails by itself."""
    return ApiError(500, "SERVER_ERROR", "Um erro interno ocorreu.").response()


def _page(title: str, *, status: int = 200) -> web.Response:
    return web.Response(status=status, text=f"<h1>{title}</h1>", content_type="text/html")


def _text(response: web.StreamResponse) -> str:
    return (response.text or "") if isinstance(response, web.Response) else ""
