"""Loops: whether a command of ours ever led, through its own echo, to the same command again.

Each event names what led to it, so an account's log is a forest of causal chains. A command that
stands in its own chain, about the same stream and with the same content, has answered itself, if
there was no news in between that it may answer instead: an answer is also when the rules take up
what came while they waited for it. The report counts such loops, which must be none, and names the
longest chain.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson

from services.sync_core.domain import ACCOUNT
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Row
from services.sync_core.log.history import history
from services.sync_core.log.proving import Progress
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub

_TOLD_ANEW: Final = frozenset({"version"})
"""What counts on with each command about the same thing."""

_REFUSALS: Final = frozenset(
    {bling.SituationRefused.TYPE, hub.OrderRefused.TYPE, hub.ProductRefused.TYPE}
)


@dataclass(frozen=True, slots=True)
class Loop:
    """A command that led to itself: the chain's positions, from the first time to the second."""

    stream: str
    type: str
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The longest causal chain: its events' positions, and the stream in which it ends."""

    stream: str
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoopReport:
    """What was found in an account's log."""

    account_id: UUID
    events: int
    loops: tuple[Loop, ...]
    longest: Chain | None


async def find_loops(pool: Pool, account_id: UUID, progress: Progress) -> LoopReport:
    """Walk the account's log once. Keeps a few words for each event, and no event."""
    chains = _Chains()
    async for page in history(pool, account_id):
        for logged in page:
            chains.take(logged.row)
        progress(len(page))
    return LoopReport(account_id, len(chains.positions), tuple(chains.loops), chains.longest())


@dataclass
class _Chains:
    """What led to what, by position (0: nothing did; unused as a position of its own).

    ``commands``: a command's position → the mark of what it orders. ``news``: a stream → where it
    last had some that we did not provoke.
    """

    positions: dict[bytes, int] = field(default_factory=dict)
    causes: list[int] = field(default_factory=lambda: [0])
    lengths: list[int] = field(default_factory=lambda: [0])
    commands: dict[int, bytes] = field(default_factory=dict)
    news: dict[str, int] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    last_of_longest: int = 0
    ends_in: str = ""

    def take(self, row: Row) -> None:
        """Take the next event of the log."""
        cause = self.positions.get(row.causation_id.bytes, 0) if row.causation_id else 0
        self.positions[row.event_id.bytes] = row.position
        self.causes.append(cause)
        self.lengths.append(self.lengths[cause] + 1)
        if self.lengths[-1] > self.lengths[self.last_of_longest]:
            self.last_of_longest, self.ends_in = row.position, row.stream
        if row.kind == "command":
            self.commands[row.position] = _mark(row)
            self._look_for_itself(row)
        elif not cause or _tells_of_others(row):
            self.news[row.stream] = row.position

    def longest(self) -> Chain | None:
        """Return the longest chain, if there is any event."""
        if not self.last_of_longest:
            return None
        return Chain(self.ends_in, self._chain(self.last_of_longest))

    def _look_for_itself(self, row: Row) -> None:
        """Find the same command among those that led to it, with no news in between."""
        mark = self.commands[row.position]
        news = max(self.news.get(row.stream, 0), self.news.get(ACCOUNT, 0))
        for position in self._back_from(row.position):
            if position < news:
                return
            if self.commands.get(position) == mark:
                chain = self._chain(row.position)
                self.loops.append(Loop(row.stream, row.type, chain[chain.index(position) :]))
                return

    def _back_from(self, position: int) -> Iterator[int]:
        while position := self.causes[position]:
            yield position

    def _chain(self, position: int) -> tuple[int, ...]:
        return (*reversed((position, *self._back_from(position))),)


def _mark(row: Row) -> bytes:
    """Return what tells a command from others: its stream, its type, and what it orders."""
    data = {key: value for key, value in row.upcast().items() if key not in _TOLD_ANEW}
    ordered = orjson.dumps([row.stream, row.type, data], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(ordered, digest_size=16).digest()


def _tells_of_others(row: Row) -> bool:
    """Whether an answer of ours refuses because somebody else was there."""
    if row.type not in _REFUSALS:
        return False
    return row.upcast()["cause"] in ("changed", "stale")
