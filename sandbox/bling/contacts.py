"""Contact records made of invented customers."""

from collections.abc import Collection
from datetime import datetime

from sandbox.bling import documents
from sandbox.bling.people import Address, Customer
from sandbox.bling.state import Ids, Json, Record

_SUMMARY = ("id", "nome", "codigo", "situacao", "numeroDocumento", "telefone", "celular")
_HOME = "BRASIL"


def make_contact(
    customer: Customer, ids: Ids, at: datetime, *, without: Collection[str] = ()
) -> Record:
    """Make a contact; `without` names what the seller left empty: phone, email, document."""
    has_phone = "phone" not in without
    email = customer.email if "email" not in without else ""
    body: Json = {
        "id": ids.take(),
        "nome": customer.name,
        "codigo": "",
        "situacao": "A",
        "numeroDocumento": customer.document if "document" not in without else "",
        "telefone": customer.phone if has_phone else "",
        "celular": customer.mobile if has_phone else "",
        "fantasia": customer.trade_name,
        "tipo": customer.kind,
        "indicadorIe": 9,
        "ie": "",
        "rg": "",
        "inscricaoMunicipal": "",
        "orgaoEmissor": "",
        "email": email,
        "emailNotaFiscal": email,
        "orgaoPublico": "N",
        "endereco": {
            "geral": _address(customer.address),
            "cobranca": dict.fromkeys(_address(customer.address), ""),
        },
        "vendedor": {"id": 0},
        "dadosAdicionais": {"dataNascimento": "", "sexo": "", "naturalidade": ""},
        "financeiro": {"limiteCredito": 0, "condicaoPagamento": "", "categoria": {"id": 0}},
        "pais": {"nome": customer.address.country or _HOME},
        "tiposContato": [{"id": ids.take(), "descricao": "Cliente"}],
        "pessoasContato": [],
    }
    return Record(body=body, created_at=at, changed_at=at)


def summary(contact: Record) -> Json:
    """Show a contact as lists do: the document with its punctuation."""
    return {name: contact.body[name] for name in _SUMMARY}


def detail(contact: Record) -> Json:
    """Show a contact whole: the document without punctuation, unlike in lists and orders."""
    number = documents.without_punctuation(contact.body["numeroDocumento"])
    return {**contact.body, "numeroDocumento": number}


def brief(contact: Record) -> Json:
    """Show a contact as orders carry it."""
    return {
        "id": contact.id,
        "nome": contact.body["nome"],
        "tipoPessoa": contact.body["tipo"],
        "numeroDocumento": contact.body["numeroDocumento"],
    }


def label(contact: Record) -> Json:
    """Show a contact's address as the delivery address of an order."""
    address = contact.body["endereco"]["geral"]
    country = contact.body["pais"]["nome"]
    return {
        "nome": contact.body["nome"],
        **{name: address[name] for name in ("endereco", "numero", "complemento")},
        "municipio": address["municipio"],
        "uf": address["uf"],
        "cep": address["cep"],
        "bairro": address["bairro"],
        "nomePais": "" if country == _HOME else country,
    }


def _address(address: Address) -> Json:
    return {
        "endereco": address.street,
        "cep": address.cep,
        "bairro": address.neighbourhood,
        "municipio": address.city,
        "uf": address.state,
        "numero": address.number,
        "complemento": address.complement,
    }
