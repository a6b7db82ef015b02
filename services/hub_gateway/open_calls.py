"""Calls whose result is not known: kept, to be made once more just as they were."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from services.hub_gateway import port
from services.hub_gateway.store import calls
from services.hub_gateway.store.calls import KeptCall
from shared.gateway.store import Pool


@asynccontextmanager
async def while_open(
    pool: Pool, account_id: UUID, command_id: UUID, kept: KeptCall
) -> AsyncIterator[None]:
    """Keep a call for the next attempt if this one leaves its result unknown, and only then.

    A refusal to carry it out settles a first attempt, and says nothing of one before it.
    """
    try:
        yield
    except port.HubError as error:
        if _is_settled(error, kept):
            async with pool.acquire() as conn:
                await calls.drop_call(conn, account_id, command_id)
        raise


def _is_settled(error: port.HubError, kept: KeptCall) -> bool:
    match error:
        case port.RepeatedError() | port.MisunderstoodError():
            return True  # 360Hub would answer this call the same again
        case port.BusyError() | port.ThrottledError() | port.UnauthorisedError():
            return not kept.may_have_run
        case _:
            return False
