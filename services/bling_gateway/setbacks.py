"""What becomes of work when Bling settles nothing: again, later, or a person must look."""

from typing import Final

from services.bling_gateway.errors import (
    AccountDeadError,
    AppRefusedError,
    BlingError,
    LeftAloneError,
    MisshapenError,
    RefusedError,
    ThrottledError,
)
from shared.gateway.errors import NoTurn, ParkWork, Setback, TryAgain
from shared.gateway.pacing import Pacer
from shared.gateway.values import Work
from shared.gateway.worker import Handler

_ADDRESS_WAIT_S: Final = 30.0
_APP_WAIT_S: Final = 60.0


class Setbacks:
    """Wraps handlers: what Bling could not settle is decided on."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer

    def guard(self, handler: Handler) -> Handler:
        """Return the handler with its setbacks decided."""

        async def guarded(work: Work) -> None:
            try:
                await handler(work)
            except BlingError as error:
                raise await self._decide(work, error) from error

        return guarded

    async def _decide(self, work: Work, error: BlingError) -> Setback:
        match error:
            case ThrottledError(period="address"):
                cause = "Bling's limits for our address"
                return TryAgain(_ADDRESS_WAIT_S, cause, scope="account")
            case ThrottledError():
                wait_s = await self._pacer.slowed(work.account_id, error.period, error.limit)
                return NoTurn(wait_s, f"Bling's limit by the {error.period}")
            case AppRefusedError():
                return TryAgain(_APP_WAIT_S, str(error), scope="ours")
            case AccountDeadError():
                # The account is disconnected by now: nothing of it is claimed until it is back.
                return TryAgain(None, f"not connected: {error.cause}", scope="account")
            case LeftAloneError():
                return TryAgain(error.for_s, str(error), scope="account")
            case RefusedError() | MisshapenError():
                return ParkWork(str(error))
            case _:
                return TryAgain(None, f"{type(error).__name__}: {error}")
