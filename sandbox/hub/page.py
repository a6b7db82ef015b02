"""The operator's page: everything there is, and a form for everything that the hub's people do."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web

from sandbox.hub import page_words
from sandbox.hub.control_body import named_account
from sandbox.hub.faults import FaultName
from sandbox.hub.holds import LABEL_PRICE
from sandbox.hub.occurrences import KINDS as OCCURRENCES
from sandbox.hub.page_forms import LOCAL_TIME, add_forms, forget_notice, in_reais, take_notice, why
from sandbox.hub.problems import KINDS as PROBLEMS
from sandbox.hub.problems import ApiError, Handler, Json
from sandbox.hub.products_life import REASONS
from sandbox.hub.records import Order
from sandbox.hub.state import Account, hub_of

_SHOWN = 200
"""How many rows of a long list are shown, the newest ones."""
_MOST_VOLUMES = 20
_SAFE = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"

Row = TypeVar("Row")


def add_page(app: web.Application) -> None:
    """Put the page at the root, with its forms under `/act`."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        filters=_FILTERS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["words"] = page_words
    for path, show in _PAGES.items():
        app.router.add_get(path, _page(show))
    add_forms(app)


def _page(show: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await show(request)
        except ApiError as problem:
            content = {"title": "Não encontrado", "why": why(problem)}
            response = aiohttp_jinja2.render_template("missing.html", request, content)
            response.set_status(problem.kind.status)
            return response

    return answer


async def show_orders(request: web.Request) -> web.Response:
    account = named_account(request)
    status, text = request.query.get("status", ""), request.query.get("text", "").strip()
    found = [
        order
        for order in account.orders.values()
        if status in ("", order.shown_status) and text.lower() in _searched(order)
    ]
    content = {
        "orders": _newest(found),
        "found": len(found),
        "status": status,
        "text": text,
        "open_manifests": [m for m in account.manifests.values() if m.status == "open"],
    }
    return _render(request, account, "orders.html", content)


async def show_order(request: web.Request) -> web.Response:
    account = named_account(request)
    order = account.order(request.match_info["ref"])
    content = {
        "order": order,
        "manifest": account.manifests.get(order.manifest_id or ""),
        "measures": _measures(order, request.query.get("volumes", "")),
        "occurrence_kinds": OCCURRENCES,
        "label_price": LABEL_PRICE,
    }
    return _render(request, account, "order.html", content)


async def show_manifests(request: web.Request) -> web.Response:
    account = named_account(request)
    content = {"manifests": _newest(account.manifests.values())}
    return _render(request, account, "manifests.html", content)


async def show_products(request: web.Request) -> web.Response:
    account = named_account(request)
    content = {"products": _newest(account.products.values()), "reasons": REASONS}
    return _render(request, account, "products.html", content)


async def show_webhooks(request: web.Request) -> web.Response:
    account = named_account(request)
    state = request.query.get("state", "")
    found = [d for d in account.deliveries.values() if state in ("", d.state)]
    content = {"deliveries": _newest(found), "found": len(found), "state": state}
    return _render(request, account, "webhooks.html", content)


async def show_faults(request: web.Request) -> web.Response:
    content = {"names": list(FaultName), "codes": PROBLEMS}
    return _render(request, named_account(request), "faults.html", content)


async def show_settings(request: web.Request) -> web.Response:
    return _render(request, named_account(request), "settings.html", {})


def _render(request: web.Request, account: Account, template: str, content: Json) -> web.Response:
    hub = hub_of(request)
    common = {
        "account": account,
        "accounts": list(hub.accounts.values()),
        "where": urlencode({"account": account.account_id}),
        "here": request.path_qs,
        "path": request.path,
        "now": hub.clock.now(),
        "notice": take_notice(request),
    }
    response = aiohttp_jinja2.render_template(template, request, {**common, **content})
    response.headers["Content-Security-Policy"] = _SAFE
    response.headers["Cache-Control"] = "no-store"
    forget_notice(response)
    return response


def _newest(rows: Iterable[Row]) -> list[Row]:
    return list(islice(reversed(list(rows)), _SHOWN))


def _searched(order: Order) -> str:
    content = order.content
    fields = (order.ref, content["number"], content.get("store_order_number", ""))
    return " ".join((*fields, content["recipient"]["name"])).lower()


def _measures(order: Order, wanted: str) -> list[Json]:
    """List the volumes to measure: the order's own, or as many as are asked for."""
    count = int(wanted) if wanted.isdecimal() else len(order.volumes)
    numbers = range(1, max(1, min(count, _MOST_VOLUMES)) + 1)
    known = {volume["volume"]: volume for volume in order.volumes}
    return [known.get(number, {"volume": number}) for number in numbers]


def _local_time(at: datetime | None) -> str:
    return "—" if at is None else at.astimezone(LOCAL_TIME).strftime("%d/%m/%Y %H:%M:%S")


_FILTERS: dict[str, Callable[..., str]] = {"time": _local_time, "money": in_reais}

_PAGES: dict[str, Handler] = {
    "/": show_orders,
    "/orders/{ref}": show_order,
    "/manifests": show_manifests,
    "/products": show_products,
    "/webhooks": show_webhooks,
    "/faults": show_faults,
    "/settings": show_settings,
}
