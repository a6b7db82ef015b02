"""Who failed is left alone for a while, longer each time, and holds up nobody else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

_LONGEST_WAIT_S: Final = 300
_DOUBLED_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Setback:
    """How often it failed in a row, and until when it is left alone."""

    failures: int
    until: datetime

    @classmethod
    def after(cls, before: Self | None, now: datetime) -> Self:
        """Return what follows on one more failure: a second first, then twice as long each time."""
        failures = before.failures + 1 if before else 1
        wait_s = min(_LONGEST_WAIT_S, 2 ** min(failures - 1, _DOUBLED_AT_MOST))
        return cls(failures, now + timedelta(seconds=wait_s))
