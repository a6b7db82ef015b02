"""The situações of sales orders: those every account has, and a seller's own."""

from random import Random

from sandbox.bling.state import Company, Situation

SALES_MODULE = 98310
OPEN = 6
CANCELLED = 12

BUILT_IN = (
    Situation(6, "Em aberto", 0, 0, "#E9DC40"),
    Situation(9, "Atendido", 1, 0, "#3FB57A"),
    Situation(12, "Cancelado", 2, 0, "#CFCFCF"),
    Situation(15, "Em andamento", 3, 0, "#0065F9"),
    Situation(18, "Venda agenciada", 4, 0, "#FF9500"),
    Situation(21, "Em digitação", 10, 0, "#7E57C2"),
    Situation(24, "Verificado", 11, 0, "#00A6A6"),
)

# Bling gives these to accounts too, under ids that differ from account to account.
_PER_ACCOUNT = (
    ("Faturado parcialmente", 5, "#B0E0A8"),
    ("Atendido parcialmente", 6, "#8FD3C0"),
    ("Aguardando pagamento", 7, "#FFD180"),
    ("Pagamento confirmado", 8, "#81C784"),
    ("Checkout parcial", 12, "#90CAF9"),
)


def starting_situations(random: Random) -> dict[int, Situation]:
    """Make the situações of a new account."""
    made = {situation.id: situation for situation in BUILT_IN}
    for name, valor, colour in _PER_ACCOUNT:
        made_id = _free_id(random, made)
        made[made_id] = Situation(made_id, name, valor, 0, colour)
    return made


def add_custom(company: Company, *, name: str, inherited: int, colour: str) -> Situation:
    """Add a seller's own situação; it has the valor of the one that it derives from."""
    made = Situation(
        id=_free_id(company.random, company.situations),
        name=name,
        valor=company.situations[inherited].valor,
        inherited=inherited,
        colour=colour,
    )
    company.situations[made.id] = made
    return made


def _free_id(random: Random, taken: dict[int, Situation]) -> int:
    while (candidate := random.randrange(100_000, 990_000)) in taken:
        pass
    return candidate
