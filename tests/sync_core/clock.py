"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The time as the code under test is told it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
