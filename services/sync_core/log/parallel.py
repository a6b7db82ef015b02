"""Proving the whole log with all cores: accounts are walked, in parts, by worker processes."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import uvloop

from services.sync_core.log.connection import Pool
from services.sync_core.log.proving import Difference, Progress
from services.sync_core.log.verify import (
    End,
    Place,
    Unit,
    Verification,
    ends_of,
    size_of,
    units,
    verification_of,
    walk_unit,
)
from shared.database import open_pool

_BATCH: Final = 50_000
_PLACES: Final = 20
"""Accounts that are asked about at once: small ones cost few round trips, large ones begin soon."""
_WAITING: Final = 2
"""Batches that wait for each worker: none idles, and memory does not grow with the log."""


class _Part(NamedTuple):
    """A unit of work, and which of the chosen accounts it is of."""

    account: int
    unit: Unit


@dataclass(slots=True)
class _Account:
    """What is known of an account so far: of each broken unit, where it begins and is broken."""

    end: End
    broken: list[tuple[int, Difference]] = field(default_factory=list)


async def verify_all(
    pool: Pool, url: str, schema: str, chosen: Sequence[Place], progress: Progress
) -> list[Verification]:
    """Prove these places with a process for each core; ``url`` is where each of them connects.

    Cancelling waits for the batches that are under way, about a second.
    """
    accounts: list[_Account] = []
    cores = len(os.sched_getaffinity(0))
    free = asyncio.Semaphore(cores * (1 + _WAITING))
    loop = asyncio.get_running_loop()
    # Spawned, not forked: a copy of this process would share its connections.
    context = multiprocessing.get_context("spawn")

    async def prove(batch: Sequence[_Part]) -> None:
        try:
            walked = await loop.run_in_executor(executor, _walk, url, schema, batch)
        finally:
            free.release()
        for part, difference in walked:
            accounts[part.account].broken.append((part.unit.first, difference))
        progress(sum(size_of(part.unit) for part in batch))

    with ProcessPoolExecutor(cores, mp_context=context) as executor:
        async with asyncio.TaskGroup() as group:
            async for batch in _batches(pool, chosen, accounts):
                await free.acquire()
                group.create_task(prove(batch), name="verify")
    return [
        await verification_of(pool, place, account.end, _in_order(account.broken))
        for place, account in zip(chosen, accounts, strict=True)
    ]


async def _batches(
    pool: Pool, chosen: Sequence[Place], accounts: list[_Account]
) -> AsyncIterator[list[_Part]]:
    """Give work of about the same size each, whether accounts are large or many."""
    batch: list[_Part] = []
    size = 0
    for start in range(0, len(chosen), _PLACES):
        some = chosen[start : start + _PLACES]
        for place, end in zip(some, await ends_of(pool, some), strict=True):
            accounts.append(_Account(end))
            async for unit in units(pool, place, end):
                batch.append(_Part(len(accounts) - 1, unit))
                size += size_of(unit)
                if size >= _BATCH:
                    yield batch
                    batch, size = [], 0
    if batch:
        yield batch


def _in_order(broken: Sequence[tuple[int, Difference]]) -> list[Difference]:
    return [difference for _, difference in sorted(broken, key=lambda each: each[0])]


def _walk(url: str, schema: str, batch: Sequence[_Part]) -> list[tuple[_Part, Difference]]:
    """Walk a batch in a worker process, and return the parts that are broken."""
    return uvloop.run(_walk_connected(url, schema, batch))


async def _walk_connected(
    url: str, schema: str, batch: Sequence[_Part]
) -> list[tuple[_Part, Difference]]:
    async with await open_pool(url, schema, max_size=1) as pool, pool.acquire() as connection:
        walked = [(part, await walk_unit(connection, part.unit)) for part in batch]
    return [(part, difference) for part, difference in walked if difference]
