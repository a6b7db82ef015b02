"""What tokens need from time to time although nobody asks for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from services.bling_gateway.errors import BlingError
from services.bling_gateway.tokens import Tokens
from shared.database import is_transient

log = structlog.get_logger(__name__)

_KEEP_ALIVE_EVERY_S: Final = 20.0
"""One token call each time: a fifth of what an address may make, so that others get theirs."""
_SEAL_AGAIN_EVERY_S: Final = 60.0


class TokenUpkeep:
    """Renews what was not renewed for long, and seals anew what an older master key sealed.

    Paused accounts are no exception. Every replica may run one: what one has taken, no other does.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Look after all tokens, while inside."""
        chores = [
            asyncio.create_task(_repeat(chore, every_s), name=name)
            for name, chore, every_s in (
                ("keep tokens alive", self._tokens.keep_one_alive, _KEEP_ALIVE_EVERY_S),
                ("seal tokens again", self.seal_all_again, _SEAL_AGAIN_EVERY_S),
            )
        ]
        try:
            yield
        finally:
            for task in chores:
                task.cancel()
            await asyncio.gather(*chores, return_exceptions=True)

    async def seal_all_again(self) -> None:
        """Leave nothing that only an older master key opens."""
        total = 0
        while count := await self._tokens.seal_again():
            total += count
        if total:
            log.info("tokens sealed under the new key", action="tokens_sealed_again", count=total)


async def _repeat(chore: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await chore()
        except Exception as error:
            # The loop's edge: what could not be done now is looked for again next time.
            waits = is_transient(error) or isinstance(error, BlingError)
            tell = log.warning if waits else log.error
            tell("looking after tokens failed", action="token_upkeep_waits", exc_info=error)
        await asyncio.sleep(every_s)
