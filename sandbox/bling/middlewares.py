"""What every call of the API passes on its way: blocks, errors, account, limits, faults."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from sandbox.bling.context import APPLIED, COMPANY, FAULT, SANDBOX
from sandbox.bling.errors import ApiError, ControlError, not_found, validation
from sandbox.bling.faults import OAUTH_PATHS, ArmedFault, Fault
from sandbox.bling.limits import ERRORS, REQUESTS, TOKEN_CALLS, too_many_requests
from sandbox.bling.oauth import invalid_token
from sandbox.bling.state import ApiCall

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/Api/v3/"
TOKEN_PATH = "/Api/v3/oauth/token"

# The consent page is shown to a person's browser, not to the app's address.
_PAGE = "/Api/v3/oauth/authorize"


def _is_api(request: web.Request) -> bool:
    return request.path.startswith(API) and request.path != _PAGE


def _is_resource(request: web.Request) -> bool:
    return request.path.startswith(API) and not request.path.startswith(OAUTH_PATHS)


@web.middleware
async def block_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Shut out addresses that send too much, and count what this one sends."""
    if not _is_api(request):
        return await handler(request)
    addresses = request.app[SANDBOX].addresses
    address = request.remote or ""
    if addresses.is_blocked(address):
        # What a blocked address receives is not documented.
        return web.Response(status=403, text="<h1>403 Forbidden</h1>", content_type="text/html")
    addresses.count(address, REQUESTS)
    if request.path == TOKEN_PATH and request.method == "POST":
        addresses.count(address, TOKEN_CALLS)
    response = await handler(request)
    if response.status >= 400:
        addresses.count(address, ERRORS)
    return response


@web.middleware
async def record_calls(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep a list of each company's resource calls."""
    sandbox = request.app[SANDBOX]
    at = sandbox.clock()
    response = await handler(request)
    if COMPANY in request:
        fault = request.get(FAULT)
        call = ApiCall(
            method=request.method,
            path=request.path,
            query=request.query_string,
            status=response.status,
            applied=request.get(APPLIED, False) and request.method != "GET",
            fault=fault.fault if fault else None,
            at=at,
        )
        request[COMPANY].calls.append(call)
    return response


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into the API's envelope, and a control's into one sentence."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except ControlError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except ValidationError as error:
        return web.json_response({"error": _sentence(error)}, status=400)
    except web.HTTPException as error:
        # Bling is reported to answer 404, not 405, to a wrong method.
        if request.path.startswith(API) and error.status in (404, 405):
            return not_found().response()
        raise


@web.middleware
async def identify_company(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the company behind the access token and count the call against its limits."""
    if not _is_resource(request):
        return await handler(request)
    sandbox = request.app[SANDBOX]
    company_id = sandbox.authorisations.company_of(_bearer(request))
    company = sandbox.companies[company_id]
    request[COMPANY] = company
    sandbox.pace.admit(company)
    return await handler(request)


@web.middleware
async def play_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let an armed fault happen; without one the call goes its way."""
    if not _is_api(request):
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
            return web.Response(
                status=502, text="<h1>502 Bad Gateway</h1>", content_type="text/html"
            )
        case Fault.DROPPED_BEFORE:
            return _hang_up(request)
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
            return _hang_up(request)
        case Fault.DROPPED_AFTER_WRITE:
            return _hang_up(request)
        case Fault.NOT_JSON:
            return web.Response(text="<h1>Em manutenção</h1>", content_type="text/html")
        case _:
            return response


def server_error() -> web.Response:
    """Answer as Bling does when it fails by itself."""
    return ApiError(500, "SERVER_ERROR", "Um erro interno ocorreu.").response()


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    # Nobody receives this; it is what the list of calls shows.
    return web.Response(status=504)


def _bearer(request: web.Request) -> str:
    header = request.headers.get("Authorization")
    if header is None:
        raise invalid_token("The access token provided is invalid")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(400, "invalid_request", "Malformed auth header")
    return token


def _sentence(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    )
