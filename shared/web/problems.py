"""Errors as problem details (RFC 9457): one shape, a code for programs, a sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "application/problem+json"

_CODES: Final = {
    404: ("not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address does not take this method"),
    413: ("body_too_large", "The request's body is larger than allowed"),
}


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """An answer other than success: raise it in a handler.

    ``code`` is for programs, ``title`` says the same for every occurrence, ``detail`` is about
    this one. Extensions become members of the body, ``headers`` headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self._members = {"title": title, "detail": detail, **extensions}

    def response(self) -> web.Response:
        """Return the problem as an answer."""
        members = {
            "type": f"urn:bling-360hub-sync:problem:{self.code}",
            "status": self.status,
            "code": self.code,
            **{name: value for name, value in self._members.items() if value is not None},
        }
        return web.Response(
            status=self.status,
            body=orjson.dumps(members),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem; what we did not foresee is logged and answered with 500."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise  # a redirect
        return _from_aiohttp(error).response()
    except web.RequestPayloadError:
        detail = "It is not what its Content-Encoding says."
        return Problem(400, "body_unreadable", "The body cannot be read", detail).response()
    except Exception:
        log.exception("handler failed", action="request_failed", route=route_of(request))
        return Problem(500, "internal_error", "Something went wrong on our side").response()


def route_of(request: web.Request) -> str:
    """Return the pattern that matched, which holds no one's data, instead of the path."""
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


def _from_aiohttp(error: web.HTTPException) -> Problem:
    fallback = (f"http_{error.status}", HTTPStatus(error.status).phrase)
    code, title = _CODES.get(error.status, fallback)
    kept = {name: value for name, value in error.headers.items() if name == "Allow"}
    return Problem(error.status, code, title, headers=kept)
