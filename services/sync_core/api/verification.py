"""What proofs found last, and the last checkpoint, over HTTP."""

from aiohttp import web

from services.sync_core.api import sql
from services.sync_core.api.accounts import known_account
from services.sync_core.api.acting import LOG
from services.sync_core.api.answers import answer
from services.sync_core.api.models import (
    AccountVerificationView,
    CheckpointView,
    LastVerificationView,
    VerificationView,
)
from services.sync_core.checkpoints.note import NoteError
from services.sync_core.checkpoints.store import Stored, last_checkpoint
from services.sync_core.log import sql as log_sql
from shared.contracts import partition_of


async def show_verification(request: web.Request) -> web.Response:
    """Show the last checkpoint, and what the last proof of each account came to, together."""
    pool = request.config_dict[LOG].pool
    row = await pool.fetchrow(sql.VERIFICATIONS)
    last = await last_checkpoint(pool)
    assert row is not None  # noqa: S101 - an aggregate without groups gives one row
    return answer(VerificationView(checkpoint=last and _checkpoint(last), **row))


async def show_account_verification(request: web.Request) -> web.Response:
    """Show what the last proof of an account's log found."""
    account_id = await known_account(request)
    pool = request.config_dict[LOG].pool
    place = (partition_of(account_id), account_id)
    head = await pool.fetchval(log_sql.HEAD, *place)
    row = await pool.fetchrow(sql.VERIFICATION, *place)
    return answer(
        AccountVerificationView(head=head, last=LastVerificationView(**row) if row else None)
    )


def _checkpoint(stored: Stored) -> CheckpointView | None:
    try:
        signed = stored.checkpoint
    except NoteError:  # changed into nonsense, which proofs tell of
        return None
    return CheckpointView(
        number=stored.number,
        signed_at=signed.at,
        accounts=signed.size,
        events=signed.events,
        note=stored.note,
    )
