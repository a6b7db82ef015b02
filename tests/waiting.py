"""Waiting for what must come true, instead of sleeping and hoping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

_STEP_S = 0.02


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], within_s: float = 10.0
) -> None:
    """Return as soon as the condition holds; fail if it does not within the time."""
    async with asyncio.timeout(within_s):
        while not await _holds(condition):  # noqa: ASYNC110 - the condition is outside of us
            await asyncio.sleep(_STEP_S)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    result = condition()
    return await result if inspect.isawaitable(result) else result
