"""Writing an order's situação."""

import time
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.errors import (
    NotFoundError,
    RefusedError,
    SameSituationError,
    TooLateError,
    UnavailableError,
)
from services.bling_gateway.reading.observe import OrderReading
from services.bling_gateway.reading.readings import Readings
from services.bling_gateway.store import orders as store
from services.bling_gateway.tasks import follow_situations, read_hinted_order
from services.bling_gateway.writing.echoes import TICKET_LIFE, fingerprint_after_write
from shared.contracts import Contract, derived_id
from shared.contracts.bling_gateway import Situation, SituationRefused, SituationSet
from shared.contracts.sync_core import SetSituation
from shared.gateway.errors import TryAgain
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

# Bling takes no precondition: between our read and our write a person may change the order. The
# read may therefore be no older than this when the write goes out.
_WINDOW_S: Final = 2.0
_READS: Final = 3

# The classes of the situações that every account has. An account that shows another pair counts its
# situações differently, and then no id of ours means there what we think.
_BUILT_IN: Final = {6: 0, 9: 1, 12: 2, 15: 3, 18: 4, 21: 10, 24: 11}


@dataclass(frozen=True)
class Refusal:
    """Why nothing was written, in words that a seller understands. ``code`` is Bling's."""

    message: str | None
    code: int | None = None


