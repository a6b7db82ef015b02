"""Messages from the bus as what can be logged, or why they cannot."""

from uuid import UUID

from pydantic import ValidationError

from services.sync_core.domain import UnknownStreamError
from services.sync_core.log.events import Incoming
from services.sync_core.log.states import initial_of
from shared.contracts import Message, UnknownTypeError, parse_data


class UnusableFactError(Exception):
    """The message cannot be logged. ``cause`` says why, without quoting it."""

    def __init__(self, cause: str, message: Message | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.message = message


def read_fact(body: bytes, partition: int) -> tuple[Message, Incoming]:
    """Parse a message. Raises :class:`UnusableFactError`."""
    try:
        message = Message.decode(body)
    except ValidationError as error:
        raise UnusableFactError("envelope_unreadable") from error
    return message, _incoming(message, partition)


def _incoming(message: Message, partition: int) -> Incoming:
    if message.partition != partition:
        raise UnusableFactError("misrouted", message)
    try:
        initial_of(message.subject)
        data = parse_data(message.type, message.data)
    except UnknownStreamError as error:
        raise UnusableFactError("stream_unknown", message) from error
    except UnknownTypeError as error:
        raise UnusableFactError("type_unknown", message) from error
    except ValidationError as error:
        raise UnusableFactError("data_invalid", message) from error
    return Incoming(
        account_id=UUID(int=message.accountid.int),
        event_id=message.id,
        stream=message.subject,
        kind="fact",
        data=data,
        occurred_at=message.time,
        correlation_id=message.correlationid,
        causation_id=message.causationid,
        source=message.source,
        source_sequence=message.sequence,
    )
