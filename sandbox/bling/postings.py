"""What orders post: goods out of the stock, and receivables; each once, and each reversible."""

from collections.abc import Callable, Iterator
from typing import Literal

from sandbox.bling import money
from sandbox.bling.errors import validation
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json, Order, Record, StockMove

Post = Callable[[Sandbox, Company, Order], None]


def post_stock(sandbox: Sandbox, company: Company, order: Order) -> None:
    """Take an order's goods out of the stock."""
    if order.stock_posted:
        raise validation("O estoque da venda já foi lançado")
    order.stock_posted = True
    _move(sandbox, company, order, "S")


def reverse_stock(sandbox: Sandbox, company: Company, order: Order) -> None:
    """Bring an order's goods back."""
    if not order.stock_posted:
        raise validation("O estoque da venda não foi lançado")
    order.stock_posted = False
    _move(sandbox, company, order, "E")


def post_receivables(_: Sandbox, __: Company, order: Order) -> None:
    """Post an order's instalments as receivables."""
    if order.receivables_posted:
        raise validation("As contas da venda já foram lançadas")
    order.receivables_posted = True


def reverse_receivables(_: Sandbox, __: Company, order: Order) -> None:
    """Take an order's receivables back."""
    if not order.receivables_posted:
        raise validation("As contas da venda não foram lançadas")
    order.receivables_posted = False


ACTIONS: dict[int, tuple[str, str, Post]] = {
    1: ("lancarEstoque", "Lançar estoque", post_stock),
    2: ("lancarContas", "Lançar contas", post_receivables),
    6: ("estornarEstoque", "Estornar estoque", reverse_stock),
    7: ("estornarContas", "Estornar contas", reverse_receivables),
}
"""What a transition can do, by id: the API's name, the screen's, and the deed."""

_DONE: dict[int, Callable[[Order], bool]] = {
    1: lambda order: order.stock_posted,
    2: lambda order: order.receivables_posted,
    6: lambda order: not order.stock_posted,
    7: lambda order: not order.receivables_posted,
}


def run_actions(sandbox: Sandbox, company: Company, order: Order, actions: list[int]) -> None:
    """Run a transition's actions; one whose effect is there already does nothing."""
    for action in actions:
        if not _DONE[action](order):
            _, _, post = ACTIONS[action]
            post(sandbox, company, order)


def _move(sandbox: Sandbox, company: Company, order: Order, operation: Literal["S", "E"]) -> None:
    for item in order.body["itens"]:
        product = company.products.get((item.get("produto") or {}).get("id", 0))
        if product is None:
            continue
        for moved, times in _moved_products(company, product):
            quantity = float(money.decimal(item["quantidade"]) * money.decimal(times))
            move = StockMove(moved.id, order.id, operation, quantity, sandbox.clock())
            company.stock_moves.append(move)
            _change_balance(sandbox, company, moved, move)


def _moved_products(company: Company, product: Record) -> Iterator[tuple[Record, float]]:
    """Tell what leaves the stock when a product is sold: of a kit, itself, its parts, or both."""
    structure = product.body["estrutura"]
    posting = structure["lancamentoEstoque"] or "P"
    if posting in ("A", "P"):
        yield product, 1
    if posting in ("A", "M"):
        for part in structure["componentes"]:
            component = company.products.get(part["produto"]["id"])
            if component is not None:
                yield component, part["quantidade"]


def _change_balance(sandbox: Sandbox, company: Company, product: Record, move: StockMove) -> None:
    stock = product.body["estoque"]
    sign = 1 if move.operation == "E" else -1
    balance = round(stock["saldoVirtualTotal"] + sign * move.quantity, 3)
    stock["saldoVirtualTotal"] = balance
    place = {"id": company.deposit, "saldoFisico": balance, "saldoVirtual": balance}
    total: Json = {"produto": {"id": product.id}, "saldoFisicoTotal": balance}
    total["saldoVirtualTotal"] = balance
    movement = {"deposito": place, "operacao": move.operation, "quantidade": move.quantity}
    sandbox.webhooks.announce(company, "stock.created", {**total, **movement})
    virtual = {**total, "vinculoComplexo": False, "depositos": [place]}
    sandbox.webhooks.announce(company, "virtual_stock.updated", virtual)
