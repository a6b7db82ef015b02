"""Facts: numbered without gaps per account, stored with what they tell of, published afterwards."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from shared.contracts import Contract, Message, parse_message, partition_of, split_personal
from shared.gateway.store import Connection, Pool, erasure
from shared.gateway.store import facts as store
from shared.gateway.values import Clock, Work, utc_now
from shared.outbox import OutboxEntry

_PER_ACCOUNT: Final = 20
"""How many facts of an account are offered at a time. They go out one after the other."""


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
        # Behind the counter's lock: who is erased meanwhile is known here, or this fact there.
        data = await _as_told(conn, account_id, contract)
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
            data=data,
        )
        await store.add(conn, partition, account_id, sequence, message.encode())

    async def publish_outcome(
        self,
        conn: Connection,
        work: Work,
        outcome: Contract,
        *,
        fact_id: UUID,
        echo_of: UUID | None = None,
    ) -> None:
        """Publish what came of a piece of work, with the command that asked for it as its cause.

        ``echo_of``: the command of ours whose effect outside was all that led to the work.
        """
        await self.publish(
            conn,
            work.account_id,
            work.stream_key.subject,
            outcome,
            fact_id=fact_id,
            cause=work.command.id if work.command else echo_of,
            correlation=work.command.correlation if work.command else fact_id,
        )


async def _as_told(conn: Connection, account_id: UUID, contract: Contract) -> dict[str, Any]:
    """Return what is told: nothing personal of a subject that was erased."""
    public, personal = split_personal(contract)
    if personal is None:
        return public
    subject = getattr(contract, "data_subject", None)
    if subject is not None and await erasure.is_erased(conn, account_id, subject):
        return public
    return contract.model_dump(mode="json")


def without_person(message: Message) -> Message:
    """Return the fact without what is personal in it."""
    told = parse_message(message)
    public, _ = split_personal(told)
    return message.model_copy(update={"data": public, "dataschema": told.dataschema()})


class FactOutbox:
    """The facts that are committed and not yet on the bus."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def waiting(self, partition: int, limit: int) -> Sequence[OutboxEntry]:
        """Return facts to publish, in order per account, with a place for every account."""
        async with self._pool.acquire() as conn:
            rows = await store.waiting(conn, partition, limit, per_account=_PER_ACCOUNT)
        return [
            OutboxEntry(row["account_id"], row["sequence"], "facts", Message.decode(row["message"]))
            for row in rows
        ]

    async def published(self, partition: int, entries: Sequence[OutboxEntry]) -> None:
        """Forget facts that are on the bus."""
        done = [(entry.account_id, entry.position) for entry in entries]
        async with self._pool.acquire() as conn:
            await store.published(conn, partition, done)
