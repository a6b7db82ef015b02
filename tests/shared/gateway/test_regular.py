"""Work that is due from time to time."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from shared.contracts import PARTITIONS, partition_of
from shared.gateway.regular import RegularWork
from shared.gateway.store import Connection
from shared.gateway.values import NewWork
from tests.shared.gateway.kit import Kit, hint
from tests.waiting import eventually

OFTEN = timedelta(milliseconds=30)


class DueOnce:
    """Accounts that are due until they were taken; the first looks fail."""

    def __init__(self, *accounts: UUID) -> None:
        self.waiting = list(accounts)
        self.looks = 0
        self.broken: int | None = None

    async def take_due(self, conn: Connection, partition: int) -> Sequence[NewWork]:
        self.looks += 1
        if self.looks < PARTITIONS or partition == self.broken:
            raise ConnectionError("as if the database were away")
        due = [account for account in self.waiting if partition_of(account) == partition]
        self.waiting = [account for account in self.waiting if account not in due]
        return [hint(account, "compare") for account in due]


async def test_what_is_due_is_enqueued_and_announced_also_after_a_look_that_failed(
    kit: Kit,
) -> None:
    accounts = [await kit.account() for _ in range(3)]
    due, announced = DueOnce(*accounts), list[UUID]()
    regular = RegularWork(
        kit.pool, kit.queue, due.take_due, every=OFTEN, committed=announced.append
    )

    async with regular.run():
        await eventually(lambda: len(announced) == 3)

    assert sorted(announced) == sorted(accounts)
    assert await kit.waiting_labels() == ["compare"] * 3


async def test_what_fails_in_one_partition_holds_up_no_other(kit: Kit) -> None:
    account_id = await kit.account()
    due, announced = DueOnce(account_id), list[UUID]()
    due.looks, due.broken = PARTITIONS, (partition_of(account_id) - 1) % PARTITIONS
    regular = RegularWork(
        kit.pool, kit.queue, due.take_due, every=OFTEN, committed=announced.append
    )

    async with regular.run():
        await eventually(lambda: announced == [account_id])
