"""What both gateways answer webhooks, and which of their headers they keep."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import structlog
from aiohttp import web

from shared.web import Problem

log = structlog.get_logger(__name__)

_CANNOT_STORE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_RETRY_AFTER_S: Final = 5


def unauthentic(cause: str, **ids: str) -> Problem:
    """Log why, and return the answer to a webhook that the other side did not send like this."""
    log.warning("webhook refused", action="webhook_refused", cause=cause, **ids)
    return Problem(401, "signature_invalid", "The webhook's signature is not valid")


@contextmanager
def storing() -> Iterator[None]:
    """Answer 503 if the database fails inside: then the webhook is sent again."""
    try:
        yield
    except _CANNOT_STORE as error:
        log.exception("webhook could not be stored", action="webhook_not_stored")
        raise Problem(
            503,
            "not_stored",
            "The webhook could not be stored",
            headers={"Retry-After": str(_RETRY_AFTER_S)},
        ) from error


def is_about_its_content(error: Exception) -> bool:
    """Tell whether a webhook, and not the database, is why it could not be worked on.

    Sent again it would fail again, until the other side gave up on us: so it is kept, unclaimed.
    """
    is_its_data = isinstance(error, asyncpg.DataError)
    return is_its_data or not isinstance(error, _CANNOT_STORE)


def headers_of(request: web.Request, kept: Collection[str]) -> dict[str, str]:
    """Return those headers that are kept, as text that can be stored whatever bytes they hold."""
    present = {name: request.headers[name] for name in kept if name in request.headers}
    return {
        name: value.encode("ascii", "backslashreplace").decode() for name, value in present.items()
    }
