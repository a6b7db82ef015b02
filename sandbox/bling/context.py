"""Typed keys under which the application and its requests carry what handlers need."""

from aiohttp import web

from sandbox.bling.faults import ArmedFault
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json

SANDBOX = web.AppKey("sandbox", Sandbox)
COMPANY = web.RequestKey("company", Company)
"""Whose access token a resource call carries, or whose tokens the token endpoint issued."""
GRANT_TYPE = web.RequestKey("grant_type", str)
"""What a token call asked with."""
FAULT = web.RequestKey("fault", ArmedFault)
"""The fault that is played on this call."""
APPLIED = web.RequestKey("applied", bool)
"""Whether the handler itself succeeded, whatever is answered."""


def data(content: Json | list[Json], *, status: int = 200) -> web.Response:
    """Answer with Bling's success envelope."""
    return web.json_response({"data": content}, status=status)


def reached(request: web.Request) -> tuple[Sandbox, Company]:
    """Reach the double and the company of a resource call."""
    return request.app[SANDBOX], request[COMPANY]
