"""Logistics objects (parcels), their labels, and remessas (shipments) of the API."""

from typing import Any

from aiohttp import web

from sandbox.bling import logistics, parcels
from sandbox.bling.context import SANDBOX, data, reached
from sandbox.bling.errors import missing, not_found, validation
from sandbox.bling.queries import integer, integers, json_object, path_id
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Record, local

_REQUIRED = (
    "rastreamento", "embalagem", "dataSaida", "prazoEntregaPrevisto", "fretePrevisto",
    "valorDeclarado", "avisoRecebimento", "maoPropria",
)  # fmt: skip
_REFERENCES = ("pedidoVenda", "notaFiscal", "servico")
_TRACKING = ("codigo", "descricao", "situacao", "origem", "destino", "ultimaAlteracao", "url")
_SIZES = ("peso", "altura", "largura", "comprimento", "diametro")
_LAST_TRACKING = 9
_SHIPMENT_STATES = range(-3, 7)


async def create_parcel(request: web.Request) -> web.Response:
    """Create a logistics object for an order."""
    sandbox, company = reached(request)
    sent = await json_object(request)
    content = {**_checked(sandbox, company, sent), **_references(company, sent)}
    parcel = parcels.create(sandbox, company, content)
    return data({"id": parcel.id}, status=201)


async def get_parcel(request: web.Request) -> web.Response:
    """Show one logistics object."""
    _, company = reached(request)
    return data(_parcel(request, company).body)


async def replace_parcel(request: web.Request) -> web.Response:
    """Replace what a logistics object says; what it belongs to stays."""
    sandbox, company = reached(request)
    parcel = _parcel(request, company)
    content = _checked(sandbox, company, await json_object(request))
    parcel.body = {**parcel.body, **content}
    parcel.changed_at = sandbox.clock()
    parcels.show_in_order(sandbox, company, parcel)
    return data({"id": parcel.id})


async def delete_parcel(request: web.Request) -> web.Response:
    """Delete a logistics object that is in no remessa."""
    _, company = reached(request)
    parcel = _parcel(request, company)
    if any(parcel.id in shipment.body["objetos"] for shipment in company.shipments.values()):
        raise validation("O objeto está em uma PLP e não pode ser excluído")
    del company.parcels[parcel.id]
    return web.Response(status=204)


async def list_labels(request: web.Request) -> web.Response:
    """Give the link to the label of an order; Bling takes one order per call."""
    _, company = reached(request)
    form = request.query.get("formato")
    wanted = integers(request, "idsVendas[]")
    if form not in parcels.LABEL_FORMS:
        raise missing("formato")
    if len(wanted) != 1:
        raise validation("O parâmetro idsVendas deve ter exatamente um id")
    order_id = wanted.pop()
    if company.live_order(order_id) is None:
        raise not_found()
    if not parcels.of_order(company, order_id):
        raise validation("A venda não possui objetos de logística")
    link = f"{request.url.origin()}/etiquetas/{order_id}.{form.lower()}"
    return data([{"id": order_id, "link": link, "observacao": ""}])


async def get_label(request: web.Request) -> web.Response:
    """Serve the label behind a link."""
    company, order = request.app[SANDBOX].owner_of(path_id(request, "order_id"))
    codes = [row.body["rastreamento"]["codigo"] for row in parcels.of_order(company, order.id)]
    if request.match_info["form"] == "pdf":
        return web.Response(body=parcels.pdf_label(codes), content_type="application/pdf")
    return web.Response(text=parcels.zpl_label(codes))


async def list_shipments(request: web.Request) -> web.Response:
    """List the remessas of some logistics; objects are named by their ids."""
    _, company = reached(request)
    logistics_id = path_id(request, "logistics_id")
    if logistics_id not in company.logistics:
        raise not_found()
    situation = integer(request, "situacao")
    rows = [
        row.body
        for row in company.shipments.values()
        if row.body["logistica"]["id"] == logistics_id and situation in (None, row.body["situacao"])
    ]
    return data(rows)


async def get_shipment(request: web.Request) -> web.Response:
    """Show one remessa with its objects whole."""
    _, company = reached(request)
    body = _shipment(request, company).body
    whole = [company.parcels[parcel_id].body for parcel_id in body["objetos"]]
    return data({**body, "objetos": whole})


