"""What the hub remembers of webhook endpoints and deliveries."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from sandbox.hub.clock import stamp, stamp_or_none
from sandbox.hub.problems import Json
from sandbox.hub.records import Event

DEFAULT_RETRY_GAPS_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
SECRET_OVERLAP = timedelta(hours=24)
_ATTEMPTS_AT_ONCE = 16


@dataclass
class EndpointSecret:
    value: str
    valid_until: datetime | None = None


@dataclass(kw_only=True)
class Endpoint:
    endpoint_id: str
    url: str
    event_types: list[str]
    description: str | None
    created_at: datetime
    secrets: list[EndpointSecret]
    """Newest first."""
    status: str = "pending_verification"
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    """Set when the receiver asked for less."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_ATTEMPTS_AT_ONCE))

    def wants(self, event_type: str) -> bool:
        return any(fnmatchcase(event_type, pattern) for pattern in self.event_types)

    def signing_secrets(self, now: datetime) -> list[str]:
        return [s.value for s in self.secrets if s.valid_until is None or s.valid_until > now]

    def view(self) -> Json:
        return {
            "endpoint_id": self.endpoint_id,
            "url": self.url,
            "event_types": self.event_types,
            "description": self.description,
            "status": self.status,
            "created_at": stamp(self.created_at),
        }


@dataclass(kw_only=True)
class Delivery:
    """One event on its way to one endpoint; attempts are repeated until it is taken or given up."""

    delivery_id: str
    endpoint: Endpoint
    event: Event
    created_at: datetime
    state: str = "pending"
    attempts: int = 0
    last_response_status: int | None = None
    last_attempt_at: datetime | None = None

    def view(self) -> Json:
        return {
            "delivery_id": self.delivery_id,
            "webhook_id": self.event.id,
            "event_type": self.event.type,
            "external_ref": self.event.data.get("external_ref"),
            "state": self.state,
            "attempts": self.attempts,
            "last_response_status": self.last_response_status,
            "last_attempt_at": stamp_or_none(self.last_attempt_at),
        }


@dataclass
class WebhookControls:
    """How the deliveries of one account are disturbed."""

    retry_gaps_s: tuple[float, ...] = DEFAULT_RETRY_GAPS_S
    duplicate: bool = False
    hold: bool = False
    drop: int = 0
    """How many more deliveries get lost."""
    held: list[Delivery] = field(default_factory=list)
