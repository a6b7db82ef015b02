"""Request allowances: so many a minute, with a small burst."""

import math
import time
from dataclasses import dataclass, field


@dataclass
class Allowance:
    """A bucket that refills at `per_minute` and never holds more than `burst`.

    It counts in real time: moving the virtual clock must not make room for calls.
    """

    per_minute: int
    burst: int
    left: float = field(init=False)
    _at: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = float(self.burst)

    def take(self) -> bool:
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self._at) * self.per_minute / 60)
        self._at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    @property
    def reset_s(self) -> int:
        """Whole seconds until one more call is allowed; at least one when none is now."""
        missing = max(0.0, 1 - self.left)
        return math.ceil(missing * 60 / self.per_minute)

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.per_minute),
            "RateLimit-Remaining": str(int(self.left)),
            "RateLimit-Reset": str(self.reset_s),
        }
