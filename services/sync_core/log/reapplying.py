"""After a restore: who was erased since the backup was made is erased again, before all else."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID, uuid4

import structlog

from services.sync_core.domain import ACCOUNT
from services.sync_core.log import sql
from services.sync_core.log.append import EventLog, Writing
from services.sync_core.log.events import Incoming
from shared.contracts import partition_of
from shared.contracts.sync_core import ErasureReapplied

logger = structlog.get_logger(__name__)

_ACTOR = "the list of erasures"

Subject = tuple[UUID, str]


async def reapply_erasures(log: EventLog) -> int:
    """Erase every subject of the list whom the database still knows; return how many those were.

    An account that the database does not hold is passed over: nothing of it is there.
    """
    by_partition: defaultdict[int, set[Subject]] = defaultdict(set)
    for erasure in log.erasures.read():
        partition = partition_of(erasure.account_id)
        by_partition[partition].add((erasure.account_id, erasure.subject))
    reapplied = 0
    for partition, listed in sorted(by_partition.items()):
        reapplied += await _reapply(log, partition, listed)
    return reapplied


async def _reapply(log: EventLog, partition: int, listed: Collection[Subject]) -> int:
    erased = await log.pool.fetch(sql.ERASED_SUBJECTS, partition, *zip(*listed, strict=True))
    left = set(listed) - {(row["account_id"], row["subject"]) for row in erased}
    done = [await _erase_again(log, partition, subject) for subject in sorted(left)]
    return sum(done)


async def _erase_again(log: EventLog, partition: int, subject: Subject) -> bool:
    account_id, name = subject
    async with log.writing(partition, [account_id]) as writing:
        if account_id not in writing.heads or await _is_erased(writing, subject):
            return False
        await writing.append([_entry(log, account_id, name)])
    logger.warning(
        "a subject was erased again",
        action="erasure_reapplied",
        account_id=str(account_id),
        subject=name,
    )
    return True


async def _is_erased(writing: Writing, subject: Subject) -> bool:
    """Look again behind the lock: another replica may start at the same time."""
    columns = ([subject[0]], [subject[1]])
    return bool(await writing.connection.fetch(sql.ERASED_SUBJECTS, writing.partition, *columns))


def _entry(log: EventLog, account_id: UUID, subject: str) -> Incoming:
    event_id = uuid4()
    return Incoming(
        account_id=account_id,
        event_id=event_id,
        stream=ACCOUNT,
        kind="human",
        data=ErasureReapplied(subject=subject),
        occurred_at=log.clock(),
        correlation_id=event_id,
        actor=_ACTOR,
    )
