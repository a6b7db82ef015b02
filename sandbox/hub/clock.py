"""Virtual time: real time, moved by whoever plays the sandbox."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the hub's time, which a control may set or advance."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)

    def set(self, now: datetime) -> None:
        self._offset = now.astimezone(UTC) - datetime.now(UTC)

    def reset(self) -> None:
        self._offset = timedelta(0)


def stamp(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC with `Z`, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_or_none(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)
