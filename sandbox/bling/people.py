"""Invented people, companies and places; documents are valid, mail addresses lead nowhere."""

import dataclasses
import unicodedata
from dataclasses import dataclass
from random import Random

from sandbox.bling import documents

_FIRST_NAMES = (
    "Ana Clara", "Beatriz", "Caio", "Débora", "Eduardo", "Fernanda", "Gustavo", "Helena", "Igor",
    "João Pedro", "Kátia", "Letícia", "Márcio", "Natália", "Otávio", "Patrícia", "Rafael",
    "Simone", "Thiago", "Vânia", "Wesley", "Yasmin",
)  # fmt: skip
_LAST_NAMES = (
    "Albuquerque", "Barbosa", "Conceição", "D'Ávila", "Figueiredo", "Gonçalves", "Hoffmann",
    "Lacerda", "Magalhães", "Nakamura", "Nogueira", "Queiroz", "Rezende", "Sant'Anna", "Teixeira",
    "Vasconcelos", "Zanetti",
)  # fmt: skip
_TRADES = (
    "Ateliê", "Casa de Festas", "Construtora", "Distribuidora", "Empório", "Floricultura",
    "Marcenaria", "Papelaria", "Pousada",
)  # fmt: skip
_SELLERS = (
    "Jacarandá Casa e Jardim", "Maré Alta Utilidades", "Pé de Serra Artesanato",
    "Lume Iluminação", "Quintal das Artes", "Ipê Roxo Presentes",
)  # fmt: skip
_STREETS = (
    "Rua das Acácias", "Avenida Brasil", "Rua Coronel Tibúrcio", "Travessa do Comércio",
    "Rua São Sebastião", "Alameda dos Ipês", "Rua Quinze de Novembro", "Avenida Getúlio Vargas",
    "Rua Dona Francisca", "Praça da Matriz",
)  # fmt: skip
_COMPLEMENTS = ("", "", "Apto 42", "Casa 2", "Bloco B, apto 101", "Fundos", "Sala 305")


# City, country as Bling writes it, calling code.
_ABROAD = (("Montevideo", "Uruguai", "598"), ("Buenos Aires", "Argentina", "54"),
           ("Lisboa", "Portugal", "351"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A neighbourhood: its CEP prefix has five digits."""

    city: str
    state: str
    neighbourhood: str
    cep_prefix: str
    area_code: str


_PLACES = (
    Place("São Paulo", "SP", "Vila Mariana", "04101", "11"),
    Place("Campinas", "SP", "Cambuí", "13024", "19"),
    Place("Rio de Janeiro", "RJ", "Tijuca", "20511", "21"),
    Place("Belo Horizonte", "MG", "Savassi", "30112", "31"),
    Place("Porto Alegre", "RS", "Menino Deus", "90130", "51"),
    Place("Curitiba", "PR", "Água Verde", "80240", "41"),
    Place("Florianópolis", "SC", "Trindade", "88036", "48"),
    Place("Salvador", "BA", "Rio Vermelho", "41940", "71"),
    Place("Recife", "PE", "Boa Viagem", "51020", "81"),
    Place("Fortaleza", "CE", "Aldeota", "60150", "85"),
    Place("Brasília", "DF", "Asa Sul", "70200", "61"),
    Place("Goiânia", "GO", "Setor Bueno", "74230", "62"),
    Place("Manaus", "AM", "Adrianópolis", "69057", "92"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in Bling's parts."""

    street: str
    number: str
    complement: str
    neighbourhood: str
    cep: str
    city: str
    state: str
    country: str = ""
    """Empty at home."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who buys: a natural person (F), a company (J), or somebody abroad (E)."""

    name: str
    trade_name: str
    kind: str
    document: str
    phone: str
    mobile: str
    email: str
    address: Address


def seller_name(random: Random) -> str:
    """Invent the name of a seller's company."""
    return f"{random.choice(_SELLERS)} Ltda"


def seller_state(random: Random) -> str:
    """Choose the state where a seller is based."""
    return random.choice(_PLACES).state


def customer(random: Random, *, kind: str = "") -> Customer:
    """Invent a customer; without a kind, about one in four is a company."""
    place = random.choice(_PLACES)
    chosen = kind or random.choices(("F", "J"), weights=(3, 1))[0]
    code = place.area_code
    person = f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"
    trade = f"{random.choice(_TRADES)} {person.split()[-1]}"
    return Customer(
        name=person if chosen == "F" else f"{trade} Ltda",
        trade_name="" if chosen == "F" else trade,
        kind=chosen,
        document=_document(random, chosen),
        phone=f"({code}) 3{random.randrange(200, 900)}-{random.randrange(10_000):04d}",
        mobile=_mobile(random, code),
        email=f"{_mail_name(person)}@example.com",
        address=_address(random, place),
    )


def foreigner(random: Random) -> Customer:
    """Invent somebody abroad: no CPF, no CEP, no state."""
    person = f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"
    city, country, code = random.choice(_ABROAD)
    return Customer(
        name=person,
        trade_name="",
        kind="E",
        document=f"P{random.randrange(10**7):07d}",
        phone="",
        mobile=f"+{code} {random.randrange(10**8, 10**9)}",
        email=f"{_mail_name(person)}@example.com",
        address=Address(
            "Calle Mayor", str(random.randrange(1, 300)), "", "Centro", "", city, "EX", country
        ),
    )


def masked(customer: Customer) -> Customer:
    """Hide a customer as marketplaces do until the parcel must be sent."""
    hidden = dataclasses.replace(
        customer.address, street="Rua ****", number="***", complement="", cep="*****-***"
    )
    return dataclasses.replace(
        customer,
        name=" ".join(f"{word[0]}***" for word in customer.name.split()),
        document=_masked_document(customer.document),
        phone="",
        mobile="(**) *****-****",
        email="",
        address=hidden,
    )


def with_alphanumeric_cnpj(customer: Customer, random: Random) -> Customer:
    """Give a company a CNPJ with letters, as exist since July 2026."""
    number = documents.cnpj(random, alphanumeric=True)
    return dataclasses.replace(customer, document=documents.formatted_cnpj(number))


def _masked_document(document: str) -> str:
    head, tail = document[:-10], document[-10:]
    return "".join("*" if char.isalnum() else char for char in head) + tail[:-3] + "-**"


def _document(random: Random, kind: str) -> str:
    if kind == "F":
        return documents.formatted_cpf(documents.cpf(random))
    alphanumeric = random.random() < 0.5
    return documents.formatted_cnpj(documents.cnpj(random, alphanumeric=alphanumeric))


def _mobile(random: Random, code: str) -> str:
    """Write a mobile number in one of the ways that people type it."""
    first, last = f"9{random.randrange(6000, 9999)}", f"{random.randrange(10_000):04d}"
    ways = (
        f"({code}) {first}-{last}", f"{code}{first}{last}", f"+55 {code} {first}-{last}",
        f"0{code} {first} {last}", f"({code}) {first[0]} {first[1:]}-{last}",
    )  # fmt: skip
    return random.choice(ways)


def _address(random: Random, place: Place) -> Address:
    return Address(
        street=random.choice(_STREETS),
        number=str(random.randrange(1, 3000)),
        complement=random.choice(_COMPLEMENTS),
        neighbourhood=place.neighbourhood,
        cep=f"{place.cep_prefix}-{random.randrange(1000):03d}",
        city=place.city,
        state=place.state,
    )


def _mail_name(person: str) -> str:
    plain = unicodedata.normalize("NFKD", person.lower()).encode("ascii", "ignore").decode()
    return ".".join(plain.replace("'", "").split())
