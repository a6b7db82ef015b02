"""Bearer tokens (RFC 6750) for programs and operators."""

import hmac
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import SecretStr

from shared.web.problems import Problem

ACTOR: Final = web.RequestKey("actor", str)
"""Who calls: the name that the token was given under."""


def bearer(tokens: Mapping[str, SecretStr]) -> Middleware:
    """Return a middleware that lets only holders of a token in, for a sub-application's list."""
    known = {name: token.get_secret_value().encode() for name, token in tokens.items()}

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[ACTOR] = _actor(request.headers.get("Authorization", ""), known)
        return await handler(request)

    return authenticate


def _actor(header: str, known: Mapping[str, bytes]) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refusal('Bearer realm="api"', "Send a bearer token")
    presented = token.strip().encode(errors="surrogateescape")  # headers may hold any bytes
    # All are compared, each in constant time: the answer's time tells nothing.
    matching = [name for name, each in known.items() if hmac.compare_digest(each, presented)]
    if not matching:
        raise _refusal('Bearer realm="api", error="invalid_token"', "The token is not known")
    return matching[0]


def _refusal(challenge: str, detail: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        "Authentication is needed",
        detail,
        headers={"WWW-Authenticate": challenge},
    )
