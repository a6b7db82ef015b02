"""Webhooks: signed, delivered at least once, retried with growing gaps, lost when given up."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import uuid4

import aiohttp

from sandbox.bling.state import Clock, Company, Json, utc

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
"""A receiver has this long to answer 2xx (developer documentation, Webhooks)."""

RETRY_GAPS_S = (10.0, 60.0, 300.0, 1800.0, 7200.0, 21_600.0, 43_200.0, 86_400.0, 86_400.0)
"""Gaps between attempts: Bling documents "at most 3 days, growing", not the numbers."""

REVERSING_WINDOW_S = 0.2
"""How long `reverse` collects events before it sends them newest first."""

State = Literal["pending", "held", "delivered", "given_up", "dropped", "disabled"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the receiver's status, or None when it did not answer in time or at all."""

    at: datetime
    status: int | None


@dataclass(slots=True)
class Delivery:
    """One copy of one event on its way."""

    event_id: str
    event: str
    company: Company
    body: bytes
    copy: int
    state: State = "pending"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def resource(self) -> str:
        """The part of the app's configuration that this event belongs to."""
        return self.event.partition(".")[0]


class Webhooks:
    """Signs and delivers events to the app's one address."""

    def __init__(
        self,
        *,
        url: str,
        secret: str,
        clock: Clock,
        is_authorised: Callable[[str], bool],
    ) -> None:
        self._url = url
        self._secret = secret.encode()
        self._clock = clock
        self._is_authorised = is_authorised
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reversing: list[Delivery] = []
        self.deliveries: list[Delivery] = []
        self.disabled_resources: set[str] = set()
        """Resources given up on. The configuration is the app's, so they end for all companies."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while the block runs; leaving it abandons what is under way."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self._session = session
            try:
                yield
            finally:
                await self.clear()
                self._session = None

    async def clear(self) -> None:
        """Forget every delivery and stop those under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.deliveries.clear()
        self._reversing.clear()
        self.disabled_resources.clear()

    def announce(self, company: Company, event: str, data: Json) -> None:
        """Raise an event; without a completed authorisation there is nobody to tell."""
        if not self._is_authorised(company.id):
            return
        rules = company.webhooks
        event_id = str(uuid4())
        body = self._envelope(company, event_id, event, data)
        copies = 2 if rules.duplicate else 1
        new = [Delivery(event_id, event, company, body, copy + 1) for copy in range(copies)]
        self.deliveries.extend(new)
        if not rules.enabled or new[0].resource in self.disabled_resources:
            _mark(new, "disabled")
        elif rules.drop > 0:
            rules.drop -= 1
            _mark(new, "dropped")
        else:
            self._send(new)

    async def release(self, company: Company, *, newest_first: bool) -> list[Delivery]:
        """Deliver what was held, one after another; a failure goes on with the usual retries."""
        held = [d for d in self.deliveries if d.company is company and d.state == "held"]
        if newest_first:
            held.reverse()
        await self._deliver_in_turn(held)
        return held

    def _envelope(self, company: Company, event_id: str, event: str, data: Json) -> bytes:
        envelope = {
            "eventId": event_id,
            "date": utc(self._clock()),
            "version": "v1",
            "event": event,
            "companyId": company.id,
            "data": data,
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    def _send(self, new: list[Delivery]) -> None:
        rules = new[0].company.webhooks
        if rules.hold:
            _mark(new, "held")
        elif rules.reverse:
            if not self._reversing:
                self._start(self._flush_reversed(), name="bling-webhooks-reversed")
            self._reversing.extend(new)
        else:
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
        _mark(deliveries, "pending")
        for delivery in deliveries:
            if not await self._attempt(delivery):
                self._start(self._retry(delivery), name=f"bling-webhook-{delivery.event_id}")

    async def _deliver(self, delivery: Delivery) -> None:
        if not await self._attempt(delivery):
            await self._retry(delivery)

    async def _retry(self, delivery: Delivery) -> None:
        # The rules are read again at every step: a control may shorten the gaps meanwhile.
        while len(delivery.attempts) <= len(delivery.company.webhooks.retry_gaps_s):
            await asyncio.sleep(delivery.company.webhooks.retry_gaps_s[len(delivery.attempts) - 1])
            if await self._attempt(delivery):
                return
        delivery.state = "given_up"
        self.disabled_resources.add(delivery.resource)
        log.warning("webhooks of %s are disabled after the last retry", delivery.resource)

    async def _attempt(self, delivery: Delivery) -> bool:
        if self._session is None:
            raise RuntimeError("webhooks are delivered only while the double runs")
        signature = hmac.new(self._secret, delivery.body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Bling-Signature-256": f"sha256={signature}",
        }
        status = await _post(self._session, self._url, delivery.body, headers)
        delivery.attempts.append(Attempt(self._clock(), status))
        if status is None or not 200 <= status < 300:
            return False
        delivery.state = "delivered"
        return True


async def _post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> int | None:
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        log.info("webhook not delivered: %s", type(error).__name__)
        return None


def _mark(deliveries: list[Delivery], state: State) -> None:
    for delivery in deliveries:
        delivery.state = state
