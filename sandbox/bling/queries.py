"""Read query parameters, JSON bodies and pages the way Bling's lists and writes do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from aiohttp import web

from sandbox.bling.errors import ApiError, not_found, validation
from sandbox.bling.state import Json

# Integrators treat 100 as the cap of `limite`; the specification declares none.
PAGE_MAX = 100
PERIOD_MAX = timedelta(days=366)
DAY = "%Y-%m-%d"
MOMENT = "%Y-%m-%d %H:%M:%S"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Period:
    """A closed period, either end of which may be open; the texts compare as Bling writes them."""

    start: str = ""
    end: str = "9999"

    def __contains__(self, text: str) -> bool:
        return self.start <= text <= self.end


def path_id(request: web.Request, name: str) -> int:
    """Read an id of the path; what is not a number names nothing."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()):
        raise not_found()
    return int(text)


def integer(request: web.Request, name: str, default: int | None = None) -> int | None:
    """Read a whole number of the query."""
    text = request.query.get(name)
    if text is None or text == "":
        return default
    return _whole(name, text)


def integers(request: web.Request, name: str) -> set[int]:
    """Read a repeated parameter such as `idsSituacoes[]`."""
    return {_whole(name, text) for text in request.query.getall(name, [])}


def flag(request: web.Request, name: str) -> bool:
    """Read a yes or no of the query, in the ways that clients write it."""
    return request.query.get(name, "").casefold() in ("true", "1")


def texts(request: web.Request, name: str) -> set[str]:
    """Read a repeated text parameter such as `numerosLojas[]`."""
    return set(request.query.getall(name, []))


def period(
    request: web.Request, prefix: str, form: str = DAY, *, bare_days: bool = False
) -> Period:
    """Read `<prefix>Inicial` and `<prefix>Final`; more than a year is refused.

    With `bare_days` a moment may come without its hour; the day then counts whole.
    """
    start = _moment(request, f"{prefix}Inicial", form, bare_day=time.min if bare_days else None)
    end = _moment(request, f"{prefix}Final", form, bare_day=time.max if bare_days else None)
    if start and end and end - start > PERIOD_MAX:
        raise validation(
            "O período informado é maior que o permitido",
            description="O período entre a data inicial e a final deve ser de no máximo 1 ano.",
        )
    return Period(
        start.strftime(form) if start else "",
        end.strftime(form) if end else "9999",
    )


def page(request: web.Request, rows: Sequence[T]) -> list[T]:
    """Cut the asked page out of the rows."""
    number = _whole("pagina", request.query.get("pagina") or "1")
    size = _whole("limite", request.query.get("limite") or str(PAGE_MAX))
    if number < 1 or size < 1:
        raise validation("Os parâmetros pagina e limite devem ser maiores que zero")
    size = min(size, PAGE_MAX)
    return list(rows[(number - 1) * size : number * size])


async def json_object(request: web.Request) -> Json:
    """Read a body that has to be a JSON object."""
    raw = await request.read()
    if not raw.strip():
        raise ApiError(400, "EMPTY_REQUEST_BODY", "O corpo da requisição está vazio")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise _invalid_body() from error
    if not isinstance(body, dict):
        raise _invalid_body()
    return body


def _invalid_body() -> ApiError:
    return ApiError(400, "INVALID_REQUEST_BODY", "O corpo da requisição é inválido")


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise validation(f"O parâmetro {name} deve ser um número inteiro") from error


def _moment(
    request: web.Request, name: str, form: str, *, bare_day: time | None
) -> datetime | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        if bare_day is not None and len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), bare_day)
        return datetime.strptime(text, form)  # noqa: DTZ007 - Bling's dates carry no zone
    except ValueError as error:
        raise validation(f"O parâmetro {name} deve ser uma data válida") from error
