"""Virtual time: the machine's, moved on by whoever plays the double."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from sandbox.bling.state import Clock


class VirtualClock:
    """Tells the double's time, which a control moves on."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta(0)
        self._moved = asyncio.Event()

    def __call__(self) -> datetime:
        """Tell what time it is."""
        return self._base() + self._ahead

    def advance_to(self, moment: datetime) -> None:
        """Move on to a moment; one that has passed changes nothing."""
        self._ahead += max(moment - self(), timedelta(0))
        self._wake()

    def reset(self) -> None:
        """Tell the machine's own time again."""
        self._ahead = timedelta(0)
        self._wake()

    async def sleep_until(self, moment: datetime) -> None:
        """Return when a moment has come, by itself or because the clock was moved on."""
        while (left := moment - self()) > timedelta(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(left.total_seconds()):
                    await self._moved.wait()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
