"""Webhooks: delivered at least once, retried with growing gaps, lost when given up."""

import asyncio
import copy
import json
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import uuid4

from sandbox.bling.clock import VirtualClock
from sandbox.bling.postman import Postman
from sandbox.bling.registration import Registration
from sandbox.bling.state import Company, Json, utc
from sandbox.bling.unconfirmed import Unconfirmed

log = logging.getLogger(__name__)

RETRY_GAPS_S = (10.0, 60.0, 300.0, 1800.0, 7200.0, 21_600.0, 43_200.0, 86_400.0, 86_400.0)
"""Gaps between attempts: Bling documents "at most 3 days, growing", not the numbers."""

REVERSING_WINDOW_S = 0.2
"""How long `reverse` collects events before it sends them newest first."""

State = Literal["pending", "held", "delivered", "given_up", "dropped", "disabled"]


class Resource(StrEnum):
    """What the app's webhooks can be switched on for."""

    ORDER = "order"
    PRODUCT = "product"
    STOCK = "stock"
    VIRTUAL_STOCK = "virtual_stock"
    PRODUCT_SUPPLIER = "product_supplier"
    INVOICE = "invoice"
    CONSUMER_INVOICE = "consumer_invoice"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the receiver's status, or None when it did not answer in time or at all."""

    at: datetime
    status: int | None


@dataclass(slots=True, eq=False)
class Delivery:
    """One copy of one event on its way."""

    event_id: str
    event: str
    company: Company
    data: Json
    changed_at: datetime
    copy: int
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list)
    next_try_at: datetime | None = None
    """When a pending one is tried again; None while it is being tried."""

    @property
    def resource(self) -> Resource:
        """The part of the app's configuration that this event belongs to."""
        return Resource(self.event.partition(".")[0])


class Webhooks:
    """Raises events and sees them through to the app."""

    def __init__(
        self,
        *,
        postman: Postman,
        registration: Registration,
        unconfirmed: Unconfirmed,
        clock: VirtualClock,
        is_authorised: Callable[[str], bool],
    ) -> None:
        self._postman = postman
        self._registration = registration
        self._unconfirmed = unconfirmed
        self._clock = clock
        self._is_authorised = is_authorised
        self._tasks: set[asyncio.Task[None]] = set()
        self._reversing: list[Delivery] = []
        self._pending: set[Delivery] = set()
        self._progress = asyncio.Event()
        self.deliveries: list[Delivery] = []
        self.disabled_resources: set[Resource] = set()
        """Resources switched off or given up on: they end for all companies, as the app's
        configuration is one."""

    async def stop(self) -> None:
        """Abandon every delivery that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def announce(self, company: Company, event: str, data: Json) -> None:
        """Raise an event, `resource.action`; without tokens of the app there is nobody to tell.

        One save of an order may raise several order.updated, each with an id of its own.
        """
        if not self._is_authorised(company.id):
            return
        times = company.webhooks.updates_per_save if event == "order.updated" else 1
        for _ in range(times):
            self._raise(company, event, copy.deepcopy(data))

    async def release(
        self, company: Company, *, newest_first: bool, at_once: bool
    ) -> list[Delivery]:
        """Deliver what was held; a failure goes on with the usual retries."""
        held = [d for d in self.deliveries if d.company is company and d.state == "held"]
        if newest_first:
            held.reverse()
        if at_once:
            self._mark(held, "pending")
            await asyncio.gather(*(self._try_first(delivery) for delivery in held))
        else:
            await self._deliver_in_turn(held)
        return held

    def next_try_at(self) -> datetime | None:
        """Tell when the next retry is due."""
        return min((d.next_try_at for d in self._pending if d.next_try_at), default=None)

    async def caught_up(self) -> None:
        """Return when whatever is due by now was tried."""
        while any(d.next_try_at is None or d.next_try_at <= self._clock() for d in self._pending):
            await self._progress.wait()

    def _raise(self, company: Company, event: str, data: Json) -> None:
        rules = company.webhooks
        event_id, now = str(uuid4()), self._clock()
        copies = 2 if rules.duplicate else 1
        new = [Delivery(event_id, event, company, data, now, copy + 1) for copy in range(copies)]
        self.deliveries.extend(new)
        if not rules.enabled or new[0].resource in self.disabled_resources:
            self._mark(new, "disabled")
        elif rules.drop > 0:
            rules.drop -= 1
            self._mark(new, "dropped")
        elif rules.hold:
            self._mark(new, "held")
        else:
            self._send(new)

    def _send(self, new: list[Delivery]) -> None:
        self._mark(new, "pending")
        if new[0].company.webhooks.reverse:
            if not self._reversing:
                self._start(self._flush_reversed(), name="bling-webhooks-reversed")
            self._reversing.extend(new)
            return
        for delivery in new:
            self._start(self._deliver(delivery), name=f"bling-webhook-{delivery.event_id}")

    def _start(self, work: Coroutine[None, None, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush_reversed(self) -> None:
        await asyncio.sleep(REVERSING_WINDOW_S)
        collected, self._reversing = self._reversing, []
        await self._deliver_in_turn(collected[::-1])

    async def _deliver_in_turn(self, deliveries: list[Delivery]) -> None:
        self._mark(deliveries, "pending")
        for delivery in deliveries:
            await self._try_first(delivery)

    async def _try_first(self, delivery: Delivery) -> None:
        if not await self._attempt(delivery):
            self._start(self._retry(delivery), name=f"bling-webhook-{delivery.event_id}")

    async def _deliver(self, delivery: Delivery) -> None:
        if not await self._attempt(delivery):
            await self._retry(delivery)

    async def _retry(self, delivery: Delivery) -> None:
        # The rules are read again at every step: a control may change the gaps meanwhile.
        while len(delivery.attempts) <= len(delivery.company.webhooks.retry_gaps_s):
            await self._wait(delivery)
            if await self._attempt(delivery):
                return
        self._mark([delivery], "given_up")
        self._give_up(delivery.resource)

    def _give_up(self, resource: Resource) -> None:
        if resource not in self.disabled_resources:
            self.disabled_resources.add(resource)
            log.warning("webhooks of %s are disabled after the last retry", resource)

    async def _wait(self, delivery: Delivery) -> None:
        gap_s = delivery.company.webhooks.retry_gaps_s[len(delivery.attempts) - 1]
        delivery.next_try_at = self._clock() + timedelta(seconds=gap_s)
        self._tell_progress()
        await self._clock.sleep_until(delivery.next_try_at)
        delivery.next_try_at = None

    async def _attempt(self, delivery: Delivery) -> bool:
        body = self._envelope(delivery)
        status = await self._postman.post(body, self._registration.client_secret)
        delivery.attempts.append(Attempt(self._clock(), status))
        if status is None or not 200 <= status < 300:
            return False
        self._mark([delivery], "delivered")
        return True

    def _envelope(self, delivery: Delivery) -> bytes:
        if delivery.attempts and self._unconfirmed.retried_event_id == "new":
            delivery.event_id = str(uuid4())
        sends_change = self._unconfirmed.webhook_date == "change"
        envelope = {
            "eventId": delivery.event_id,
            "date": utc(delivery.changed_at if sends_change else self._clock()),
            "version": "v1",
            "event": delivery.event,
            "companyId": delivery.company.id,
            "data": delivery.data,
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    def _mark(self, deliveries: Iterable[Delivery], state: State) -> None:
        for delivery in deliveries:
            delivery.state = state
            if state == "pending":
                self._pending.add(delivery)
            else:
                self._pending.discard(delivery)
        self._tell_progress()

    def _tell_progress(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()
