"""Where an operator's command works: on the gateway's database, beside the replicas that serve.

It tells nobody: what it leaves, workers and relays find by themselves within a second.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from shared import logging
from shared.bus import Group
from shared.database import COMMAND_WAITS_S, open_pool
from shared.gateway.commands import ToWork
from shared.gateway.erasing import Erasing, Purge
from shared.gateway.facts import Facts
from shared.gateway.operators.side import Side
from shared.gateway.pausing import Pausing
from shared.gateway.store import Pool
from shared.gateway.values import System
from shared.gateway.work import WorkQueue
from shared.settings import OperatorSettings, load


@dataclass(frozen=True, slots=True)
class Desk:
    """What is at hand."""

    pool: Pool
    system: System
    queue: WorkQueue
    pausing: Pausing
    erasing: Erasing
    to_work: ToWork
    side: Side


OpenDesk = Callable[[], AbstractAsyncContextManager[Desk]]


def desk_of(
    group: Group,
    settings: type[OperatorSettings],
    system: System,
    to_work: ToWork,
    purge: Purge,
    side: Side,
) -> OpenDesk:
    """Return what opens a gateway's desk, with settings from the environment."""

    @asynccontextmanager
    async def open_desk() -> AsyncIterator[Desk]:
        read = load(settings)
        logging.configure(group, level=read.log_level, format=read.log_format)
        # Not the pool of those who serve, which rules out reading whole tables: lists do that.
        async with await open_pool(
            read.database_url, group, max_size=2, within_s=COMMAND_WAITS_S
        ) as pool:
            facts = Facts(system.source)
            queue, pausing = WorkQueue(pool, system, facts), Pausing(system, facts)
            erasing = Erasing(pool, system, queue, facts, purge)
            yield Desk(pool, system, queue, pausing, erasing, to_work, side)

    return open_desk
