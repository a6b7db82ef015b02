"""States as rows: the folded state, and beside it the columns that are searched."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from services.sync_core.domain import AccountState, OrderState, ProductState
from services.sync_core.log import sql
from services.sync_core.log.connection import Connection
from services.sync_core.log.states import Held, Key, States, text_of, waits_of

Columns = tuple[Any, ...]

_BETWEEN_NAMES: Final = "\x1f"
"""ASCII's unit separator: arrays of arrays do not travel as parameters."""


async def save(connection: Connection, partition: int, states: States) -> None:
    """Write what a batch changed: one statement for each table that it touched."""
    changed = states.changed().items()
    for statement, rows in (
        (sql.SAVE_ACCOUNTS, _accounts(changed)),
        (sql.SAVE_ORDERS, _orders(changed)),
        (sql.SAVE_PRODUCTS, _products(changed)),
        (sql.WAIT_FOR_PRODUCTS, _waits(changed)),
        (sql.WAIT_NO_LONGER, _no_longer(changed)),
    ):
        await execute_set(connection, statement, partition, list(rows))


async def execute_set(
    connection: Connection, statement: str, partition: int, rows: Sequence[Columns], *more: Any
) -> None:
    """Run a statement that takes a set of rows as one array for each column; nothing for none."""
    if rows:
        await connection.execute(statement, partition, *zip(*rows, strict=True), *more)


def _accounts(changed: Iterable[tuple[Key, Held]]) -> Iterator[Columns]:
    for key, held in changed:
        if isinstance(account := held.state, AccountState):
            yield (
                key.account_id,
                held.version,
                held.digest,
                account.tag,
                account.name,
                held.created_at,
                held.updated_at,
                text_of(account),
            )


def _orders(changed: Iterable[tuple[Key, Held]]) -> Iterator[Columns]:
    for key, held in changed:
        if isinstance(order := held.state, OrderState):
            yield (
                key.account_id,
                order.order_id,
                held.version,
                held.digest,
                order.number,
                order.store_number,
                _BETWEEN_NAMES.join(names_of(order)),
                order.data_subject,
                order.stage,
                order.shown_id,
                order.shipment.status if order.shipment else None,
                " ".join(sorted(order.reasons)),
                order.shipment is not None,
                held.created_at,
                held.updated_at,
                order.due_at,
                text_of(order),
            )


def names_of(order: OrderState) -> list[str]:
    """Return what people may call the order: its ids, numbers, and its parcels' tracking codes.

    The codes in the order of their labels' ids: a state that is read again has its labels so, and
    one that is folded in one go as they came.
    """
    issued = order.shipment.issued if order.shipment else {}
    codes = [label.tracking_code or "" for _, label in sorted(issued.items())]
    named = [str(order.order_id), order.number, order.store_number or "", *codes]
    return list(dict.fromkeys(name for name in named if name))


def _products(changed: Iterable[tuple[Key, Held]]) -> Iterator[Columns]:
    for key, held in changed:
        if isinstance(product := held.state, ProductState):
            yield (
                key.account_id,
                product.product_id,
                held.version,
                held.digest,
                product.imported,
                product.approval,
                product.missing,
                held.created_at,
                held.updated_at,
                text_of(product),
            )


def _waits(changed: Iterable[tuple[Key, Held]]) -> Iterator[tuple[UUID, int, int, str]]:
    for key, held in changed:
        if isinstance(held.state, OrderState):
            for wait in waits_of(held.state) - held.waited:
                yield key.account_id, held.state.order_id, *wait


def _no_longer(changed: Iterable[tuple[Key, Held]]) -> Iterator[tuple[UUID, int, int, str]]:
    for key, held in changed:
        if isinstance(held.state, OrderState):
            for wait in held.waited - waits_of(held.state):
                yield key.account_id, held.state.order_id, *wait
