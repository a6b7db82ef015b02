"""What the operator's page sends: each form goes to the control that a script would call."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from aiohttp import web
from multidict import MultiDictProxy

from sandbox.hub import (
    controls,
    controls_accounts,
    controls_orders,
    controls_webhooks,
    webhook_api,
)
from sandbox.hub.content import FORM
from sandbox.hub.control_body import named_account
from sandbox.hub.page_words import FIELDS, HOLDS, PROBLEMS
from sandbox.hub.problems import ApiError, Handler, Json
from sandbox.hub.query import Route
from sandbox.hub.state import ACCOUNT

LOCAL_TIME = ZoneInfo("America/Sao_Paulo")
_NOTICE = "notice"


@dataclass(frozen=True)
class Notice:
    """What is said on the next page: what was done, or why it was not."""

    text: str
    refused: bool = False


Said = str | Callable[[Json], Notice]
"""A sentence with the answer's fields in braces, or what makes the notice of the answer."""


def add_forms(app: web.Application) -> None:
    """Let forms reach every control under `/act`; one that deletes has `/delete` at its end."""
    modules = (controls, controls_accounts, controls_orders, controls_webhooks, webhook_api)
    for route in (route for module in modules for route in module.ROUTES):
        if said := _SAID.get(route.handler):
            app.router.add_post(form_path(route), _act(route.handler, said))


def form_path(route: Route) -> str:
    return f"/act{route.path}{'/delete' if route.method == 'DELETE' else ''}"


def take_notice(request: web.Request) -> Notice | None:
    """Read what the last action left to say; a cookie that is not ours says nothing."""
    try:
        text, refused = json.loads(unquote(request.cookies[_NOTICE]))
        return Notice(str(text), bool(refused))
    except (KeyError, ValueError, TypeError):
        return None


def forget_notice(response: web.Response) -> None:
    response.del_cookie(_NOTICE)


def fields_of(form: "MultiDictProxy[Any]") -> Json:
    """Read a form as the JSON that a control takes; what was left empty is not there.

    A name ends in `[]` for a list of all its values, in `:number` for a whole number, in `:time`
    for a local time, in `:money` for reais; `list.0.name` is a field of the list's first element.
    """
    fields: Json = {}
    rows: dict[str, dict[str, Json]] = {}
    for name in dict.fromkeys(form):
        values = [str(value).strip() for value in form.getall(name) if str(value).strip()]
        path, _, kind = name.partition(":")
        if not values:
            continue
        value = _typed(values[0], kind)
        if path.endswith("[]"):
            fields[path[:-2]] = values
        elif path.count(".") == 2:
            of, row, inner = path.split(".")
            rows.setdefault(of, {}).setdefault(row, {})[inner] = value
        else:
            fields[path] = value
    return {**fields, **{of: list(found.values()) for of, found in rows.items()}}


def _typed(text: str, kind: str) -> Any:
    """Convert what can be converted; the control refuses the rest by name."""
    if kind == "number" and text.isdecimal():
        return int(text)
    if kind == "money":
        return text.replace(".", "").replace(",", ".") if "," in text else text
    if kind == "time":
        try:
            return datetime.fromisoformat(text).replace(tzinfo=LOCAL_TIME).isoformat()
        except ValueError:
            return text
    return text


def in_reais(amount: Decimal | str) -> str:
    """Write an amount as people do: R$ 1.234,50."""
    return f"R$ {Decimal(amount):,.2f}".translate(str.maketrans(",.", ".,"))


