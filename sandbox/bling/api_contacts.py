"""Contacts of the API; no webhook tells of them."""

from aiohttp import web

from sandbox.bling import contact_body, contacts, logistics
from sandbox.bling.contact_filter import ContactFilter
from sandbox.bling.context import data, reached
from sandbox.bling.errors import missing, not_found, validation
from sandbox.bling.queries import json_object, page, path_id
from sandbox.bling.state import Json, Record

_SITUATIONS = ("A", "E", "I", "S")


async def list_contacts(request: web.Request) -> web.Response:
    """List contacts, newest first."""
    _, company = reached(request)
    rows = ContactFilter.read(request).apply(list(reversed(company.contacts.values())))
    return data([contacts.summary(row) for row in page(request, rows)])


async def get_contact(request: web.Request) -> web.Response:
    """Show one contact whole."""
    return data(contacts.detail(_contact(request)))


async def create_contact(request: web.Request) -> web.Response:
    """Create a contact."""
    sandbox, company = reached(request)
    body = contact_body.completed(await json_object(request))
    made = logistics.keep(company.contacts, sandbox.ids, sandbox.clock, body)
    return data({"id": made.id}, status=201)


async def replace_contact(request: web.Request) -> web.Response:
    """Replace a contact: whatever the body leaves out is emptied."""
    sandbox, _ = reached(request)
    contact = _contact(request)
    contact.body = {"id": contact.id, **contact_body.completed(await json_object(request))}
    contact.changed_at = sandbox.clock()
    return data({"id": contact.id})


async def delete_contact(request: web.Request) -> web.Response:
    """Delete a contact for good; orders keep what they wrote down of it."""
    _, company = reached(request)
    del company.contacts[_contact(request).id]
    return web.Response(status=204)


async def change_situation(request: web.Request) -> web.Response:
    """Make a contact active, inactive, deleted or without movement; it stays in the account."""
    _set_situation(request, _contact(request), await json_object(request))
    return web.Response(status=204)


async def change_situations(request: web.Request) -> web.Response:
    """Do the same with several contacts."""
    _, company = reached(request)
    sent = await json_object(request)
    wanted = sent.get("idsContatos")
    if not isinstance(wanted, list) or not wanted:
        raise missing("idsContatos")
    if not set(wanted) <= company.contacts.keys():
        raise validation("O contato informado não foi encontrado")
    for contact_id in wanted:
        _set_situation(request, company.contacts[contact_id], sent)
    return web.Response(status=204)


def _contact(request: web.Request) -> Record:
    _, company = reached(request)
    found = company.contacts.get(path_id(request, "contact_id"))
    if found is None:
        raise not_found()
    return found


def _set_situation(request: web.Request, contact: Record, sent: Json) -> None:
    if sent.get("situacao") not in _SITUATIONS:
        raise validation("A situação informada é inválida")
    sandbox, _ = reached(request)
    contact.body["situacao"] = sent["situacao"]
    contact.changed_at = sandbox.clock()
