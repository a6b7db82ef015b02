"""Writing an order's situação, and making sure that the situações that we write exist."""

import time
from typing import Final, Literal

import structlog

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.echoes import TICKET_LIFE, fingerprint_after_write
from services.bling_gateway.errors import (
    NotFoundError,
    RefusedError,
    SameSituationError,
    TooLateError,
    UnavailableError,
)
from services.bling_gateway.observe import OrderReading
from services.bling_gateway.readings import Readings
from services.bling_gateway.store import orders as store
from services.bling_gateway.tasks import read_hinted_order
from shared.contracts import Contract, derived_id
from shared.contracts.bling_gateway import (
    Situation,
    SituationDefinition,
    SituationRefused,
    SituationSet,
    SituationsObserved,
)
from shared.contracts.sync_core import EnsureSituations, SetSituation, WantedSituation
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
            async with self._pool.acquire() as conn:
                await _expect_no_echo(conn, work, command)
            return await self._tell_set(work, command, reading, "already")
        except RefusedError as error:
            return await self._tell_refused(work, command, reading, "refused", error)
        except NotFoundError:
            return await self._tell_gone(work, command)
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
        error: RefusedError | None = None,
    ) -> None:
        async with self._queue.completing(work) as conn:
            fact = SituationRefused(
                order_id=command.order_id,
                command_id=work.asked_by.id,
                target=command.target,
                shown=_shown(reading, reading.situation),
                cause=cause,
                code=error.code if error else None,
                message=error.message if error else None,
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


class SituationMaker:
    """Carries out ``bling.ensure_situations``: find by name, else create, then read back."""

    def __init__(self, clients: Clients, queue: WorkQueue, facts: Facts) -> None:
        self._clients = clients
        self._queue = queue
        self._facts = facts

    async def ensure(self, work: Work) -> None:
        """Publish which situações the account has, once each wanted one is among them.

        Each attempt begins by reading, so a creation of unknown result is not repeated.
        """
        wanted = work.read(EnsureSituations).wanted
        client = self._clients(Caller(work.account_id, work.priority))
        module = await client.sales_module()
        existing = await client.situations(module)
        missing = [want for want in wanted if _find(want, existing) is None]
        for want in missing:
            await client.create_situation(
                module, want.name, inherits=want.inherits, colour=want.colour
            )
        if missing:
            existing = await client.situations(module)
        await self._tell(work, wanted, existing)

    async def _tell(
        self,
        work: Work,
        wanted: tuple[WantedSituation, ...],
        existing: list[wire.SituationDefinition],
    ) -> None:
        found = {want.role: _find(want, existing) for want in wanted}
        if None in found.values():
            raise TryAgain(None, "a situação that was created is not listed yet")
        fact = SituationsObserved(
            situations=tuple(
                SituationDefinition(id=each.id, name=each.nome, inherits=each.idHerdado)
                for each in existing
            ),
            roles={role: id_ for role, id_ in found.items() if id_ is not None},
        )
        async with self._queue.completing(work) as conn:
            fact_id = derived_id(work.asked_by.id, "situations", "account")
            await self._facts.publish_outcome(conn, work, fact, fact_id=fact_id)


async def _expect_no_echo(conn: Connection, work: Work, command: SetSituation) -> None:
    """Nothing that was tried is to be seen in the order: what webhooks tell is somebody's news."""
    await store.drop_ticket(conn, work.account_id, command.order_id, work.asked_by.id)


def _find(want: WantedSituation, existing: list[wire.SituationDefinition]) -> int | None:
    name = want.name.casefold()
    return next((each.id for each in existing if each.nome.casefold() == name), None)


def _shown(reading: OrderReading, situation: int) -> Situation:
    known = reading.identity.situacao
    # Of a situação that we wrote Bling tells the class only at the next read.
    return Situation(id=situation, value=known.valor if known.id == situation else None)
