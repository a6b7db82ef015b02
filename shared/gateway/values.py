"""The values of the work queue: what waits, who asked for it, and how a piece of it can end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Final, Literal, TypeVar
from uuid import UUID

import orjson

from shared.contracts import Contract, Frozen, partition_of, upcast
from shared.contracts.commands import (
    AccountPaused,
    AccountResumed,
    CommandDiscarded,
    CommandParked,
    CommandSuperseded,
    SubjectErased,
)

Lane = Literal["inbound", "outbound"]
Clock = Callable[[], datetime]
Model = TypeVar("Model", bound=Frozen)

ACCOUNT_STREAM: Final = "account"

_VERSION: Final = "schema_version"
"""What says a kept command's version; without it, it is of the first."""

DISCONNECT_STREAM: Final = f"{ACCOUNT_STREAM}:disconnect"
"""What waits in it runs also while the account's other work may not."""


def utc_now() -> datetime:
    """Return the time of day, in UTC."""
    return datetime.now(UTC)


class Priority(IntEnum):
    """Which work goes first, between orders. Within a lane it is first in, first out."""

    CANCELLATION = 0
    STATUS = 1
    CONTENT = 2
    CATALOGUE = 3
    RECONCILE = 4


class Supersedes(Enum):
    """What a new piece makes void among the older pieces of its lane that do not run."""

    NOTHING = "nothing"
    SAME_KIND = "same_kind"
    LOWER_VERSIONS = "lower_versions"
    """Pieces of the same kind and shipment with a lower version."""
    SHIPMENT = "shipment"
    """Everything of the same shipment."""


@dataclass(frozen=True, slots=True)
class Command:
    """The command that asked for the work. ``shipment`` is None if it is about none."""

    id: UUID
    type: str
    correlation: UUID
    shipment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """Work to be done. ``not_before`` delays its first attempt; ``version`` orders registers."""

    account_id: UUID
    stream: str
    lane: Lane
    kind: str
    payload: Frozen
    priority: Priority
    supersedes: Supersedes = Supersedes.NOTHING
    version: int | None = None
    command: Command | None = None
    not_before: datetime | None = None

    @property
    def stored_payload(self) -> bytes:
        """The payload as it is kept. A command's says its version: it may outlive a release."""
        kept = self.payload.model_dump(mode="json")
        if isinstance(self.payload, Contract):
            kept[_VERSION] = self.payload.VERSION
        return orjson.dumps(kept)

    @property
    def stream_key(self) -> "StreamKey":
        """The stream that it waits in."""
        return StreamKey(partition_of(self.account_id), self.account_id, self.stream)


@dataclass(frozen=True, slots=True)
class StreamKey:
    """One stream of an account: of its two lanes, only one piece runs at a time."""

    partition: int
    account_id: UUID
    stream: str

    @property
    def subject(self) -> str:
        """What facts call the stream: what follows a colon names a side stream of the same."""
        return self.stream.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A piece of work that this process runs, as long as nobody raises ``attempt``.

    ``priority`` is that of the most urgent piece that waits in its stream, itself included.
    ``failures`` counts the attempts that failed since the work was enqueued or retried, and
    ``defects`` those that failed by a fault of ours. ``last_error`` is set if one failed.
    """

    id: int
    partition: int
    account_id: UUID
    stream: str
    lane: Lane
    kind: str
    payload: bytes
    priority: Priority
    attempt: int
    failures: int
    defects: int
    enqueued_at: datetime
    last_error: str | None
    command: Command | None

    @property
    def stream_key(self) -> StreamKey:
        """The stream that it runs in."""
        return StreamKey(self.partition, self.account_id, self.stream)

    @property
    def asked_by(self) -> Command:
        """The command that it carries out. Only the handlers of commands may rely on one."""
        if self.command is None:
            raise LookupError(f"{self.kind} is work of a command and has none")
        return self.command

    def read(self, model: type[Model]) -> Model:
        """Return the payload as the model that it was enqueued with, in today's version."""
        kept = orjson.loads(self.payload)
        if issubclass(model, Contract):
            kept = upcast(model.TYPE, kept.get(_VERSION, 1), kept)
        return model.model_validate(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The gateway's own name and words: ``source`` names its facts, ``side`` the outside system."""

    source: str
    side: Literal["bling", "hub"]
    parked: type[CommandParked]
    superseded: type[CommandSuperseded]
    discarded: type[CommandDiscarded]
    paused: type[AccountPaused]
    resumed: type[AccountResumed]
    erased: type[SubjectErased]
