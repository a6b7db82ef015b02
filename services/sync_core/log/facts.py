"""Messages from the bus as what can be logged, or why they cannot."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from services.sync_core.domain import UnknownStreamError
from services.sync_core.log.events import Incoming
from services.sync_core.log.states import initial_of
from shared.contracts import (
    Contract,
    Message,
    UnknownTypeError,
    UnknownVersionError,
    parse_message,
)

_LARGEST: Final = 2**63 - 1
"""What PostgreSQL's bigint holds."""

_LONGEST_NAME: Final = 200
"""Far more than any name of ours, and far less than what an index of PostgreSQL's refuses."""


class UnreadableMessageError(Exception):
    """It cannot even be said which account the message is about. Says why, without quoting it."""


class UnusableFactError(Exception):
    """The fact's data cannot be used. Names the defect."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A message about an account. ``defect`` names why its data is None, that is, unusable."""

    body: bytes
    message: Message
    data: Contract | None
    defect: str | None = None

    @property
    def account_id(self) -> UUID:
        """The account that the fact is about."""
        return self.message.accountid

    @property
    def incoming(self) -> Incoming:
        """The fact as it is logged. Raises :class:`UnusableFactError`."""
        if self.data is None:
            raise UnusableFactError(self.defect)
        return Incoming(
            account_id=self.message.accountid,
            event_id=self.message.id,
            stream=self.message.subject,
            kind="fact",
            data=self.data,
            occurred_at=self.message.time,
            correlation_id=self.message.correlationid,
            causation_id=self.message.causationid,
            source=self.message.source,
            source_sequence=self.message.sequence,
        )


def read_fact(body: bytes, partition: int) -> Fact:
    """Parse a message of this partition. Raises :class:`UnreadableMessageError`."""
    try:
        message = Message.decode(body)
    except ValidationError as error:
        raise UnreadableMessageError("envelope_unreadable") from error
    if not _is_storable(message):
        raise UnreadableMessageError("envelope_not_storable")
    if message.partition != partition:
        raise UnreadableMessageError("misrouted")
    try:
        initial_of(message.subject)
        return Fact(body, message, parse_message(message))
    except UnknownStreamError:
        return Fact(body, message, None, "stream_unknown")
    except UnknownTypeError:
        return Fact(body, message, None, "type_unknown")
    except UnknownVersionError:
        return Fact(body, message, None, "version_unknown")
    except ValidationError:
        return Fact(body, message, None, "data_invalid")


def _is_storable(message: Message) -> bool:
    """Whether what parking itself writes down of the envelope fits its columns.

    Else a message could neither be taken nor parked, and would stop its partition for ever.
    """
    names = (message.source, message.type, message.subject)
    fit = all(name.isprintable() and len(name) <= _LONGEST_NAME for name in names)
    return fit and 0 < message.sequence <= _LARGEST
