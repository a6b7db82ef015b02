"""What every statement here needs: the keys of rows, and rows that must be there."""

from typing import Any
from uuid import UUID

from shared.contracts import partition_of


def account_key(account_id: UUID) -> tuple[int, UUID]:
    """Return the key of what there is once for each account."""
    return partition_of(account_id), account_id


def reference_key(account_id: UUID, reference: str) -> tuple[int, UUID, str]:
    """Return the key of what 360Hub knows by a reference."""
    return partition_of(account_id), account_id, reference


def existing(row: Any) -> Any:
    """Return a row that is never deleted."""
    if row is None:
        raise LookupError("a row that is never deleted is missing")
    return row