class SituationWriter:
    """Carries out ``bling.set_situation``: read, compare, write."""

    def __init__(
        self, pool: Pool, clients: Clients, readings: Readings, queue: WorkQueue, facts: Facts
    ) -> None:
        self._pool = pool
        self._clients = clients
        self._readings = readings
        self._queue = queue
        self._facts = facts

    async def write(self, work: Work) -> None:
        """Write the situação if the order still shows the expected one; tell what came of it.

        A write of unknown result raises, and the next attempt reads before anything else.
        """
        command = work.read(SetSituation)
        client = self._clients(Caller(work.account_id, work.priority))
        for _ in range(_READS):
            try:
                reading = await self._readings.order_to_write(client, command.order_id)
            except NotFoundError:
                return await self._tell_gone(work, command)
            if reading.situation == command.target:
                return await self._tell_set(work, command, reading, "already")
            if reading.situation != command.expected:
                return await self._tell_refused(work, command, reading, "changed")
            if not _is_as_known(reading.identity.situacao):
                refusal = Refusal(_unknown_numbering(reading.identity.situacao))
                return await self._tell_refused(work, command, reading, "refused", refusal)
            try:
                return await self._write_over(work, command, reading, client)
            except TooLateError:
                continue  # the account's turn came so late that a person may have been faster
        raise TryAgain(None, "the account's turns came too late after its reads")

    async def _write_over(
        self, work: Work, command: SetSituation, reading: OrderReading, client: BlingClient
    ) -> None:
        await self._prepare(work, command, reading)
        try:
            await client.set_situation(
                command.order_id, command.target, not_after=reading.began_s + _WINDOW_S
            )
        except UnavailableError:
            raise  # whether it was written is unknown, so its echo may still come
        except SameSituationError:
            await self._look_again(work, command)
            return await self._tell_set(work, command, reading, "already")
        except RefusedError as error:
            refusal = Refusal(_said(error), error.code)
            return await self._tell_refused(work, command, reading, "refused", refusal)
        except NotFoundError:
            return await self._tell_target_or_order_gone(work, command, client)
        self._log_window(work, command, reading)
        return await self._tell_set(work, command, reading, "written")

    async def _prepare(self, work: Work, command: SetSituation, reading: OrderReading) -> None:
        """Make sure that the work is still ours, and expect the echo of what is written now.

        Who was stopped for longer than a lease could otherwise write over what came since. The
        ticket is left before writing, because the webhook may be faster than Bling's answer.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            await self._queue.hold(conn, work)
            if reading.read is None:
                return
            await store.save_ticket(
                conn,
                work.account_id,
                command.order_id,
                work.asked_by.id,
                fingerprint_after_write(reading.read.order, command.target),
                TICKET_LIFE,
            )

    async def _look_again(self, work: Work, command: SetSituation) -> None:
        """Have the order read: somebody was faster, whose webhook may have passed for our echo."""
        async with self._pool.acquire() as conn, conn.transaction():
            await self._queue.enqueue(conn, read_hinted_order(work.account_id, command.order_id))
            await _expect_no_echo(conn, work, command)

    async def _tell_set(
        self,
        work: Work,
        command: SetSituation,
        reading: OrderReading,
        outcome: Literal["written", "already"],
    ) -> None:
        async with self._queue.completing(work) as conn:
            now = await store.now(conn)
            fact = SituationSet(
                order_id=command.order_id,
                command_id=work.asked_by.id,
                target=command.target,
                shown=_shown(reading, command.target),
                outcome=outcome,
                read_at=reading.began,
                written_at=now if outcome == "written" else None,
            )
            await store.lock_order(conn, work.account_id, command.order_id)
            await store.record_situation(conn, work.account_id, command.order_id, command.target)
            await self._publish(conn, work, command, fact)

    async def _tell_refused(
        self,
        work: Work,
        command: SetSituation,
        reading: OrderReading,
        cause: Literal["changed", "refused"],
        refusal: Refusal = Refusal(None),
    ) -> None:
        async with self._queue.completing(work) as conn:
            fact = SituationRefused(
                order_id=command.order_id,
                command_id=work.asked_by.id,
                target=command.target,
                shown=_shown(reading, reading.situation),
                cause=cause,
                code=refusal.code,
                message=refusal.message,
            )
            await _expect_no_echo(conn, work, command)
            await self._publish(conn, work, command, fact)

    async def _tell_gone(self, work: Work, command: SetSituation) -> None:
        """Tell that there is nothing to write to, and have the disappearance looked into."""
        async with self._queue.completing(work) as conn:
            await self._queue.enqueue(conn, read_hinted_order(work.account_id, command.order_id))
            await _expect_no_echo(conn, work, command)
            fact = SituationRefused(
                order_id=command.order_id,
                command_id=work.asked_by.id,
                target=command.target,
                shown=None,
                cause="order_gone",
            )
            await self._publish(conn, work, command, fact)

    async def _tell_target_or_order_gone(
        self, work: Work, command: SetSituation, client: BlingClient
    ) -> None:
        """Find out what it was that Bling did not find: it answers alike for both."""
        try:
            reading = await self._readings.order_to_write(client, command.order_id)
        except NotFoundError:
            return await self._tell_gone(work, command)
        async with self._pool.acquire() as conn, conn.transaction():
            await self._queue.enqueue(conn, follow_situations(work.account_id))
        refusal = Refusal(f"O Bling não encontrou a situação {command.target}.")
        return await self._tell_refused(work, command, reading, "refused", refusal)

    async def _publish(
        self, conn: Connection, work: Work, command: SetSituation, fact: Contract
    ) -> None:
        fact_id = derived_id(work.asked_by.id, "situation", str(command.target))
        await self._facts.publish_outcome(conn, work, fact, fact_id=fact_id)

    def _log_window(self, work: Work, command: SetSituation, reading: OrderReading) -> None:
        log.info(
            "situação written",
            action="situation_written",
            account_id=str(work.account_id),
            order_id=command.order_id,
            situation=command.target,
            window_ms=round((time.monotonic() - reading.began_s) * 1000),
        )


async def _expect_no_echo(conn: Connection, work: Work, command: SetSituation) -> None:
    """Nothing that was tried is to be seen in the order: what webhooks tell is somebody's news."""
    await store.drop_ticket(conn, work.account_id, command.order_id, work.asked_by.id)


def _is_as_known(shown: wire.Situation) -> bool:
    known = _BUILT_IN.get(shown.id)
    return known is None or shown.valor in (None, known)


def _unknown_numbering(shown: wire.Situation) -> str:
    return (
        f"O Bling mostra a situação {shown.id} com o valor {shown.valor}, e não"
        f" {_BUILT_IN[shown.id]}: as situações desta conta não têm a numeração conhecida."
        " Nada foi alterado no pedido."
    )


def _said(error: RefusedError) -> str:
    if not error.is_lack_of_permission:
        return error.message
    return (
        "O aplicativo não tem permissão no Bling para alterar a situação de pedidos."
        f" O Bling respondeu: {error.message}"
    )


def _shown(reading: OrderReading, situation: int) -> Situation:
    known = reading.identity.situacao
    # Of a situação that we wrote Bling tells the class only at the next read.
    return Situation(id=situation, value=known.valor if known.id == situation else None)
