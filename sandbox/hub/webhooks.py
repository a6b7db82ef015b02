"""Sending webhooks: at least once, in no guaranteed order, with the published pauses between."""

import asyncio
import heapq
import itertools
import json
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import aiohttp

from sandbox.hub.clock import Clock
from sandbox.hub.faults import FaultName
from sandbox.hub.ids import new_id
from sandbox.hub.records import SYSTEM, Event
from sandbox.hub.signing import new_secret, signed_headers
from sandbox.hub.state import Account
from sandbox.hub.webhook_records import Delivery, Endpoint

_log = logging.getLogger(__name__)

VERIFICATION = "endpoint.verification"
_ANSWER_WITHIN_S = 15
_OLD_S = 600
_DISABLED_AFTER = timedelta(hours=76)
_SLOW_DOWN = frozenset({429, 502, 503, 504})
_GONE = 410


class Dispatcher:
    """Sends what is due; entering `running` starts it, leaving it drops what was not sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, Account, Delivery]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as self._session:
            loop = asyncio.create_task(self._send_what_is_due(), name="webhook dispatcher")
            try:
                yield
            finally:
                loop.cancel()
                self.clear()
                await asyncio.gather(loop, *self._attempts, return_exceptions=True)

    def publish(self, account: Account, event: Event) -> None:
        """Send an event to every active endpoint that subscribes to its type."""
        for endpoint in account.endpoints.values():
            if endpoint.status == "active" and endpoint.wants(event.type):
                self.deliver(account, endpoint, event)

    def verify(self, account: Account, endpoint: Endpoint) -> None:
        """Send the signed event whose acceptance makes the endpoint active."""
        now = self._clock.now()
        event = Event(
            id=new_id("evt"),
            type=VERIFICATION,
            account_id=account.account_id,
            occurred_at=now,
            recorded_at=now,
            sequence=1,
            cause=SYSTEM,
            data={"challenge": new_id("chl"), "endpoint_id": endpoint.endpoint_id},
        )
        self._schedule(account, self._open(account, endpoint, event), now)

    def deliver(self, account: Account, endpoint: Endpoint, event: Event) -> None:
        """Put one event on its way, disturbed as the account's controls and faults say."""
        controls, faults = account.webhooks, account.faults
        delivery = self._open(account, endpoint, event)
        if controls.drop or faults.take(FaultName.WEBHOOK_DROP):
            controls.drop = max(0, controls.drop - 1)
            delivery.state = "dropped"
            return
        twice = controls.duplicate or faults.take(FaultName.WEBHOOK_DUPLICATE)
        if controls.hold:
            controls.held.extend([delivery] * (2 if twice else 1))
            return
        late = faults.take(FaultName.WEBHOOK_DELAY) or faults.take(FaultName.WEBHOOK_REORDER)
        at = self._clock.now() + timedelta(seconds=late.seconds if late else 0)
        for _ in range(2 if twice else 1):
            self._schedule(account, delivery, at)

    def redeliver(self, account: Account, delivery: Delivery) -> None:
        """Send a delivery again now, with all its attempts before it."""
        delivery.state = "pending"
        delivery.attempts = 0
        self._schedule(account, delivery, self._clock.now())

    async def release(self, account: Account, *, reverse: bool) -> tuple[int, int]:
        """Deliver what was held, one after the other; answers how many were sent and accepted."""
        held, account.webhooks.held = account.webhooks.held, []
        accepted = 0
        for delivery in reversed(held) if reverse else held:
            accepted += await self._attempt(account, delivery)
        return len(held), accepted

    def time_moved(self) -> None:
        """Look again at what is due, after the clock was set."""
        self._changed.set()

    def clear(self) -> None:
        """Forget what waits and stop what is on its way."""
        self._due.clear()
        for attempt in self._attempts:
            attempt.cancel()

    def _open(self, account: Account, endpoint: Endpoint, event: Event) -> Delivery:
        delivery = Delivery(
            delivery_id=new_id("dlv"),
            endpoint=endpoint,
            event=event,
            created_at=self._clock.now(),
        )
        account.deliveries[delivery.delivery_id] = delivery
        return delivery

    def _schedule(self, account: Account, delivery: Delivery, at: datetime) -> None:
        heapq.heappush(self._due, (at, next(self._order), account, delivery))
        self._changed.set()

    async def _send_what_is_due(self) -> None:
        while True:
            self._changed.clear()
            self._start_due()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._pause_s())

    def _pause_s(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, (self._due[0][0] - self._clock.now()).total_seconds())

    def _start_due(self) -> None:
        while self._due and self._due[0][0] <= self._clock.now():
            _, _, account, delivery = heapq.heappop(self._due)
            task = asyncio.create_task(
                self._deliver_in_turn(account, delivery), name=delivery.delivery_id
            )
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)

    async def _deliver_in_turn(self, account: Account, delivery: Delivery) -> None:
        """Make one attempt when the endpoint has room for it and is not paused."""
        endpoint, now = delivery.endpoint, self._clock.now()
        if endpoint.paused_until is not None and endpoint.paused_until > now:
            self._schedule(account, delivery, endpoint.paused_until)
            return
        async with endpoint.slots:
            await self._attempt(account, delivery)

    async def _attempt(self, account: Account, delivery: Delivery) -> bool:
        """Send once and draw the conclusion: delivered, again later, or given up."""
        endpoint = delivery.endpoint
        if account.faults.take(FaultName.ENDPOINT_DISABLED):
            endpoint.status = "disabled"
        if endpoint.status == "disabled":
            delivery.state = "failed"
            return False
        status, retry_after_s = await self._post(account, delivery)
        delivery.attempts += 1
        delivery.last_attempt_at = self._clock.now()
        delivery.last_response_status = status
        accepted = status is not None and 200 <= status < 300
        if accepted:
            _accepted(delivery)
        elif delivery.state != "delivered":
            # A duplicate that fails after its twin was taken has nothing left to achieve.
            self._refused(account, delivery, retry_after_s)
        return accepted

    async def _post(self, account: Account, delivery: Delivery) -> tuple[int | None, float | None]:
        """Post one attempt; answers the status (None: no answer came) and `Retry-After`."""
        if self._session is None:
            raise RuntimeError("the dispatcher is not running")
        endpoint = delivery.endpoint
        body, headers = _message(account, delivery, self._clock.now())
        try:
            async with self._session.post(
                endpoint.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                return response.status, _retry_after_s(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.info("webhook to %s got no answer: %s", endpoint.url, type(error).__name__)
            return None, None

    def _refused(self, account: Account, delivery: Delivery, retry_after_s: float | None) -> None:
        endpoint, now = delivery.endpoint, self._clock.now()
        endpoint.failing_since = endpoint.failing_since or now
        gaps = account.webhooks.retry_gaps_s
        gone = delivery.last_response_status == _GONE
        if gone or now - endpoint.failing_since >= _DISABLED_AFTER:
            endpoint.status = "disabled"
        if gone or delivery.attempts > len(gaps):
            delivery.state = "failed"
            return
        wait_s = gaps[delivery.attempts - 1] * random.uniform(1.0, 1.1)
        if retry_after_s is not None and delivery.last_response_status in _SLOW_DOWN:
            endpoint.paused_until = now + timedelta(seconds=retry_after_s)
            wait_s = max(wait_s, retry_after_s)
        self._schedule(account, delivery, now + timedelta(seconds=wait_s))


def _accepted(delivery: Delivery) -> None:
    endpoint = delivery.endpoint
    delivery.state = "delivered"
    endpoint.failing_since = None
    endpoint.paused_until = None
    if delivery.event.type == VERIFICATION:
        endpoint.status = "active"


def _message(account: Account, delivery: Delivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Write one attempt, spoilt where a fault strikes.

    The timestamp is the machine's real time: receivers compare it with theirs, which no control
    moves.
    """
    event, endpoint, faults = delivery.event, delivery.endpoint, account.faults
    body = json.dumps(event.envelope(), ensure_ascii=False, separators=(",", ":")).encode()
    old = faults.take(FaultName.WEBHOOK_OLD_SIGNATURE)
    timestamp = int(time.time()) - (_OLD_S if old else 0)
    wrong = faults.take(FaultName.WEBHOOK_BAD_SIGNATURE)
    signing = [new_secret()] if wrong else endpoint.signing_secrets(now)
    headers = signed_headers(signing, event.id, timestamp, body)
    if faults.take(FaultName.WEBHOOK_MISSING_SIGNATURE):
        del headers["webhook-signature"]
    if faults.take(FaultName.WEBHOOK_BODY_CHANGED):
        body = body.replace(b'"sequence":', b'"sequence":9', 1)
    return body, {**headers, "Content-Type": "application/json", "User-Agent": "360Hub-Webhooks/1"}


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
