"""How the seller's pages are made: layout, numbers and dates as Brazilians write them, answers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from sandbox.bling.context import SANDBOX
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.seller_form import Form, FormError
from sandbox.bling.state import BRASILIA, Company, Json

Page = Callable[[web.Request], Awaitable[web.Response]]
Deed = Callable[[web.Request, Form], Awaitable[tuple[str, str]]]
"""Does what a form asks; tells the address to go on to and what to say there."""

_PROBLEM = web.RequestKey("problem", str)
_TYPED = web.RequestKey("typed", dict[str, str])

_DONE = {
    "created": "Pronto: criado.",
    "saved": "Alterações salvas.",
    "moved": "Situação alterada.",
    "invoiced": "Nota fiscal atualizada.",
    "deleted": "Excluído.",
    "sent": "Webhooks retidos foram enviados.",
    "advanced": "O relógio foi adiantado.",
    "armed": "A falha espera pelas próximas chamadas.",
    "disarmed": "Nenhuma falha espera mais.",
}

# Nothing comes from elsewhere, and no script runs, whatever a name contains.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


async def enter(request: web.Request) -> web.Response:
    """Go on to the orders of the chosen company, or of the first one."""
    companies = request.app[SANDBOX].companies
    chosen = request.query.get("company", "")
    company = companies.get(chosen) or next(iter(companies.values()))
    raise web.HTTPSeeOther(home(company, "pedidos"))


def home(company: Company, path: str) -> str:
    """Tell the address of one of a company's pages."""
    return f"/vendedor/{company.id}/{path}"


def reached(request: web.Request) -> tuple[Sandbox, Company]:
    """Reach the double and the company that a page's address names."""
    sandbox = request.app[SANDBOX]
    company = sandbox.companies.get(request.match_info["company"])
    if company is None:
        raise missing(request, "Esta empresa não existe.")
    return sandbox, company


def path_id(request: web.Request, name: str) -> int:
    """Read an id of a page's address; 0, which nothing has, for what is no id."""
    text = request.match_info[name]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def render(request: web.Request, name: str, content: Json) -> web.Response:
    """Show a page; one that answers a refused form says why, and keeps what was typed."""
    sandbox = request.app[SANDBOX]
    shown = {
        "companies": list(sandbox.companies.values()),
        "company": sandbox.companies.get(request.match_info.get("company", "")),
        "now": sandbox.clock(),
        "done": _DONE.get(request.query.get("done", "")),
        "problem": request.get(_PROBLEM),
        "typed": request.get(_TYPED, {}),
        **content,
    }
    refused = _PROBLEM in request
    response = aiohttp_jinja2.render_template(
        f"seller/{name}.html", request, shown, status=400 if refused else 200
    )
    response.headers.update(_HEADERS)
    return response


def missing(request: web.Request, words: str) -> web.HTTPNotFound:
    """Answer that there is no such thing, on a page."""
    page = render(request, "missing", {"words": words})
    return web.HTTPNotFound(text=page.text, content_type="text/html", headers=_HEADERS)


async def act(request: web.Request, deeds: Mapping[str, Deed], page: Page) -> web.Response:
    """Do what a page's form asks for, then show where it led, or the page again with the refusal.

    After a deed the browser is sent on, so that loading again does not do it again.
    """
    form = await Form.read(request)
    try:
        deed = deeds[form.chosen("deed", "Ação", deeds)]
        address, done = await deed(request, form)
    except FormError as refusal:
        request[_PROBLEM], request[_TYPED] = str(refusal), form.texts
        return await page(request)
    raise web.HTTPSeeOther(f"{address}?done={done}")


def part(content: Any, *names: str) -> Any:
    """Follow names into JSON; None where it does not go on, whatever somebody put there."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _money(value: object) -> str:
    """Write an amount as 1.234,56; what is no number is shown as it is."""
    try:
        text = f"{Decimal(str(value)):,.2f}"
    except (InvalidOperation, ValueError):
        return str(value)
    return text.translate(str.maketrans(",.", ".,"))


def _number(value: object) -> str:
    """Write a number as people type it, with all its digits: 1,5."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{Decimal(str(value)):f}".removesuffix(".0").replace(".", ",")


def _price(value: object) -> str:
    """Write a price as people type it: cents always, and finer parts where there are any."""
    text = _number(value)
    whole, _, cents = text.partition(",")
    return f"{whole},{cents:0<2}" if isinstance(value, int | float) else text


def _day(value: object) -> str:
    try:
        return f"{date.fromisoformat(str(value)):%d/%m/%Y}"
    except ValueError:
        return str(value)


def _moment(value: datetime) -> str:
    return f"{value.astimezone(BRASILIA):%d/%m/%Y %H:%M:%S}"


FILTERS: dict[str, Callable[..., str]] = {
    "money": _money,
    "number": _number,
    "price": _price,
    "day": _day,
    "moment": _moment,
}
