"""Leases: replicas share the partitions, and take over what another leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from shared import bus, database
from shared.bus import PartitionLeases
from shared.bus.leases import LeaseTimes
from shared.contracts import PARTITIONS
from shared.database import Pool
from tests.waiting import eventually

MIGRATIONS = Path(bus.__file__).parent / "migrations"
QUICK = LeaseTimes(lease_s=1.0, renew_s=0.1)
ALL = set(range(PARTITIONS))


class Replica:
    """Notes what it was told to begin and to stop."""

    def __init__(self, pool: Pool, owner: str) -> None:
        self.leases = PartitionLeases(pool, owner, times=QUICK)
        self.running: set[int] = set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Replica"]:
        async with self.leases.run(on_gain=self._gain, on_loss=self._lose):
            yield self

    async def _gain(self, partition: int) -> None:
        assert partition not in self.running
        self.running.add(partition)

    async def _lose(self, partition: int) -> None:
        self.running.remove(partition)


@pytest.fixture(scope="module")
def service_url(database_url: str) -> str:
    return str(URL(database_url).with_user("test_lease_service").with_password("secret"))


@pytest.fixture
async def pool(database_url: str, service_url: str) -> AsyncIterator[Pool]:
    await database.migrate(database_url, service_url, "leases", MIGRATIONS)
    pool = await database.open_pool(service_url, "leases", max_size=4)
    yield pool
    await pool.close()


async def test_one_replica_has_every_partition(pool: Pool) -> None:
    async with Replica(pool, "one").run() as replica:
        await eventually(lambda: replica.running == ALL)

    assert replica.running == set()


async def test_two_replicas_share_fairly_and_never_overlap(pool: Pool) -> None:
    async with Replica(pool, "one").run() as one:
        await eventually(lambda: one.running == ALL)

        async with Replica(pool, "two").run() as two:
            await eventually(lambda: len(one.running) == len(two.running) == 8)
            assert one.running | two.running == ALL

        await eventually(lambda: one.running == ALL)


async def test_three_replicas_leave_no_partition_out(pool: Pool) -> None:
    async with (
        Replica(pool, "one").run() as one,
        Replica(pool, "two").run() as two,
        Replica(pool, "three").run() as three,
    ):
        replicas = (one, two, three)
        await eventually(lambda: sorted(len(each.running) for each in replicas) == [5, 5, 6])
        assert set[int]().union(*(each.running for each in replicas)) == ALL


async def test_what_a_dead_replica_held_is_taken_over(pool: Pool, service_url: str) -> None:
    own_pool = await database.open_pool(service_url, "leases")
    dead = Replica(own_pool, "dead")
    async with Replica(pool, "one").run() as one, dead.run():
        await eventually(lambda: len(one.running) == len(dead.running) == 8)
        own_pool.terminate()  # from here on it can neither renew nor release

        await eventually(lambda: one.running == ALL)
        await eventually(lambda: dead.running == set())  # and it knows that itself


async def test_a_replica_that_starts_again_has_its_partitions_at_once(pool: Pool) -> None:
    slow = LeaseTimes(lease_s=60, renew_s=60)
    await pool.execute(
        "UPDATE partition_lease SET owner = 'again', until = now() + interval '1 minute'"
    )
    await pool.execute("DELETE FROM replica")
    leases = PartitionLeases(pool, "again", times=slow)

    async with leases.run(on_gain=_nothing, on_loss=_nothing):
        await eventually(lambda: leases.held == ALL)


async def _nothing(_partition: int) -> None:
    pass
