"""What differs between the live states and the folded ones, byte by byte."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from services.sync_core.domain import (
    RULES_REVISION,
    AccountState,
    OrderState,
    ProductState,
    State,
)
from services.sync_core.log.connection import Connection
from services.sync_core.log.states import Key, initial_of, number_of
from services.sync_core.replay import sql
from services.sync_core.replay.shadow import UNHURRIED_S
from shared.contracts import PARTITIONS, partition_of

_KINDS: Final[dict[str, type[State]]] = {
    "accounts": AccountState,
    "orders": OrderState,
    "products": ProductState,
    "order_product": OrderState,
}
"""Table → the states that its rows are made of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A stream whose state, as it is stored, is not what the log folds to."""

    account_id: UUID
    stream: str
    cause: str


async def all_differences(shadow: Connection, account_id: UUID | None) -> AsyncIterator[Difference]:
    """Compare every row, of one account or all. To be read in a transaction."""
    for partition in range(PARTITIONS):
        for table, statement in sql.ALL_DIFFERENCES.items():
            place = (partition, account_id)
            async for record in shadow.cursor(statement, *place, timeout=UNHURRIED_S):
                yield _difference(table, record)


async def differences_of(shadow: Connection, streams: Collection[Key]) -> AsyncIterator[Difference]:
    """Compare the rows of some streams. To be read in a transaction."""
    states = [(key.account_id, initial_of(key.stream)) for key in streams]
    for table, statement in sql.DIFFERENCES_OF.items():
        chosen = [
            (partition_of(account_id), account_id, number_of(state))
            for account_id, state in states
            if isinstance(state, _KINDS[table])
        ]
        if chosen:
            async for record in shadow.cursor(statement, *zip(*chosen, strict=True)):
                yield _difference(table, record)


def _difference(table: str, record: asyncpg.Record) -> Difference:
    live, folded = (record[side] and orjson.loads(record[side]) for side in ("live", "folded"))
    if live is None:
        cause = f"{table}: is not stored"
    elif folded is None:
        cause = f"{table}: is stored, and the log does not say so"
    else:
        cause = f"{table}: other {', '.join(_fields(live, folded))}"
    if record["rules"] not in (None, RULES_REVISION):
        cause += f"; stored by rules {record['rules']}, folded by {RULES_REVISION}"
    return Difference(record["account_id"], record["stream"], cause)


def _fields(live: dict[str, Any], folded: dict[str, Any]) -> list[str]:
    """Name the columns that differ, and of a state its fields."""
    names = [name for name in folded if name != "state" and live[name] != folded[name]]
    if live.get("state") != folded.get("state"):
        before, after = live["state"], folded["state"]
        both = sorted(before.keys() | after.keys())
        names += [f"state.{name}" for name in both if before.get(name) != after.get(name)]
    return names or ["bytes"]
