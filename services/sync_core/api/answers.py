"""How the API answers: models as JSON, pages of a bounded size."""

import re
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from shared.web import Problem

DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 200

_LIMIT: Final = re.compile(r"[0-9]{1,3}")


def answer(model: BaseModel, *, status: int = 200) -> web.Response:
    """Answer with the model's JSON."""
    body = model.model_dump_json().encode()
    return web.Response(body=body, status=status, content_type="application/json")


def limit_of(request: web.Request) -> int:
    """Return how many entries the caller wants on a page. Raises a problem beyond 200."""
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if not (_LIMIT.fullmatch(text) and 1 <= int(text) <= LARGEST_LIMIT):
        detail = f"It must be a number from 1 to {LARGEST_LIMIT}."
        raise Problem(400, "limit_invalid", "The limit is not allowed", detail)
    return int(text)


def word_of(request: web.Request, name: str) -> str | None:
    """Return the word that the query asks for, if it does. Raises a problem if it is none."""
    text = request.query.get(name)
    if text is not None and not text.isprintable():
        raise Problem(400, "query_invalid", f"{name} is not a word")
    return text
