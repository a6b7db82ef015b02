"""Finding an order by whatever people call it."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.sync_core.identity import OrderKey, parse_order_key
from services.sync_core.log import sql
from services.sync_core.log.connection import Pool

MOST_CANDIDATES: Final = 50
"""Thousands of sellers number their orders from 1: nobody reads them all."""

_REFERENCE: Final = re.compile(r"bling-([^~]+)(~[0-9]+)?")
"""What `order_reference` makes of an order's key."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order that is called so, and what tells it from others that are."""

    account_id: UUID
    account: str
    tag: str
    order_id: int
    number: str
    store_number: str | None
    stage: str | None

    @property
    def key(self) -> str:
        """The name that no other order has."""
        return f"{self.tag}-{self.order_id}"


async def orders_called(pool: Pool, name: str, account_id: UUID | None = None) -> list[Candidate]:
    """Return the orders of that name, the newest first, `MOST_CANDIDATES` at most.

    A name is our key (``<tag>-<Bling's id>``), 360Hub's reference, Bling's id or number, the
    store's number, or the tracking code of a volume of the present shipment.
    """
    key = _key_in(name)
    if key is not None:
        found = await _called(pool, str(key.order_id), account_id, key.tag)
        return [each for each in found if each.order_id == key.order_id]
    return await _called(pool, name, account_id, None)


def _key_in(name: str) -> OrderKey | None:
    reference = _REFERENCE.fullmatch(name)
    return parse_order_key(reference[1] if reference else name)


async def _called(
    pool: Pool, name: str, account_id: UUID | None, tag: str | None
) -> list[Candidate]:
    rows = await pool.fetch(sql.ORDERS_CALLED, name, account_id, tag, MOST_CANDIDATES)
    return [
        Candidate(
            account_id=row["account_id"],
            account=row["name"],
            tag=row["tag"],
            order_id=row["order_id"],
            number=row["number"],
            store_number=row["store_number"],
            stage=row["stage"],
        )
        for row in rows
    ]
