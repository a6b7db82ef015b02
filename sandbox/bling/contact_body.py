"""The body of a contact as it is written; what is left out is empty."""

from typing import Literal

from pydantic import Field

from sandbox.bling import bodies
from sandbox.bling.bodies import Filled, Number, Part, Reference
from sandbox.bling.state import Json


class Address(Part):
    """A postal address."""

    endereco: str = ""
    cep: str = ""
    bairro: str = ""
    municipio: str = ""
    uf: str = ""
    numero: str = ""
    complemento: str = ""


class Addresses(Part):
    """Where somebody lives, and where the bills go."""

    geral: Address = Address()
    cobranca: Address = Address()


class Person(Part):
    """What is known of a natural person."""

    dataNascimento: str = ""  # noqa: N815
    sexo: Literal["", "M", "F"] = ""
    naturalidade: str = ""


class Finance(Part):
    """Terms of payment."""

    limiteCredito: Number = 0  # noqa: N815
    condicaoPagamento: str = ""  # noqa: N815
    categoria: Reference = Reference()


class Country(Part):
    """A country by its name."""

    nome: str = ""


class ContactBody(Part):
    """A contact without its id."""

    nome: Filled
    tipo: Literal["F", "J", "E"]
    situacao: Literal["A", "E", "I", "S"]
    codigo: str = ""
    numeroDocumento: str = ""  # noqa: N815
    telefone: str = ""
    celular: str = ""
    fantasia: str = ""
    indicadorIe: Literal[1, 2, 9] = 9  # noqa: N815
    ie: str = ""
    rg: str = ""
    inscricaoMunicipal: str = ""  # noqa: N815
    orgaoEmissor: str = ""  # noqa: N815
    email: str = ""
    emailNotaFiscal: str = ""  # noqa: N815
    orgaoPublico: Literal["", "N", "M", "E", "F"] = ""  # noqa: N815
    endereco: Addresses = Addresses()
    vendedor: Reference = Reference()
    dadosAdicionais: Person = Person()  # noqa: N815
    financeiro: Finance = Finance()
    pais: Country = Country()
    tiposContato: list[Reference] = Field(default_factory=list)  # noqa: N815
    pessoasContato: list[Reference] = Field(default_factory=list)  # noqa: N815


def completed(sent: Json) -> Json:
    """Check a contact's body and complete it with empty values."""
    return bodies.completed(ContactBody, {name: sent[name] for name in sent if name != "id"})
