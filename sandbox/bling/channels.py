"""Sales channels, the branches that serve them, and the ways to pay."""

from random import Random

from sandbox.bling import documents
from sandbox.bling.state import Company, Ids, Json

ENABLED, DISABLED = 1, 2

# Kinds of channel with Bling's grouping: 1 web store, 2 hub, 3 marketplace, 4 API.
KINDS = {
    "LojaVirtual": ("Loja virtual", 1),
    "Nuvemshop": ("Nuvemshop", 1),
    "Anymarket": ("ANYMARKET", 2),
    "MercadoLivre": ("Mercado Livre", 3),
    "Shopee": ("Shopee", 3),
    "Amazon": ("Amazon", 3),
    "Api": ("API", 4),
}

_CHANNELS = (
    ("Loja própria", "LojaVirtual", ENABLED, 0),
    ("Mercado Livre", "MercadoLivre", ENABLED, 2),
    ("Shopee", "Shopee", ENABLED, 0),
    ("Amazon", "Amazon", DISABLED, 0),
)

_PAYMENTS: tuple[tuple[str, int], ...] = (
    ("Pix", 20),
    ("Cartão de crédito", 3),
    ("Boleto bancário", 15),
)


def starting_channels(company: Company, ids: Ids) -> None:
    """Give a new company its shop and its marketplaces; one of them is disabled."""
    for name, kind, situation, branches in _CHANNELS:
        add_channel(company, ids, name=name, kind=kind, situation=situation, branches=branches)


def add_channel(
    company: Company, ids: Ids, *, name: str, kind: str, situation: int, branches: int
) -> Json:
    """Add a sales channel that so many branches of the company serve."""
    channel: Json = {
        "id": ids.take(),
        "descricao": name,
        "tipo": kind,
        "situacao": situation,
        "filiais": [_branch(company, ids, number) for number in range(branches)],
    }
    company.channels[channel["id"]] = channel
    return channel


def payment_methods(ids: Ids) -> dict[int, Json]:
    """Make the ways to pay of a new company; their ids are its own."""
    made: dict[int, Json] = {}
    for name, kind in _PAYMENTS:
        method_id = ids.take()
        made[method_id] = {
            "id": method_id,
            "descricao": name,
            "tipoPagamento": kind,
            "situacao": 1,
            "fixa": False,
            "padrao": 0 if made else 1,
            "finalidade": 1,
        }
    return made


def summary(channel: Json) -> Json:
    """Show a channel as lists do: without its branches."""
    return {name: value for name, value in channel.items() if name != "filiais"}


def default_unit(channel: Json) -> int:
    """Tell the business unit that a channel's orders belong to; 0 is none."""
    chosen = (branch["idUnidadeNegocio"] for branch in channel["filiais"] if branch["padrao"])
    return int(next(chosen, 0))


def _branch(company: Company, ids: Ids, number: int) -> Json:
    random = Random(f"{company.id} {number}")
    return {
        "cnpj": company.cnpj if number == 0 else documents.cnpj(random),
        "idUnidadeNegocio": ids.take(),
        "unidadeNegocio": "Matriz" if number == 0 else f"Filial {number}",
        "deposito": {"id": company.deposit},
        "padrao": number == 0,
    }
