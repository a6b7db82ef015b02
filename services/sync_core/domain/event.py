"""What the rules read, and what they conclude."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import SerializeAsAny

from shared.contracts import Contract, Frozen, derived_id

CommandKind = Literal["command", "withheld"]
"""How a command is logged: to be sent, or (while the account only observes) not to be."""


class Event(Frozen):
    """One entry of the log as the rules see it: never with personal data.

    ``source_sequence`` is the place of a fact among its gateway's facts about the account.
    """

    id: UUID
    stream: str
    kind: Literal["fact", "decision", "command", "withheld", "human", "timer"]
    position: int
    recorded_at: datetime
    occurred_at: datetime
    causation_id: UUID | None = None
    actor: str | None = None
    source_sequence: int | None = None
    data: SerializeAsAny[Contract]


class Decision(Frozen):
    """What the rules concluded from an event, to be logged as it stands.

    Its id is derived from the causing event, ``purpose`` and ``target``, so that deciding twice
    about one event can never order anything twice.
    """

    stream: str
    kind: Literal["decision", "command", "withheld"]
    data: SerializeAsAny[Contract]
    target: str

    @property
    def purpose(self) -> str:
        """The type of what was decided."""
        return self.data.TYPE

    def id_for(self, cause: UUID) -> UUID:
        """Return the id of this decision about the event ``cause``."""
        return derived_id(cause, self.purpose, self.target)

    def as_event(self, cause: Event) -> Event:
        """Return the decision as the event that it becomes; its position is not known yet."""
        return Event(
            id=self.id_for(cause.id),
            stream=self.stream,
            kind=self.kind,
            position=0,
            recorded_at=cause.recorded_at,
            occurred_at=cause.recorded_at,
            causation_id=cause.id,
            data=self.data,
        )


def decided(stream: str, data: Contract, *, about: str = "") -> Decision:
    """Conclude ``data`` about a stream. ``about`` tells apart several of a type."""
    return Decision(stream=stream, kind="decision", data=data, target=f"{stream}|{about}")


def commanded(
    stream: str,
    data: Contract,
    *,
    about: str = "",
    kind: CommandKind = "command",
) -> Decision:
    """Order ``data`` to be done (or log that it would have been)."""
    return Decision(stream=stream, kind=kind, data=data, target=f"{stream}|{about}")
