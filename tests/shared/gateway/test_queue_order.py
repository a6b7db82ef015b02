"""Whatever happens, in whatever order: lanes stay in order, and nothing runs side by side."""

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest

from shared.gateway.errors import Overtaken
from shared.gateway.values import Lane, NewWork, Priority, Work
from shared.gateway.work import LEASE, WorkQueue
from tests.shared.gateway.kit import Kit, label_of, piece

LANES: tuple[Lane, ...] = ("inbound", "outbound")
LaneId = tuple[UUID, str, str]


@dataclass
class Play:
    """A random sequence of steps by two replicas, and what must hold after each."""

    kit: Kit
    chance: Random
    accounts: list[UUID]
    replicas: list[WorkQueue]
    waiting: dict[LaneId, list[str]] = field(default_factory=lambda: defaultdict(list))
    running: list[tuple[WorkQueue, Work]] = field(default_factory=list)
    lost: list[Work] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    made: int = 0

    async def step(self) -> None:
        steps = [self.enqueue, self.enqueue, self.claim, self.claim, self.claim]
        steps += [self.complete, self.complete, self.fail, self.put_back, self.die, self.late]
        await self.chance.choice(steps)()

    async def enqueue(self) -> None:
        await self.kit.enqueue(*(self.new() for _ in range(self.chance.randint(1, 4))))

    def new(self) -> NewWork:
        self.made += 1
        work = piece(
            self.chance.choice(self.accounts),
            f"{self.made}",
            stream=f"order-{self.chance.randint(1, 3)}",
            lane=self.chance.choice(LANES),
            priority=self.chance.choice(list(Priority)),
        )
        self.waiting[work.account_id, work.stream, work.lane].append(f"{self.made}")
        return work

    async def claim(self) -> None:
        replica = self.chance.choice(self.replicas)
        for work in await replica.claim(self.chance.randint(1, 3)):
            lane = self.waiting[work.account_id, work.stream, work.lane]
            assert lane[0] == label_of(work), "first in, first out within a lane"
            others = [w for _, w in self.running if w.stream_key == work.stream_key]
            assert not others, "one piece of a stream at a time"
            self.running.append((replica, work))

    async def complete(self) -> None:
        if taken := self.take():
            replica, work = taken
            async with replica.completing(work):
                pass
            self.end(work)

    async def fail(self) -> None:
        if taken := self.take():
            replica, work = taken
            await replica.again(work, self.chance.choice([0, 5]), "failed")
            self.kit.clock.advance(seconds=self.chance.choice([0, 3]))

    async def put_back(self) -> None:
        if taken := self.take():
            replica, work = taken
            await replica.put_back(work)

    async def die(self) -> None:
        """A replica stops dead with everything that it runs; the leases end."""
        self.lost += [work for _, work in self.running]
        self.running.clear()
        self.kit.clock.advance(seconds=LEASE.total_seconds() + 1)

    async def late(self) -> None:
        """A replica that was thought dead comes back, after its work was taken by another."""
        again = {(work.account_id, work.id) for _, work in self.running}
        overtaken = [work for work in self.lost if (work.account_id, work.id) in again]
        for work in overtaken:
            with pytest.raises(Overtaken):
                await self.kit.complete(work)

    def take(self) -> tuple[WorkQueue, Work] | None:
        if not self.running:
            return None
        return self.running.pop(self.chance.randrange(len(self.running)))

    def end(self, work: Work) -> None:
        label = self.waiting[work.account_id, work.stream, work.lane].pop(0)
        assert label == label_of(work)
        self.done.append(label)

    async def finish(self) -> None:
        """Let everything come to its end."""
        await self.die()
        while len(self.done) < self.made:
            self.kit.clock.advance(seconds=10)
            await self.claim()
            while self.running:
                await self.complete()


@pytest.mark.parametrize("seed", range(12))
async def test_random_plays_keep_lanes_in_order(kit: Kit, seed: int) -> None:
    chance = Random(seed)
    accounts = [await kit.account() for _ in range(3)]
    play = Play(kit, chance, accounts, [kit.queue, kit.another_queue()])

    for _ in range(60):
        await play.step()
    await play.finish()

    assert len(set(play.done)) == play.made, "everything is done, once"
    assert await kit.pool.fetchval("SELECT count(*) FROM work") == 0
    assert await kit.pool.fetchval("SELECT count(*) FROM turn") == 0
