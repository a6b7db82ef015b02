"""The hub's change log: one row per resource, read by position, never by time."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.hub.problems import ApiError
from sandbox.hub.records import Resource

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Change:
    position: int
    kind: str
    resource: Resource
    changed_at: datetime


@dataclass
class ChangeLog:
    """Remembers which resource changed last; a resource moves to the end when it changes again."""

    _latest: dict[tuple[str, str], Change] = field(default_factory=dict)
    _written_at: list[datetime] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self._written_at)

    def note(self, kind: str, resource: Resource, at: datetime) -> None:
        self._written_at.append(at)
        self._latest.pop((kind, resource.ref), None)
        self._latest[kind, resource.ref] = Change(self.end, kind, resource, at)

    def after(self, position: int, now: datetime) -> list[Change]:
        """List what changed after a position, oldest first.

        Raises `cursor-expired` when what followed the position is no longer kept, or when the
        position was never reached: the hub that gave it out was another one.
        """
        self._check(position, now)
        found: list[Change] = []
        for change in reversed(self._latest.values()):
            if change.position <= position:
                break
            found.append(change)
        return [change for change in reversed(found) if change.changed_at >= now - KEPT_FOR]

    def oldest_kept(self, now: datetime) -> int:
        """Position before the first row that is still kept."""
        return bisect_left(self._written_at, now - KEPT_FOR)

    def _check(self, position: int, now: datetime) -> None:
        if position > self.end:
            raise ApiError("cursor-expired")
        if position < self.end and self._written_at[position] < now - KEPT_FOR:
            raise ApiError("cursor-expired")
