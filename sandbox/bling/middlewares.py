"""What every call of the API passes on its way: the record, blocks, errors, account, limits."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from aiohttp import web
from pydantic import ValidationError

from sandbox.bling.context import APPLIED, COMPANY, FAULT, GRANT_TYPE, SANDBOX
from sandbox.bling.errors import ApiError, ControlError, not_found
from sandbox.bling.faults import OAUTH_PATHS
from sandbox.bling.limits import ERRORS, REQUESTS, TOKEN_CALLS
from sandbox.bling.oauth import invalid_token
from sandbox.bling.state import ApiCall

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/Api/v3/"
TOKEN_PATH = "/Api/v3/oauth/token"

# Seen in an example of Bling's, and refused in reality.
_SHORT_OAUTH_PATHS = "/oauth/"

# The consent page is shown to a person's browser, not to the app's address.
_PAGE = "/Api/v3/oauth/authorize"


def is_api(request: web.Request) -> bool:
    """Tell whether a call is the app's, not a browser's or a control."""
    return request.path.startswith((API, _SHORT_OAUTH_PATHS)) and request.path != _PAGE


def hang_up(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    # Nobody receives this; it is what the list of calls shows.
    return web.Response(status=504)


def _is_resource(request: web.Request) -> bool:
    return request.path.startswith(API) and not request.path.startswith(OAUTH_PATHS)


@web.middleware
async def record_calls(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep a list of the calls, and give each answer the id that Bling's carry."""
    if not is_api(request):
        return await handler(request)
    sandbox = request.app[SANDBOX]
    at = sandbox.clock()
    response = await handler(request)
    response.headers["x-amzn-RequestId"] = str(uuid4())
    company, fault = request.get(COMPANY), request.get(FAULT)
    call = ApiCall(
        at=at,
        address=request.remote or "",
        company=company.id if company else None,
        method=request.method,
        path=request.path,
        query=request.query_string,
        grant_type=request.get(GRANT_TYPE),
        status=response.status,
        applied=request.get(APPLIED, False) and request.method != "GET",
        fault=fault.fault if fault else None,
    )
    sandbox.calls.append(call)
    return response


@web.middleware
async def block_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Shut out addresses that send too much, and count what this one sends."""
    if not is_api(request):
        return await handler(request)
    addresses = request.app[SANDBOX].addresses
    address = request.remote or ""
    if addresses.is_blocked(address):
        return _shut_out(request)
    addresses.count(address, REQUESTS)
    if request.path == TOKEN_PATH and request.method == "POST":
        addresses.count(address, TOKEN_CALLS)
    response = await handler(request)
    if response.status >= 400:
        addresses.count(address, ERRORS)
    return response


def _shut_out(request: web.Request) -> web.Response:
    match request.app[SANDBOX].unconfirmed.blocked_address:
        case "page":
            return web.Response(status=403, text="<h1>403 Forbidden</h1>", content_type="text/html")
        case "too_many_requests":
            # Without `limit` and `period`: it is not the account's count that is used up.
            return ApiError(429, "TOO_MANY_REQUESTS", "Limite de requisições atingido.").response()
        case "closed":
            return hang_up(request)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into the API's envelope, and a control's into one sentence."""
    try:
        return await handler(request)
    except ApiError as error:
        plain = request.app[SANDBOX].unconfirmed.token_errors == "oauth"
        if plain and request.path.startswith(OAUTH_PATHS):
            return error.oauth_response()
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
    company = sandbox.authorisations.company_of(
        _bearer(request), asks_for_jwt=request.headers.get("enable-jwt") == "1"
    )
    request[COMPANY] = company
    sandbox.pace.admit(company)
    if not company.user_permitted:
        raise ApiError(403, "FORBIDDEN", "O usuário não possui permissão para acessar este recurso")
    return await handler(request)


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
