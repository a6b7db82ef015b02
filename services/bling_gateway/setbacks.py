"""What each error of a call means for the work that made it."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from uuid import UUID

from services.bling_gateway.errors import (
    AccountDeadError,
    BlingError,
    LeftAloneError,
    RefusedError,
    ThrottledError,
)
from shared.gateway.errors import NoTurn, ParkWork, Setback, TryAgain
from shared.gateway.values import Work

_ADDRESS_WAIT_S: Final = 30.0

Handler = Callable[[Work], Awaitable[None]]


class Slowing(Protocol):
    """Notes that Bling found an account too fast, and says how long to wait."""

    async def slowed(self, account_id: UUID, period: str) -> float: ...


def with_setbacks(handler: Handler, pacer: Slowing) -> Handler:
    """Return a handler that raises a `Setback` where the given one raises a `BlingError`."""

    async def run(work: Work) -> None:
        try:
            await handler(work)
        except ThrottledError as error:
            raise await _throttled(work, error, pacer) from error
        except BlingError as error:
            raise _setback(error) from error

    return run


async def _throttled(work: Work, error: ThrottledError, pacer: Slowing) -> Setback:
    if error.period == "address":
        return TryAgain(_ADDRESS_WAIT_S, "Bling's limits for our address")
    wait_s = await pacer.slowed(work.account_id, error.period)
    return NoTurn(wait_s, f"Bling's limit by the {error.period}")


def _setback(error: BlingError) -> Setback:
    match error:
        case AccountDeadError():
            # The account is disconnected by now: nothing of it is claimed until it is back.
            return TryAgain(None, f"not connected: {error.cause}", scope="account")
        case LeftAloneError():
            return TryAgain(error.for_s, str(error), scope="account")
        case RefusedError():
            return ParkWork(str(error))
        case _:
            return TryAgain(None, f"{type(error).__name__}: {error}")
