"""Writing tracking into an order: read it, put the tracking in, write it back, read it again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog
from pydantic import ValidationError

from services.bling_gateway import wire
from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.errors import (
    MisshapenError,
    NotFoundError,
    RefusedError,
    TooLateError,
)
from services.bling_gateway.store import orders
from services.bling_gateway.store import tracking as store
from services.bling_gateway.tasks import read_hinted_order
from services.bling_gateway.writing.echoes import TICKET_LIFE, fingerprint_after_write
from services.bling_gateway.writing.volumes import (
    OccupiedError,
    Tracked,
    body_of,
    differences,
    tracked,
)
from shared.contracts import derived_id
from shared.contracts.bling_gateway import TrackingRefused, TrackingWritten
from shared.contracts.sync_core import WriteTracking
from shared.gateway.errors import TryAgain
from shared.gateway.facts import Facts
from shared.gateway.store import Pool
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

# As for a situação: between our read and our write a person may change the order, and a write puts
# everything back as it was read. The read may therefore be no older than this.
_WINDOW_S: Final = 2.0
_READS: Final = 3

# Bling may show an order as it was for seconds after it was saved.
_LOOKS: Final = 2
_LOOK_AGAIN_S: Final = 5.0

_IDENTICAL: Final = 3
"""Bling's code for an order that is saved already as it is sent."""

Cause = Literal["refused", "invoice_issued", "order_gone", "occupied", "not_kept"]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The order as Bling showed it, and when the reading began: by the database, and by us."""

    raw: Mapping[str, Any]
    began: datetime
    began_s: float

    @property
    def has_invoice(self) -> bool:
        """Whether an NF-e belongs to the order."""
        invoice = self.raw.get("notaFiscal")
        return isinstance(invoice, dict) and invoice.get("id") not in (None, 0, "0", "")


@dataclass(frozen=True, slots=True)
class _Job:
    """One attempt at a command."""

    work: Work
    command: WriteTracking
    client: BlingClient


class TrackingWriter:
    """Carries out ``bling.write_tracking``."""

    def __init__(self, pool: Pool, clients: Clients, queue: WorkQueue, facts: Facts) -> None:
        self._pool = pool
        self._clients = clients
        self._queue = queue
        self._facts = facts

    async def write(self, work: Work) -> None:
        """Write the tracking, change nothing else, and tell what came of it.

        A write of unknown result raises, and the next attempt finds it there or not.
        """
        client = self._clients(Caller(work.account_id, work.priority))
        job = _Job(work, work.read(WriteTracking), client)
        for _ in range(_READS):
            try:
                return await self._attempt(job)
            except NotFoundError:
                return await self._refuse(job, "order_gone")
            except OccupiedError:
                return await self._refuse(job, "occupied")
            except TooLateError:
                continue  # a person may have been faster than this write
        raise TryAgain(None, "the account's turns came too late after its reads")

    async def _attempt(self, job: _Job) -> None:
        reading = await self._read(job, turns=2)
        async with self._pool.acquire() as conn:
            ours = await store.written(conn, job.work.account_id, job.command.order_id)
        wanted = tracked(reading.raw, job.command.volumes, ours=ours.codes)
        if not wanted.is_new:
            return await self._tell(job, self._written(job, reading, None))
        await self._prepare(job, reading, wanted)
        try:
            await job.client.replace_order(
                job.command.order_id, body_of(wanted.order), not_after=reading.began_s + _WINDOW_S
            )
        except RefusedError as error:
            if error.code != _IDENTICAL:
                cause: Cause = "invoice_issued" if reading.has_invoice else "refused"
                return await self._refuse(job, cause, error.code, error.message)
        return await self._verify(job, reading, wanted)

    async def _read(self, job: _Job, *, turns: int) -> _Reading:
        async with self._pool.acquire() as conn:
            now = await orders.now(conn)
        now_s = time.monotonic()
        found = await job.client.order(job.command.order_id, turns=turns)
        if not isinstance(found.raw, dict):
            raise MisshapenError("an order that is no object")
        began = now + timedelta(seconds=found.sent_s - now_s)
        return _Reading(found.raw, began, found.sent_s)

    async def _prepare(self, job: _Job, reading: _Reading, wanted: Tracked) -> None:
        """Make sure that the work is still ours, and know our own hand when it is seen again.

        Raises `TooLateError` if a webhook came since the read: this write would put back what it
        tells of.
        """
        key = job.work.account_id, job.command.order_id
        async with self._pool.acquire() as conn, conn.transaction():
            await self._queue.hold(conn, job.work)
            if await orders.was_hinted_since(conn, *key, reading.began):
                raise TooLateError
            await store.record(
                conn,
                *key,
                services=wanted.services,
                codes=wanted.codes,
                volumes=wanted.volumes_before,
            )
            if fingerprint := _fingerprint(reading.raw):
                await orders.save_ticket(conn, *key, job.work.asked_by.id, fingerprint, TICKET_LIFE)

    async def _verify(self, job: _Job, reading: _Reading, wanted: Tracked) -> None:
        async with self._pool.acquire() as conn:
            written_at = await orders.now(conn)
        shown = await self._read(job, turns=1)
        differing = differences(wanted.order, shown.raw)
        if not differing:
            return await self._tell(job, self._written(job, reading, written_at))
        if job.work.failures < _LOOKS and not differences(reading.raw, shown.raw):
            raise TryAgain(_LOOK_AGAIN_S, "Bling shows the order as it was before the write")
        log.error(
            "Bling shows another order than was written",
            action="tracking_not_kept",
            account_id=str(job.work.account_id),
            order_id=job.command.order_id,
            fields=differing,
        )
        return await self._refuse(job, "not_kept", message=", ".join(differing))

    def _written(
        self, job: _Job, reading: _Reading, written_at: datetime | None
    ) -> TrackingWritten:
        return TrackingWritten(
            order_id=job.command.order_id,
            command_id=job.work.asked_by.id,
            outcome="written" if written_at else "already",
            read_at=reading.began,
            written_at=written_at,
        )

    async def _refuse(
        self, job: _Job, cause: Cause, code: int | None = None, message: str | None = None
    ) -> None:
        fact = TrackingRefused(
            order_id=job.command.order_id,
            command_id=job.work.asked_by.id,
            cause=cause,
            code=code,
            message=message,
        )
        await self._tell(job, fact)

    async def _tell(self, job: _Job, fact: TrackingWritten | TrackingRefused) -> None:
        """Tell what came of it. What is not as we left it is read again, whoever changed it."""
        account_id, order_id = job.work.account_id, job.command.order_id
        async with self._queue.completing(job.work) as conn:
            if isinstance(fact, TrackingRefused):
                if fact.cause in ("order_gone", "not_kept"):
                    await self._queue.enqueue(conn, read_hinted_order(account_id, order_id))
                await orders.drop_ticket(conn, account_id, order_id, job.work.asked_by.id)
            await self._facts.publish_outcome(
                conn,
                job.work,
                fact,
                fact_id=derived_id(job.work.asked_by.id, "tracking", str(order_id)),
            )


def _fingerprint(raw: Mapping[str, Any]) -> bytes | None:
    """Return the fingerprint of the webhook that the write causes, if it can be foreseen."""
    try:
        order = wire.Order.model_validate(raw)
    except ValidationError:
        return None
    return fingerprint_after_write(order, order.situacao.id)
