"""Logistics of the API and the services that they offer."""

import copy

from aiohttp import web

from sandbox.bling import logistics
from sandbox.bling.context import data, reached
from sandbox.bling.errors import missing, not_found, validation
from sandbox.bling.queries import flag, json_object, page, path_id, texts
from sandbox.bling.state import Company, Json

_SITUATIONS = ("H", "D")
_SERVICE_TYPES: dict[str, type | tuple[type, ...]] = {
    "descricao": str,
    "freteItem": (int, float),
    "estimativaEntrega": int,
    "codigo": str,
    "transportador": dict,
    "aliases": list,
    "ativo": bool,
}


async def list_logistics(request: web.Request) -> web.Response:
    """List logistics."""
    _, company = reached(request)
    rows = [one for one in company.logistics.values() if _matches(request, one)]
    return data([logistics.summary(one) for one in page(request, rows)])


async def get_logistics(request: web.Request) -> web.Response:
    """Show one of the logistics with its services."""
    _, company = reached(request)
    found = _logistics(company, path_id(request, "logistics_id"))
    with_inactive = flag(request, "listarServicosInativos")
    return data(logistics.detail(found, with_inactive=with_inactive))


async def create_logistics(request: web.Request) -> web.Response:
    """Create custom logistics: nothing else can be created through the API."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    name, situation = _named(sent)
    contents = [_checked_service(one) for one in _listed_services(sent, required=False)]
    made = logistics.add_logistics(company, sandbox.ids, name=name, kind=logistics.CUSTOM)
    made["situacao"] = situation
    for content in contents:
        logistics.add_service(made, sandbox.ids, content)
    return data({"id": made["id"]}, status=201)


async def change_logistics(request: web.Request) -> web.Response:
    """Rename custom logistics, enable or disable them; the answer has no body."""
    _, company = reached(request)
    found = _custom(_logistics(company, path_id(request, "logistics_id")))
    found["descricao"], found["situacao"] = _named(await json_object(request))
    return web.Response(status=200)


async def delete_logistics(request: web.Request) -> web.Response:
    """Delete custom logistics; the answer has no body."""
    _, company = reached(request)
    found = _custom(_logistics(company, path_id(request, "logistics_id")))
    del company.logistics[found["id"]]
    return web.Response(status=200)


async def list_services(request: web.Request) -> web.Response:
    """List the services of all logistics."""
    _, company = reached(request)
    kind = request.query.get("tipoIntegracao")
    rows = [
        service
        for service in logistics.services(company)
        if kind in (None, company.logistics[service["logistica"]["id"]]["tipoIntegracao"])
    ]
    return data(page(request, rows))


async def get_service(request: web.Request) -> web.Response:
    """Show one service."""
    _, company = reached(request)
    return data(_service(request, company))


async def create_services(request: web.Request) -> web.Response:
    """Add services to custom logistics."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    named = sent.get("logistica")
    if not isinstance(named, dict) or not isinstance(named.get("id"), int):
        raise missing("logistica")
    if named["id"] not in company.logistics:
        raise validation("A logística informada não foi encontrada")
    found = _custom(company.logistics[named["id"]])
    contents = [_checked_service(one) for one in _listed_services(sent, required=True)]
    made = [logistics.add_service(found, sandbox.ids, content) for content in contents]
    return data([{"id": service["id"]} for service in made], status=201)


async def change_service(request: web.Request) -> web.Response:
    """Change a service of custom logistics: what the body does not name stays."""
    _, company = reached(request)
    service = _service(request, company)
    _custom(company.logistics[service["logistica"]["id"]])
    service.update(_checked_service({**service, **await json_object(request)}))
    return data({"id": service["id"]})


async def switch_service(request: web.Request) -> web.Response:
    """Enable or disable a service; the path's id is the service's."""
    _, company = reached(request)
    service = _service(request, company)
    sent = await json_object(request)
    if not isinstance(sent.get("ativo"), bool):
        raise missing("ativo")
    service["ativo"] = sent["ativo"]
    return web.Response(status=204)


def _matches(request: web.Request, one: Json) -> bool:
    kinds = texts(request, "tiposIntegracoes[]")
    # Reverse logistics are not played: no record here is one.
    return (
        request.query.get("tipoIntegracao") in (None, one["tipoIntegracao"])
        and (not kinds or one["tipoIntegracao"] in kinds)
        and request.query.get("situacao") in (None, one["situacao"])
        and not flag(request, "logisticasReversas")
    )


def _logistics(company: Company, logistics_id: int) -> Json:
    if logistics_id not in company.logistics:
        raise not_found()
    return company.logistics[logistics_id]


def _custom(found: Json) -> Json:
    if found["tipoIntegracao"] != logistics.CUSTOM:
        raise validation("A operação é permitida somente para logísticas personalizadas")
    return found


def _service(request: web.Request, company: Company) -> Json:
    found = logistics.service_with_id(company, path_id(request, "service_id"))
    if found is None:
        raise not_found()
    return found


def _named(sent: Json) -> tuple[str, str]:
    for name in ("descricao", "situacao"):
        if not sent.get(name):
            raise missing(name)
    if not isinstance(sent["descricao"], str) or sent["situacao"] not in _SITUATIONS:
        raise validation("Os dados informados são inválidos")
    return sent["descricao"], sent["situacao"]


def _listed_services(sent: Json, *, required: bool) -> list[Json]:
    listed = sent.get("servicos") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise validation("Os serviços informados são inválidos")
    if required and not listed:
        raise missing("servicos")
    return listed


def _checked_service(sent: Json) -> Json:
    if not sent.get("descricao"):
        raise missing("servicos.descricao")
    content = {name: copy.deepcopy(sent[name]) for name in _SERVICE_TYPES if name in sent}
    wrong = [name for name, value in content.items() if not isinstance(value, _SERVICE_TYPES[name])]
    if wrong or not all(isinstance(alias, str) for alias in content.get("aliases", [])):
        raise validation("Os dados informados são inválidos")
    return content