async def create_shipment(request: web.Request) -> web.Response:
    """Create a remessa of objects."""
    sandbox, company = reached(request)
    content = _checked_shipment(company, await json_object(request))
    content = {**content, "dataCriacao": local(sandbox.clock())}
    made = logistics.keep(company.shipments, sandbox.ids, sandbox.clock, content)
    return data({"id": made.id}, status=201)


async def replace_shipment(request: web.Request) -> web.Response:
    """Replace a remessa."""
    _, company = reached(request)
    shipment = _shipment(request, company)
    shipment.body = {**shipment.body, **_checked_shipment(company, await json_object(request))}
    return data({"id": shipment.id})


async def delete_shipment(request: web.Request) -> web.Response:
    """Delete a remessa; its objects stay."""
    _, company = reached(request)
    del company.shipments[_shipment(request, company).id]
    return web.Response(status=204)


def _parcel(request: web.Request, company: Company) -> Record:
    found = company.parcels.get(path_id(request, "parcel_id"))
    if found is None:
        raise not_found()
    return found


def _shipment(request: web.Request, company: Company) -> Record:
    found = company.shipments.get(path_id(request, "shipment_id"))
    if found is None:
        raise not_found()
    return found


def _references(company: Company, sent: Json) -> Json:
    """Check what the object belongs to: an order, perhaps an invoice, a service."""
    named = {name: _reference(sent, name) for name in _REFERENCES}
    if company.live_order(named["pedidoVenda"]) is None:
        raise validation("O pedido de venda informado não foi encontrado")
    if logistics.service_with_id(company, named["servico"]) is None:
        raise validation("O serviço de logística informado não foi encontrado")
    if named["notaFiscal"] and named["notaFiscal"] not in company.invoices:
        raise validation("A nota fiscal informada não foi encontrada")
    return {name: {"id": value} for name, value in named.items()}


def _checked(sandbox: Sandbox, company: Company, sent: Json) -> Json:
    for name in _REQUIRED:
        if sent.get(name) is None:
            raise missing(name)
    tracking = sent["rastreamento"]
    if not isinstance(tracking, dict):
        raise validation("Os dados informados são inválidos")
    for name in _TRACKING:
        if tracking.get(name) is None:
            raise missing(f"rastreamento.{name}")
    state = tracking["situacao"]
    if not isinstance(state, int) or not 0 <= state <= _LAST_TRACKING:
        raise validation("A situação do rastreamento é inválida")
    if _reference(sent, "embalagem") not in (0, *company.products):
        raise validation("A embalagem informada não foi encontrada")
    return {
        "rastreamento": {name: tracking[name] for name in _TRACKING},
        # The block is written under one name and read under another.
        "dimensao": _size(sent.get(sandbox.unconfirmed.parcel_size_name)),
        **{name: sent[name] for name in _REQUIRED if name != "rastreamento"},
    }


def _size(sent: Any) -> Json:
    size = sent if isinstance(sent, dict) else {}
    return {name: size.get(name, 0) for name in _SIZES}


def _reference(sent: Json, name: str) -> int:
    named = sent.get(name) or {}
    found = named.get("id", 0) if isinstance(named, dict) else None
    if not isinstance(found, int):
        raise validation("Os dados informados são inválidos")
    return found


def _checked_shipment(company: Company, sent: Json) -> Json:
    named = _reference(sent, "logistica")
    if named not in company.logistics:
        raise validation("A logística informada não foi encontrada")
    if sent.get("situacao", 0) not in _SHIPMENT_STATES:
        raise validation("A situação da remessa é inválida")
    return {
        "numeroPlp": str(sent.get("numeroPlp") or ""),
        "situacao": sent.get("situacao", 0),
        "descricao": str(sent.get("descricao") or ""),
        "logistica": {"id": named},
        "objetos": _parcel_ids(company, sent.get("objetos") or []),
    }


def _parcel_ids(company: Company, sent: Any) -> list[int]:
    """Read ids of objects, which the specification types as strings."""
    listed = sent if isinstance(sent, list) else [sent]
    wanted = [int(one) if str(one).isdecimal() else 0 for one in listed]
    if any(one not in company.parcels for one in wanted):
        raise validation("O objeto informado não foi encontrado")
    return wanted
