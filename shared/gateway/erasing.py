"""Forgetting a person: what a gateway holds of them goes, and what comes later is not kept.

``privacy.erase_subject`` is carried out as it is taken, in three steps that bear being repeated.
First the subject is remembered as erased; then the gateway's own tables forget; last the kit's do,
and that is told. From the first step on nobody keeps anything new of the subject, and the fact is
told behind every fact that was told before, so whoever reads it has read all that there is.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from shared.contracts import Message, derived_id
from shared.contracts.sync_core import EraseSubject
from shared.gateway.facts import Facts, without_person
from shared.gateway.store import Connection, Pool
from shared.gateway.store import erasure as rows
from shared.gateway.store.work import know_commands
from shared.gateway.values import ACCOUNT_STREAM, Clock, Command, System, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

_DAY: Final = timedelta(days=1)
_DAYS: Final = 37
"""As long as webhooks are kept, and a little more; what is older should be gone."""
_IDS_AT_ONCE: Final = 200
_ALL_BEFORE: Final = timedelta(days=3650)

Purge = Callable[[Connection, WorkQueue, UUID, EraseSubject], Awaitable[Mapping[str, int]]]
"""What a gateway's own tables forget, in a transaction: returns table → rows."""


class Erasing:
    """Carries out ``privacy.erase_subject``. Connected or paused makes no difference to it."""

    def __init__(
        self,
        pool: Pool,
        system: System,
        queue: WorkQueue,
        facts: Facts,
        purge: Purge,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._pool = pool
        self._system = system
        self._queue = queue
        self._facts = facts
        self._purge = purge
        self._clock = clock

    async def erase(self, account_id: UUID, wanted: EraseSubject, command: Command) -> None:
        """Forget the subject and tell so; once it was told, the command does nothing more."""
        async with self._pool.acquire() as conn:
            now = self._clock()
            await rows.remember(conn, account_id, [wanted.subject, *streams_of(wanted)], now)
            async with conn.transaction():
                erased = dict(await self._purge(conn, self._queue, account_id, wanted))
            ids = _some_at_a_time(wanted)
            erased["inbox"] = sum([await self._empty_webhooks(conn, account_id, i) for i in ids])
            async with conn.transaction():
                if await know_commands(conn, [(account_id, command)], now):
                    await self._finish(conn, account_id, wanted, command, erased)

    async def _empty_webhooks(self, conn: Connection, account_id: UUID, ids: list[int]) -> int:
        """Go through the webhooks day by day: a large seller's are many, and each is searched."""
        emptied, until = 0, self._clock() + _DAY
        for span in (*[_DAY] * _DAYS, _ALL_BEFORE):
            emptied += await rows.empty_webhooks(conn, account_id, ids, until - span, until)
            until -= span
        return emptied

    async def _finish(
        self,
        conn: Connection,
        account_id: UUID,
        wanted: EraseSubject,
        command: Command,
        erased: dict[str, int],
    ) -> None:
        ids = _some_at_a_time(wanted)
        erased["parked_message"] = sum([await rows.drop_messages(conn, account_id, i) for i in ids])
        answer = self._system.erased(command_id=command.id, subject=wanted.subject, erased=erased)
        await self._facts.publish(
            conn,
            account_id,
            ACCOUNT_STREAM,
            answer,
            fact_id=derived_id(command.id, answer.TYPE, wanted.subject),
            cause=command.id,
            correlation=command.correlation,
        )
        # Publishing locked the account's counter: every earlier fact is committed, and to be seen.
        await self._strip_unsent(conn, account_id, wanted)
        log.info(
            "a subject was erased",
            action="subject_erased",
            account_id=str(account_id),
            subject=wanted.subject,
        )

    async def _strip_unsent(self, conn: Connection, account_id: UUID, wanted: EraseSubject) -> None:
        for row in await rows.unsent(conn, account_id):
            message = Message.decode(row["message"])
            if message.data.get("data_subject") == wanted.subject:
                stripped = without_person(message)
                await rows.replace_unsent(conn, account_id, row["sequence"], stripped.encode())


def streams_of(wanted: EraseSubject) -> list[str]:
    """Name the streams of the subject's orders."""
    return [f"order-{order_id}" for order_id in wanted.orders]


def contact_of(wanted: EraseSubject) -> int | None:
    """Return Bling's id of the contact that the subject is; None: it is an order's."""
    kind, _, number = wanted.subject.rpartition("-")
    return int(number) if kind == "contact" else None


def _some_at_a_time(wanted: EraseSubject) -> list[list[int]]:
    """Return the ids that webhooks name, so many as one pattern may hold."""
    ids = [*wanted.orders, int(wanted.subject.rpartition("-")[2])]
    return [ids[at : at + _IDS_AT_ONCE] for at in range(0, len(ids), _IDS_AT_ONCE)]
