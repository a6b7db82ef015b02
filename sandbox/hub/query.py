"""Routes with the query parameters they know, and pages of lists."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from aiohttp import web

from sandbox.hub.problems import ApiError, Handler, Json

_DEFAULT_LIMIT = 50
_MOST = 200
PAGING = frozenset({"limit", "cursor"})


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    handler: Handler
    query: frozenset[str] = field(default_factory=frozenset)

    def checked(self) -> Handler:
        """The handler, behind a check that refuses parameters it does not know."""

        async def check_and_call(request: web.Request) -> web.StreamResponse:
            if unknown := sorted(set(request.query) - self.query):
                raise ApiError("unknown-parameter", f"Unknown: {', '.join(unknown)}.")
            return await self.handler(request)

        return check_and_call


def add_routes(app: web.Application, routes: Sequence[Route]) -> None:
    for route in routes:
        app.router.add_route(route.method, route.path, route.checked())


def whole_number(request: web.Request, name: str, default: int, *, least: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ApiError("malformed", f"{name} is a whole number from {least} to {most}.")
    return int(text)


def limit_of(request: web.Request) -> int:
    return whole_number(request, "limit", _DEFAULT_LIMIT, least=1, most=_MOST)


def time_of(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("malformed", f"{name} is not a time.") from None
    if at.tzinfo is None:
        raise ApiError("malformed", f"{name} has no time zone.")
    return at


def words_of(request: web.Request, name: str, allowed: frozenset[str]) -> frozenset[str]:
    """Read a list parameter, repeated or separated by commas."""
    words = {word for text in request.query.getall(name, []) for word in text.split(",")}
    if wrong := sorted(words - allowed):
        raise ApiError("malformed", f"{name} does not know {', '.join(wrong)}.")
    return frozenset(words)


def write_cursor(kind: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{position}".encode()).decode().rstrip("=")


def read_cursor(kind: str, cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        found, position = text.split(":")
        if found != kind:
            raise ValueError(found)
        return int(position)
    except (ValueError, binascii.Error):
        raise ApiError("malformed", "The cursor is not one of ours.") from None


Row = TypeVar("Row")


@dataclass(frozen=True)
class Page:
    """What a list answers beside its rows."""

    next_cursor: str | None
    has_more: bool

    def view(self) -> Json:
        return {"next_cursor": self.next_cursor, "has_more": self.has_more}


def cut_page(
    request: web.Request, kind: str, rows: Sequence[tuple[int, Row]]
) -> tuple[list[Row], Page]:
    """Cut one page out of numbered rows; stable numbers make pages neither skip nor repeat."""
    cursor = request.query.get("cursor")
    after = -1 if cursor is None else read_cursor(kind, cursor)
    limit = limit_of(request)
    rest = [(number, row) for number, row in rows if number > after]
    page = rest[:limit]
    more = len(rest) > limit
    next_cursor = write_cursor(kind, page[-1][0]) if more else None
    return [row for _, row in page], Page(next_cursor, more)
