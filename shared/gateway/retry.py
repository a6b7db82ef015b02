"""How long to wait before the next attempt."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with full jitter: anything between ``floor_s`` and what the doubling gives."""

    base_s: float = 1.0
    longest_s: float = 600.0
    floor_s: float = 0.2

    def ceiling_s(self, failures: int) -> float:
        """Return the longest wait after so many failures (at least one)."""
        doublings = min(failures - 1, 32)
        return min(self.longest_s, self.base_s * 2.0**doublings)

    def wait_s(self, failures: int, *, chance: random.Random) -> float:
        """Return a wait after so many failures (at least one)."""
        return max(self.floor_s, chance.uniform(0, self.ceiling_s(failures)))
