"""Situações, their module and the transitions between them."""

import re

from aiohttp import web

from sandbox.bling import postings, transitions
from sandbox.bling.context import data, reached
from sandbox.bling.errors import missing, not_found, validation
from sandbox.bling.queries import json_object, path_id
from sandbox.bling.situations import BUILT_IN, SALES_MODULE, add_custom
from sandbox.bling.state import Company, Json, Situation

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_NO_CREATION = "O módulo informado não permite criar situações"
_BUILT_IN_IDS = frozenset(situation.id for situation in BUILT_IN)


async def list_modules(request: web.Request) -> web.Response:
    """List the modules that have situações; only sales orders are played here."""
    sandbox, _ = reached(request)
    sales = {
        "id": SALES_MODULE,
        "nome": "Vendas",
        "descricao": "Pedidos de Venda",
        "criarSituacoes": sandbox.unconfirmed.situation_creation == "allowed",
    }
    return data([sales])


async def list_situations(request: web.Request) -> web.Response:
    """List the situações of a module."""
    _, company = reached(request)
    _check_module(request)
    return data([shown(situation) for situation in company.situations.values()])


async def list_actions(request: web.Request) -> web.Response:
    """List what a transition of a module can do."""
    _check_module(request)
    listed = [
        {"id": action, "nome": name, "descricao": title}
        for action, (name, title, _) in postings.ACTIONS.items()
    ]
    return data(listed)


async def list_transitions(request: web.Request) -> web.Response:
    """List the transitions of a module."""
    _, company = reached(request)
    _check_module(request)
    return data([_with_names(company, found) for found in company.transitions.values()])


async def get_situation(request: web.Request) -> web.Response:
    """Show one situação."""
    _, company = reached(request)
    return data(shown(_situation(request, company)))


async def create_situation(request: web.Request) -> web.Response:
    """Create a seller's own situação."""
    sandbox, company = reached(request)
    if sandbox.unconfirmed.situation_creation == "refused":
        raise validation(_NO_CREATION)
    name, inherited, colour = _checked(company, await json_object(request), changing=None)
    made = add_custom(company, name=name, inherited=inherited, colour=colour)
    return data({"id": made.id}, status=201)


async def change_situation(request: web.Request) -> web.Response:
    """Rename or recolour a seller's own situação."""
    _, company = reached(request)
    situation = _own_situation(request, company)
    sent = await json_object(request)
    name, inherited, colour = _checked(company, sent, changing=situation.id)
    valor = company.situations[inherited].valor
    company.situations[situation.id] = Situation(situation.id, name, valor, inherited, colour)
    return data({"id": situation.id})


async def delete_situation(request: web.Request) -> web.Response:
    """Delete a seller's own situação that no order is in."""
    _, company = reached(request)
    situation = _own_situation(request, company)
    if any(order.body["situacao"]["id"] == situation.id for order in company.live_orders()):
        raise validation("A situação está em uso e não pode ser excluída")
    del company.situations[situation.id]
    return web.Response(status=204)


async def get_transition(request: web.Request) -> web.Response:
    """Show one transition."""
    _, company = reached(request)
    return data(_with_names(company, _transition(request, company)))


async def create_transition(request: web.Request) -> web.Response:
    """Set up a step from one situação to another."""
    sandbox, company = reached(request)
    content = _checked_transition(company, await json_object(request), changing=None)
    made = transitions.add(company, sandbox.ids, content)
    return data({"id": made["id"]}, status=201)


async def change_transition(request: web.Request) -> web.Response:
    """Replace a transition."""
    _, company = reached(request)
    transition_id = int(_transition(request, company)["id"])
    sent = await json_object(request)
    content = _checked_transition(company, sent, changing=transition_id)
    company.transitions[transition_id] = {"id": transition_id, **content}
    return data({"id": transition_id})


async def delete_transition(request: web.Request) -> web.Response:
    """Delete a transition."""
    _, company = reached(request)
    del company.transitions[int(_transition(request, company)["id"])]
    return web.Response(status=204)


def shown(situation: Situation) -> Json:
    """Show a situação as the API does: without its valor."""
    return {
        "id": situation.id,
        "nome": situation.name,
        "idHerdado": situation.inherited,
        "cor": situation.colour,
    }


def _check_module(request: web.Request) -> None:
    if path_id(request, "module_id") != SALES_MODULE:
        raise not_found()


def _situation(request: web.Request, company: Company) -> Situation:
    found = company.situations.get(path_id(request, "situation_id"))
    if found is None:
        raise not_found()
    return found


def _own_situation(request: web.Request, company: Company) -> Situation:
    situation = _situation(request, company)
    if not situation.inherited:
        raise validation("Não é possível alterar uma situação do sistema")
    return situation


def _checked(company: Company, sent: Json, *, changing: int | None) -> tuple[str, int, str]:
    for name in ("idModuloSistema", "nome", "idHerdado", "cor"):
        if not sent.get(name):
            raise missing(name)
    if sent["idModuloSistema"] != SALES_MODULE:
        raise validation(_NO_CREATION)
    if not isinstance(sent["idHerdado"], int) or sent["idHerdado"] not in _BUILT_IN_IDS:
        raise validation("A situação herdada informada não foi encontrada")
    if not (isinstance(sent["cor"], str) and _COLOUR.fullmatch(sent["cor"])):
        raise validation("A cor informada é inválida")
    if not isinstance(sent["nome"], str):
        raise validation("O nome informado é inválido")
    same = company.situation_named(sent["nome"])
    if same is not None and same.id != changing:
        raise validation("Já existe uma situação com o nome informado")
    return sent["nome"], sent["idHerdado"], sent["cor"]


def _transition(request: web.Request, company: Company) -> Json:
    found = company.transitions.get(path_id(request, "transition_id"))
    if found is None:
        raise not_found()
    return found


def _checked_transition(company: Company, sent: Json, *, changing: int | None) -> Json:
    origin, destination = (_end(sent, name) for name in ("situacaoOrigem", "situacaoDestino"))
    if not {origin, destination} <= company.situations.keys():
        raise validation("A situação informada não foi encontrada")
    same = transitions.between(company, origin, destination)
    if same is not None and same["id"] != changing:
        raise validation("Já existe uma transição entre as situações informadas")
    actions = sent.get("acoes") or []
    if not isinstance(actions, list) or not all(one in postings.ACTIONS for one in actions):
        raise validation("A ação informada não foi encontrada")
    active = bool(sent.get("ativo", True))
    return transitions.content(origin, destination, actions=actions, active=active)


def _end(sent: Json, name: str) -> int:
    end = sent.get(name)
    if not isinstance(end, dict) or not isinstance(end.get("id"), int):
        raise missing(name)
    return int(end["id"])


def _with_names(company: Company, transition: Json) -> Json:
    named = dict(transition)
    for end in ("situacaoOrigem", "situacaoDestino"):
        situation = company.situations.get(transition[end]["id"])
        named[end] = {"id": transition[end]["id"], "nome": situation.name if situation else ""}
    return named
