"""What readers of the feed say they applied: kept, so that it is compared with the log like all."""

import re
from typing import Final
from uuid import UUID

from services.sync_core.certificate import sql
from services.sync_core.certificate.check import FEED
from services.sync_core.log.connection import Pool
from shared.contracts import partition_of

_SPELLED: Final = re.compile(r"[0-9a-f]{16}")
_BITS: Final = 2**64
_SIGN: Final = 2**63


async def applied(pool: Pool, account_id: UUID, reader: str, position: int, digest: int) -> None:
    """Keep that the reader applied the account's events up to the position, with this digest."""
    place = (partition_of(account_id), account_id)
    await pool.execute(sql.APPLIED, *place, FEED + reader, position, digest)


def spell_digest(digest: int) -> str:
    """Return a digest as 16 hexadecimal digits."""
    return f"{digest % _BITS:016x}"


def parse_digest(text: str) -> int:
    """Undo :func:`spell_digest`. Raises ``ValueError``."""
    if not _SPELLED.fullmatch(text):
        raise ValueError(text)
    value = int(text, 16)
    return value - _BITS if value >= _SIGN else value
