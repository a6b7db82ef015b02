"""One task for one queue: what waits is taken together, committed, then acknowledged."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

import structlog
from aio_pika.abc import AbstractRobustConnection

from shared.bus.connection import BROKER_ERRORS
from shared.bus.subscription import Delivery, Subscription, SubscriptionLost, subscribe
from shared.bus.watch import Watch
from shared.database import is_transient

log = structlog.get_logger(__name__)

_BATCH: Final = 100
_PREFETCH: Final = 2 * _BATCH  # the next batch waits here while one is committed
_SUSPICIOUS: Final = 3  # deliveries after which a message is tried alone
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0
_STOP_S: Final = 10.0

Result = TypeVar("Result")


class Consumer(Protocol):
    """What is done with deliveries. All four must bear being run twice for the same delivery."""

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Use the deliveries, in order, in one transaction: all of them or none."""

    async def mark(self, delivery: Delivery) -> bool:
        """Note that this delivery is going to be tried alone. False if that was noted before."""

    async def unmark(self, delivery: Delivery) -> None:
        """Forget the note: the process outlived the trial."""

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        """Keep aside what cannot be used, where a person finds it."""


class DeadlyDelivery(Exception):  # noqa: N818 - says what the message is
    """The process did not survive when this message was tried alone."""


class _Stopped(Exception):  # noqa: N818 - no error
    """The loop was told to stop while it waited."""


class PartitionLoop:
    """Consumes one queue in order from one start to one stop, through lost channels and brokers.

    A delivery is acknowledged only after `Consumer.take` returned for it. What fails for a reason
    that passes is tried again in place; what fails otherwise is split until the culprit stands
    alone, and that is parked. Nothing is ever sent back to the queue while others go on.
    """

    def __init__(
        self,
        connection: AbstractRobustConnection,
        queue: str,
        consumer: Consumer,
        *,
        watch_s: float = 10.0,
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._consumer = consumer
        self._watch_s = watch_s
        self._stirred = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._log = log.bind(queue=queue)

    def start(self) -> None:
        """Begin to consume, in a task of the loop's own."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"loop {self._queue}")

    async def stop(self) -> None:
        """Finish the batch, or after 10 s abandon it; then give the queue to whoever is next."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self._stirred.set()
        await asyncio.wait({task}, timeout=_STOP_S)
        task.cancel()
        await asyncio.wait({task})

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            began = _now()
            try:
                async with subscribe(
                    self._connection, self._queue, prefetch=_PREFETCH, stirred=self._stirred
                ) as subscription:
                    await self._consume(subscription)
                continue
            except _Stopped:
                return
            except (SubscriptionLost, *BROKER_ERRORS) as error:
                self._log.warning("channel lost", action="subscription_lost", error=repr(error))
            except Exception:
                # A defect of ours outside of the consumer. To end here would end the partition.
                self._log.exception("loop failed", action="loop_failed")
            failures = 1 if _now() - began > _LONGEST_WAIT_S else failures + 1
            await self._pause(_wait_s(failures))

    async def _consume(self, subscription: Subscription) -> None:
        """Settle what arrives, until stopped, or silent for so long that it is suspicious."""
        watch = Watch(self._connection, self._queue)
        while not self._stopping and not watch.is_stale:
            self._stirred.clear()
            if subscription.lost:
                raise SubscriptionLost
            if subscription.waiting:
                watch.saw_something()
                await self._settle_all(subscription, subscription.take(_BATCH))
            elif not await self._stirred_within(self._watch_s):
                await watch.look()

    async def _settle_all(self, subscription: Subscription, batch: list[Delivery]) -> None:
        """Settle what is above suspicion together, each suspect alone, all in order."""
        innocent: list[Delivery] = []
        for delivery in batch:
            if delivery.deliveries < _SUSPICIOUS:
                innocent.append(delivery)
                continue
            await self._settle(subscription, innocent)
            innocent = []
            await self._settle_suspect(subscription, delivery)
        await self._settle(subscription, innocent)

    async def _settle(self, subscription: Subscription, batch: Sequence[Delivery]) -> None:
        if not batch:
            return
        error = await self._attempt(subscription, batch)
        if error is None:
            await subscription.acknowledge(batch[-1].tag)
        elif len(batch) == 1:
            await self._park(subscription, batch[0], error)
        else:
            middle = len(batch) // 2
            await self._settle(subscription, batch[:middle])
            await self._settle(subscription, batch[middle:])

    async def _settle_suspect(self, subscription: Subscription, delivery: Delivery) -> None:
        if not await self._patiently(subscription, lambda: self._consumer.mark(delivery)):
            await self._park(subscription, delivery, DeadlyDelivery())
            return
        try:
            error = await self._attempt(subscription, [delivery])
        except (_Stopped, SubscriptionLost):
            await self._unmark_once(delivery)
            raise
        await self._patiently(subscription, lambda: self._consumer.unmark(delivery))
        if error is None:
            await subscription.acknowledge(delivery.tag)
        else:
            await self._park(subscription, delivery, error)

    async def _attempt(
        self, subscription: Subscription, batch: Sequence[Delivery]
    ) -> Exception | None:
        """Have the batch taken. Returns the error if that cannot succeed by waiting."""
        try:
            await self._patiently(subscription, lambda: self._consumer.take(batch))
        except (_Stopped, SubscriptionLost):
            raise
        except Exception as error:
            self._log.exception("batch failed", action="batch_failed", size=len(batch))
            return error
        return None

    async def _park(
        self, subscription: Subscription, delivery: Delivery, error: BaseException
    ) -> None:
        # Until this works nothing behind it may go on: whatever the error, wait.
        await self._patiently(
            subscription, lambda: self._consumer.park(delivery, error), passes=lambda _: True
        )
        self._log.error(
            "message parked", action="parked", error=type(error).__name__, digest=delivery.digest
        )
        await subscription.acknowledge(delivery.tag)

    async def _patiently(
        self,
        subscription: Subscription,
        call: Callable[[], Awaitable[Result]],
        passes: Callable[[BaseException], bool] = is_transient,
    ) -> Result:
        """Call until it works or fails for a reason that does not pass by waiting."""
        failures = 0
        while True:
            try:
                return await call()
            except Exception as error:
                if not passes(error):
                    raise
                failures += 1
                self._log.warning("waiting", action="waiting", failures=failures, error=repr(error))
            await self._wait_in_place(subscription, _wait_s(failures))

    async def _wait_in_place(self, subscription: Subscription, wait_s: float) -> None:
        """Wait, but no longer than there is reason to: raises if stopped or lost meanwhile."""
        until = _now() + wait_s
        while (left_s := until - _now()) > 0:
            if self._stopping:
                raise _Stopped
            if subscription.lost:
                raise SubscriptionLost
            self._stirred.clear()
            await self._stirred_within(left_s)

    async def _unmark_once(self, delivery: Delivery) -> None:
        """Take the mark back before we let go. If that fails, the message will be parked."""
        try:
            await self._consumer.unmark(delivery)
        except Exception:
            self._log.exception("mark is left behind", action="unmark_failed")

    async def _pause(self, pause_s: float) -> None:
        if not self._stopping:
            self._stirred.clear()
            await self._stirred_within(pause_s)

    async def _stirred_within(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                await self._stirred.wait()
        except TimeoutError:
            return False
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()


def _wait_s(failures: int) -> float:
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(failures, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides nothing
