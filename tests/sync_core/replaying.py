"""Replays as the tests run them: what they found, in a list."""

from dataclasses import dataclass, field
from uuid import UUID

from services.sync_core.log.connection import Pool
from services.sync_core.replay import Difference, Replay, shadow_tables


@dataclass
class Seen:
    """What a replay told of."""

    events: int = 0
    differences: list[Difference] = field(default_factory=list)

    def folded(self, events: int) -> None:
        self.events += events

    def differs(self, difference: Difference) -> None:
        self.differences.append(difference)

    @property
    def causes(self) -> dict[str, str]:
        """What is said of each stream; of one with several differences the last."""
        return {each.stream: each.cause for each in self.differences}


async def compared(pool: Pool, owner_url: str, account_id: UUID | None = None) -> Seen:
    """Replay and change nothing."""
    seen = Seen()
    async with shadow_tables(owner_url) as shadow:
        await Replay(pool, shadow, seen, account_id).rebuild()
    return seen


async def put_live(pool: Pool, owner_url: str) -> Seen:
    """Replay and swap."""
    seen = Seen()
    async with shadow_tables(owner_url) as shadow:
        replay = Replay(pool, shadow, seen)
        await replay.rebuild()
        await replay.put_live()
    return seen
