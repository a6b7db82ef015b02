"""Messages for tests that do not care what they say."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.contracts import Message, partition_of

PARTITION = 3


def account_in(partition: int = PARTITION) -> UUID:
    """Return an account of the partition."""
    while True:
        account = uuid4()
        if partition_of(account) == partition:
            return account


def message(
    account: UUID, sequence: int, *, message_type: str = "bling.order.observed", text: str = ""
) -> Message:
    return Message(
        id=uuid4(),
        source="/test",
        type=message_type,
        subject="order-1",
        time=datetime.now(UTC),
        dataschema="urn:test:1",
        accountid=account,
        sequence=sequence,
        correlationid=uuid4(),
        data={"text": text},
    )
