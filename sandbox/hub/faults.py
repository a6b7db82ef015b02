"""Faults that a test arms: each strikes a number of times, or with a probability."""

import random
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
    EXPIRED_TOKEN = "expired_token"


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
    status: int = 503

    def strikes(self, method: str, path: str) -> bool:
        if not path.startswith(self.match) or self.method not in ("", method):
            return False
        return self.remaining != 0 and (self.probability >= 1 or random.random() < self.probability)


@dataclass
class Faults:
    """The faults armed for one account."""

    armed: list[Fault] = field(default_factory=list)

    def take(self, name: FaultName, method: str = "", path: str = "") -> Fault | None:
        """Answer the fault if it strikes now, and use it up by one."""
        for fault in self.armed:
            if fault.name is name and fault.strikes(method, path):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.remaining is None:
            return
        fault.remaining -= 1
        if fault.remaining == 0:
            self.armed.remove(fault)
