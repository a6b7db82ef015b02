"""Faults that a test arms: each strikes a number of times, or with a probability."""

import random
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from enum import StrEnum


class FaultName(StrEnum):
    """Every fault; those of webhooks strike deliveries, the others calls or the hub's people."""

    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_REORDER = "webhook_reorder"
    WEBHOOK_DROP = "webhook_drop"
    WEBHOOK_DELAY = "webhook_delay"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"
    WEBHOOK_MISSING_SIGNATURE = "webhook_missing_signature"
    WEBHOOK_OLD_SIGNATURE = "webhook_old_signature"
    WEBHOOK_BODY_CHANGED = "webhook_body_changed"
    ENDPOINT_DISABLED = "endpoint_disabled"
    SKIPPED_INTAKE = "skipped_intake"
    LATE_SCAN = "late_scan"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_OCCURRENCE = "unknown_occurrence"
    LABEL_WITHOUT_TRACKING = "label_without_tracking"
    CONCURRENT_UPDATE = "concurrent_update"
    RATE_LIMITED = "rate_limited"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    SLOW = "slow"
    """The call takes effect, then its answer is late."""
    SLOW_BEFORE = "slow_before"
    """The call waits, then takes effect: perhaps long after its caller gave up."""
    EXPIRED_TOKEN = "expired_token"
    PROBLEM = "problem"
    """The call is refused with the problem that the fault names."""


AT_RANDOM = frozenset(FaultName) - {FaultName.PROBLEM}
"""What may strike at any time; a problem is the answer to one call, and named by a person."""

TOKEN_PATH = "/oauth/token"


@dataclass
class Fault:
    """One armed fault; `remaining` counts down, or `probability` decides when it is None."""

    name: FaultName
    remaining: int | None = 1
    probability: float = 1.0
    match: str = ""
    """Strikes only calls whose path begins like this."""
    method: str = ""
    seconds: float = 1.0
    """How long a slow answer, a delay or a pause lasts, or how late a scan is."""
    status: int | None = 503
    """Which 5xx it is; any when None."""
    code: str = ""
    """The problem's code, where the fault is a named problem."""
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        return self._is_meant(method, path) and (
            self.probability >= 1 or random.random() < self.probability
        )

    def view(self) -> dict[str, object]:
        return {"fault": self.name, **{k: v for k, v in vars(self).items() if k != "name"}}

    @property
    def error_status(self) -> int:
        return self.status or random.choice((500, 502, 503, 504))

    def _is_meant(self, method: str, path: str) -> bool:
        # Tokens are fetched when the client likes: a fault for the next call is not for them.
        named = bool(self.match) or path != TOKEN_PATH
        return named and path.startswith(self.match) and self.method in ("", method)


@dataclass
class Faults:
    """The faults armed for one account."""

    armed: list[Fault] = field(default_factory=list)
    struck: Counter[FaultName] = field(default_factory=Counter)
    """How often each struck since the account was opened, disarmed ones included."""

    def arm_all(self, probability: float, seconds: float, without: Container[FaultName]) -> None:
        """Let everything strike by chance, at one probability, the token call included."""
        names = [name for name in FaultName if name in AT_RANDOM and name not in without]
        for name in names:
            self.armed.append(_by_chance(name, probability, seconds))
        if FaultName.ERROR_BEFORE in names:
            token = _by_chance(FaultName.ERROR_BEFORE, probability, seconds)
            token.match = TOKEN_PATH
            self.armed.append(token)

    def take(self, name: FaultName, method: str = "", path: str = "") -> Fault | None:
        """Answer the fault if it strikes now, and use it up by one."""
        for fault in self.armed:
            if fault.name is name and fault.strikes(method, path):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        self.struck[fault.name] += 1
        fault.struck += 1
        if fault.remaining is None:
            return
        fault.remaining -= 1
        if fault.remaining == 0:
            self.armed.remove(fault)


def _by_chance(name: FaultName, probability: float, seconds: float) -> Fault:
    return Fault(name, remaining=None, probability=probability, seconds=seconds, status=None)