def _act(handler: Handler, said: Said) -> Handler:
    async def act(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        fields = fields_of(form)
        back = _own_page(str(fields.pop("back", "/")))
        try:
            request[FORM] = fields
            request[ACCOUNT] = named_account(request)
            notice = _done(said, await handler(request))
        except ApiError as problem:
            notice = Notice(why(problem), refused=True)
        response = web.Response(status=303, headers={"Location": back})
        text = quote(json.dumps([notice.text, notice.refused]))
        response.set_cookie(_NOTICE, text, max_age=30, httponly=True, samesite="Strict")
        return response

    return act


def _own_page(back: str) -> str:
    """Lead back to a page of ours, and nowhere else."""
    ours = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return back if ours else "/"


def _done(said: Said, response: web.StreamResponse) -> Notice:
    text = response.text if isinstance(response, web.Response) else None
    answer: Json = json.loads(text or "{}")
    return Notice(said.format(**answer)) if isinstance(said, str) else said(answer)


def why(problem: ApiError) -> str:
    """Say in plain words why something was refused."""
    text = PROBLEMS.get(problem.code) or problem.detail or ""
    if errors := problem.extensions.get("errors"):
        text = "; ".join(f"{_field(e['pointer'])}: {e['message'].lower()}" for e in errors) + "."
    if holds := problem.extensions.get("holds"):
        text += f" Retenções: {_holds(holds)}."
    for order in problem.extensions.get("orders", []):
        reason = _holds(order["holds"]) or f"está em {order['status']}"
        text += f" {order['external_ref']}: {reason}."
    return text or problem.kind.title


def _field(pointer: str) -> str:
    name = pointer.rsplit("/", 1)[-1]
    return FIELDS.get(name, name) or "Formulário"


def _holds(holds: list[Json]) -> str:
    return ", ".join(HOLDS.get(code, code) for code in (str(hold["code"]) for hold in holds))


def _labels_said(order: Json) -> Notice:
    if order["status"] == "in_manifest":
        return Notice("Nem todas as etiquetas ficaram prontas; veja o motivo abaixo.", refused=True)
    return Notice("Etiquetas geradas.")


def _scan_said(answer: Json) -> Notice:
    if not answer["recorded"]:
        return Notice("A transportadora esqueceu de informar esta leitura (falha armada).")
    return Notice(f"Leitura registrada; o pedido está em: {answer['status_label']}.")


def _occurrence_said(occurrence: Json) -> Notice:
    verb = "aberta" if occurrence["status"] == "open" else "resolvida"
    return Notice(f"Ocorrência {occurrence['code']} {verb}.")


def _photo_said(answer: Json) -> Notice:
    verb = "aceita" if answer["photo"]["status"] == "accepted" else "recusada"
    return Notice(f"Foto {verb}.")


def _fault_said(answer: Json) -> Notice:
    armed = answer["armed"]
    return Notice("1 falha armada." if armed == 1 else f"{armed} falhas armadas.")


_SAID: dict[Handler, Said] = {
    controls.reset: "Tudo foi apagado; a conta de desenvolvimento começa de novo.",
    controls.set_clock: "O relógio do hub foi movido.",
    controls.arm_fault: _fault_said,
    controls.disarm_faults: "Todas as falhas foram desarmadas.",
    controls.set_limits: "Limites: {per_minute} chamadas por minuto, {burst} de uma vez.",
    controls.set_balance: lambda answer: Notice(f"O saldo agora é {in_reais(answer['balance'])}."),
    controls_accounts.open_account: "Conta {name} aberta.",
    controls_accounts.set_standing: "A conta foi alterada.",
    controls_accounts.make_secret: "Há um segredo novo; o anterior continua valendo.",
    controls_accounts.expire: "Tokens expirados: {expired}.",
    controls_orders.create_manifest: "Romaneio {number} aberto.",
    controls_orders.add_to_manifest: "Pedidos postos no romaneio {number}.",
    controls_orders.remove_from_manifest: "Pedido tirado do romaneio.",
    controls_orders.close: "Romaneio {number} fechado.",
    controls_orders.give_up: "Romaneio {number} cancelado; os pedidos voltaram ao começo.",
    controls_orders.make_labels: _labels_said,
    controls_orders.void: "Etiquetas anuladas.",
    controls_orders.send_tracking_codes: "Os códigos de rastreio chegaram.",
    controls_orders.measure: "Volumes medidos.",
    controls_orders.carrier_scan: _scan_said,
    controls_orders.occur: _occurrence_said,
    controls_orders.cancel_by_hub: "O pedido foi cancelado pelo hub.",
    controls_orders.register_photos: "Fotos cadastradas.",
    controls_orders.decide_on_photo: _photo_said,
    controls_orders.review_product: "Análise registrada.",
    controls_webhooks.disturb: "As entregas de webhooks foram ajustadas.",
    controls_webhooks.release: "Webhooks soltos: {released}; aceitos: {accepted}.",
    controls_webhooks.verify_endpoint: "A verificação foi enviada.",
    webhook_api.redeliver: "O webhook será entregue de novo.",
    webhook_api.replay: "Webhooks que serão entregues de novo: {deliveries}.",
}
"""What is said of each action that has a form."""
