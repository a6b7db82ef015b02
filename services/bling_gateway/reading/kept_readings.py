"""What was read of contacts, products and invoices, kept sealed so as not to be asked for again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.errors import MisshapenError
from services.bling_gateway.store import readings as store
from shared.gateway.store import Pool
from shared.sealing import MasterKeys, SealError

log = structlog.get_logger(__name__)

KEPT: Final[dict[store.Kind, timedelta]] = {
    "contact": timedelta(hours=12),
    "product": timedelta(hours=24),
    "invoice": timedelta(hours=24),
}

W = TypeVar("W", bound=wire.Wire)


@dataclass(frozen=True)
class Kept(Generic[W]):
    """A thing as Bling showed it, from some moment after ``read_at``."""

    value: W
    read_at: datetime


class KeptReadings:
    """The readings that one gateway keeps."""

    def __init__(self, pool: Pool, keys: MasterKeys) -> None:
        self._pool = pool
        self._keys = keys

    async def find(
        self,
        account_id: UUID,
        kind: store.Kind,
        id_: int,
        model: type[W],
        *,
        not_older_than: timedelta | None = None,
    ) -> Kept[W] | None:
        """Return what was read of a thing, unless that was too long ago."""
        age = not_older_than or KEPT[kind]
        async with self._pool.acquire() as conn:
            kept = await store.reading(conn, account_id, kind, id_, age)
        if kept is None:
            return None
        plain = self._opened(kept.sealed, _context(account_id, kind, id_))
        return None if plain is None else Kept(model.model_validate_json(plain), kept.read_at)

    async def keep(
        self, account_id: UUID, kind: store.Kind, id_: int, value: wire.Wire, read_at: datetime
    ) -> None:
        """Keep what was read, unless the thing changed since the reading began."""
        plain = value.model_dump_json().encode()
        sealed = self._keys.seal(plain, context=_context(account_id, kind, id_))
        async with self._pool.acquire() as conn:
            await store.save_reading(conn, account_id, kind, id_, store.Kept(sealed, read_at))

    def _opened(self, sealed: bytes, context: bytes) -> bytes | None:
        try:
            return self._keys.open(sealed, context=context)
        except SealError as error:
            # After a change of the master key: it is but a copy, and is read again.
            log.warning("a reading cannot be opened", action="reading_sealed", error=str(error))
            return None


def shaped(model: type[W], raw: Any) -> W:
    """Parse a record that Bling showed. Raises `MisshapenError`."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        # Without its cause: pydantic's text quotes the values, which may be personal.
        raise MisshapenError(f"{model.__name__}: {error.error_count()} fields") from None


def _context(account_id: UUID, kind: store.Kind, id_: int) -> bytes:
    return f"bling {kind}|{id_}|".encode() + account_id.bytes
