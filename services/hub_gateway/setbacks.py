"""What becomes of work when 360Hub settles nothing: again, later, or a person must look."""

from contextvars import ContextVar
from typing import Final
from uuid import UUID

from services.hub_gateway import port
from services.hub_gateway.announcing import Announcer
from shared.gateway.errors import ParkWork, Setback, TryAgain
from shared.gateway.pacing import Pacer
from shared.gateway.values import Priority, Work
from shared.gateway.worker import Handler

_BUSY_S: Final = 0.5
"""Another write of the same order takes no longer than a call."""

_BUSY_TIMES: Final = 5
"""Who finds an order busy more often than that backs off."""

_LIMIT: Final = "minute"
"""The period of 360Hub's limit."""

_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.RECONCILE)


class Setbacks:
    """Wraps handlers: their calls are paced, and what 360Hub could not settle is decided on."""

    def __init__(self, pacer: Pacer, announcer: Announcer) -> None:
        self._pacer = pacer
        self._announcer = announcer

    async def pace(self, account_id: UUID) -> None:
        """Wait for the turn of one call, as urgent as the work that makes it."""
        await self._pacer.turn(account_id, _priority.get())

    def guard(self, handler: Handler) -> Handler:
        """Return the handler with its setbacks decided."""

        async def guarded(work: Work) -> None:
            _priority.set(work.priority)  # each piece of work runs in a task of its own
            try:
                await handler(work)
            except port.HubError as error:
                raise await self._decide(work, error) from error

        return guarded

    async def _decide(self, work: Work, error: port.HubError) -> Setback:
        match error:
            case port.ExhaustedError():
                return TryAgain(error.retry_after_s, str(error), scope="account")
            case port.ThrottledError():
                await self._pacer.slowed(work.account_id, _LIMIT)
                return TryAgain(error.retry_after_s, str(error), scope="account")
            case port.UnauthorisedError():
                await self._announcer.disconnected(work.account_id, str(error))
                return TryAgain(None, str(error))
            case port.UnavailableError():
                return TryAgain(error.retry_after_s, str(error), scope="account")
            case port.BusyError():
                wait_s = _BUSY_S if work.failures < _BUSY_TIMES else None
                return TryAgain(wait_s, str(error))
            case _:
                return ParkWork(str(error))
