"""The controls of what a seller sets up: channels, logistics, transitions; and the stock."""

from dataclasses import asdict
from typing import Literal

from aiohttp import web
from pydantic import Field

from sandbox.bling import channels, logistics, postings, transitions
from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, control_id, read_control
from sandbox.bling.errors import ControlError
from sandbox.bling.new_orders import find_situation
from sandbox.bling.state import Company, Json

_ACTION_IDS = {name: action for action, (name, _, _) in postings.ACTIONS.items()}


class NewChannel(Control):
    """A sales channel to add, with so many branches of the company behind it."""

    name: str = Field(min_length=1)
    kind: str = "LojaVirtual"
    enabled: bool = True
    branches: int = Field(default=0, ge=0, le=20)


class ChannelChange(Control):
    """What changes of a sales channel."""

    name: str | None = Field(default=None, min_length=1)
    enabled: bool | None = None


class NewService(Control):
    """A service of new logistics."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    active: bool = True


class NewLogistics(Control):
    """Logistics to add, with their services."""

    name: str = Field(min_length=1)
    kind: str = logistics.CUSTOM
    services: tuple[NewService, ...] = ()


class ServiceChange(Control):
    """What changes of a service."""

    name: str | None = Field(default=None, min_length=1)
    aliases: tuple[str, ...] | None = None
    active: bool | None = None


class NewTransition(Control):
    """A step between two situações, by id or name, and what it does besides."""

    origin: int | str
    destination: int | str
    actions: tuple[
        Literal["lancarEstoque", "lancarContas", "estornarEstoque", "estornarContas"], ...
    ] = ()
    active: bool = True


async def list_channels(request: web.Request) -> web.Response:
    """List a company's sales channels with their branches."""
    company = asked_company(request)
    return web.json_response({"channels": list(company.channels.values())})


async def create_channel(request: web.Request) -> web.Response:
    """Add a sales channel."""
    control = await read_control(request, NewChannel)
    if control.kind not in channels.KINDS:
        raise ControlError(f"{control.kind} is none of {', '.join(channels.KINDS)}")
    made = channels.add_channel(
        asked_company(request, control),
        request.app[SANDBOX].ids,
        name=control.name,
        kind=control.kind,
        situation=channels.ENABLED if control.enabled else channels.DISABLED,
        branches=control.branches,
    )
    return web.json_response(made, status=201)


async def change_channel(request: web.Request) -> web.Response:
    """Rename, enable or disable a sales channel."""
    control = await read_control(request, ChannelChange)
    channel = _channel(request, asked_company(request, control))
    if control.name is not None:
        channel["descricao"] = control.name
    if control.enabled is not None:
        channel["situacao"] = channels.ENABLED if control.enabled else channels.DISABLED
    return web.json_response(channel)


async def delete_channel(request: web.Request) -> web.Response:
    """Delete a sales channel; orders that came from it stay."""
    company = asked_company(request)
    del company.channels[_channel(request, company)["id"]]
    return web.Response(status=204)


async def list_logistics(request: web.Request) -> web.Response:
    """List a company's logistics with all their services."""
    return web.json_response({"logistics": list(asked_company(request).logistics.values())})


async def create_logistics(request: web.Request) -> web.Response:
    """Add logistics with services."""
    control = await read_control(request, NewLogistics)
    if control.kind not in logistics.KINDS:
        raise ControlError(f"{control.kind} is no kind of logistics")
    ids = request.app[SANDBOX].ids
    company = asked_company(request, control)
    made = logistics.add_logistics(company, ids, name=control.name, kind=control.kind)
    for one in control.services:
        content = {"descricao": one.name, "aliases": list(one.aliases), "ativo": one.active}
        logistics.add_service(made, ids, content)
    return web.json_response(made, status=201)


async def change_service(request: web.Request) -> web.Response:
    """Rename a service, give it other aliases, switch it on or off."""
    control = await read_control(request, ServiceChange)
    company = asked_company(request, control)
    service = logistics.service_with_id(company, control_id(request, "service_id"))
    if service is None:
        raise ControlError("no such service", status=404)
    if control.name is not None:
        service["descricao"] = control.name
    if control.aliases is not None:
        service["aliases"] = list(control.aliases)
    if control.active is not None:
        service["ativo"] = control.active
    return web.json_response(service)


async def list_transitions(request: web.Request) -> web.Response:
    """List a company's transitions."""
    return web.json_response({"transitions": list(asked_company(request).transitions.values())})


async def create_transition(request: web.Request) -> web.Response:
    """Set up a transition; one that exists for the same step is replaced."""
    control = await read_control(request, NewTransition)
    company = asked_company(request, control)
    ends = [find_situation(company, end).id for end in (control.origin, control.destination)]
    old = transitions.between(company, *ends)
    if old is not None:
        del company.transitions[old["id"]]
    actions = [_ACTION_IDS[name] for name in control.actions]
    described = transitions.content(*ends, actions=actions, active=control.active)
    made = transitions.add(company, request.app[SANDBOX].ids, described)
    return web.json_response(made, status=201)


async def delete_transition(request: web.Request) -> web.Response:
    """Take a transition away."""
    company = asked_company(request)
    transition_id = control_id(request, "transition_id")
    if company.transitions.pop(transition_id, None) is None:
        raise ControlError("no such transition", status=404)
    return web.Response(status=204)


async def list_stock(request: web.Request) -> web.Response:
    """List every physical movement of a company's stock, and what is left of each product."""
    company = asked_company(request)
    moves = [{**asdict(move), "at": move.at.isoformat()} for move in company.stock_moves]
    left = {row.id: row.body["estoque"]["saldoVirtualTotal"] for row in company.products.values()}
    return web.json_response({"moves": moves, "left": left})


def _channel(request: web.Request, company: Company) -> Json:
    channel = company.channels.get(control_id(request, "channel_id"))
    if channel is None:
        raise ControlError("no such sales channel", status=404)
    return channel
