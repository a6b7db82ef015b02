"""The company of the API, its sales channels and its ways to pay."""

from aiohttp import web

from sandbox.bling import channels
from sandbox.bling.context import data, reached
from sandbox.bling.errors import not_found
from sandbox.bling.queries import integer, integers, page, path_id, texts
from sandbox.bling.state import Json


async def get_company(request: web.Request) -> web.Response:
    """Tell which company the access token belongs to."""
    _, company = reached(request)
    return data(
        {
            "id": company.id,
            "nome": company.name,
            "cnpj": company.cnpj,
            "email": company.email,
            "dataContrato": str(company.contract_date),
        }
    )


async def list_channels(request: web.Request) -> web.Response:
    """List sales channels."""
    _, company = reached(request)
    rows = [row for row in company.channels.values() if _channel_matches(request, row)]
    return data([channels.summary(row) for row in page(request, rows)])


async def get_channel(request: web.Request) -> web.Response:
    """Show one sales channel with its branches."""
    _, company = reached(request)
    channel = company.channels.get(path_id(request, "channel_id"))
    if channel is None:
        raise not_found()
    return data(channel)


async def list_channel_kinds(_: web.Request) -> web.Response:
    """List the kinds of sales channels."""
    return data(
        [
            {"nome": name, "tipo": kind, "agrupador": group}
            for kind, (name, group) in channels.KINDS.items()
        ]
    )


async def list_payment_methods(request: web.Request) -> web.Response:
    """List the ways to pay; orders name them by ids that are this company's own."""
    _, company = reached(request)
    kinds = integers(request, "tiposPagamentos[]")
    situation = integer(request, "situacao")
    wanted = request.query.get("descricao", "").casefold()
    rows = [
        row
        for row in company.payment_methods.values()
        if (not kinds or row["tipoPagamento"] in kinds)
        and situation in (None, row["situacao"])
        and wanted in row["descricao"].casefold()
    ]
    return data(page(request, rows))


def _channel_matches(request: web.Request, channel: Json) -> bool:
    kinds = texts(request, "tipos[]")
    return (
        integer(request, "situacao") in (None, channel["situacao"])
        and (not kinds or channel["tipo"] in kinds)
        and integer(request, "agrupador") in (None, channels.KINDS[channel["tipo"]][1])
    )
