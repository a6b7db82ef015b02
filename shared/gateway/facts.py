"""Facts: numbered without gaps per account, stored with what they tell of, published afterwards."""

from uuid import UUID

from shared.contracts import Contract, Message, partition_of
from shared.gateway.store import Connection
from shared.gateway.store import facts as store
from shared.gateway.values import Clock, utc_now


class Facts:
    """The facts of one gateway, named ``source`` in their envelopes."""

    def __init__(self, source: str, *, clock: Clock = utc_now) -> None:
        self._source = source
        self._clock = clock

    async def publish(
        self,
        conn: Connection,
        account_id: UUID,
        stream: str,
        contract: Contract,
        *,
        fact_id: UUID,
        cause: UUID | None,
        correlation: UUID,
    ) -> None:
        """Publish a fact with the caller's transaction, or not at all.

        Other facts of the account wait until the transaction ends, so publish late in it, and
        after any work that it enqueues. ``fact_id`` must be the same whenever the same thing is
        told again, and never derive from content.
        """
        partition = partition_of(account_id)
        sequence = await store.next_sequence(conn, partition, account_id)
        message = Message(
            id=fact_id,
            source=self._source,
            type=contract.TYPE,
            subject=stream,
            time=self._clock(),
            dataschema=contract.dataschema(),
            accountid=account_id,
            sequence=sequence,
            causationid=cause,
            correlationid=correlation,
            data=contract.model_dump(mode="json"),
        )
        await store.add(conn, partition, account_id, sequence, message.encode())
