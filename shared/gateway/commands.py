"""Commands from the bus: decoded and made work of, in one transaction per batch."""

from collections.abc import Callable, Sequence

import structlog

from shared.bus import Delivery
from shared.contracts import Contract, Message, parse_data
from shared.contracts.sync_core import ConnectAccount, RetryWork
from shared.gateway import accounts
from shared.gateway.store import Connection, Pool
from shared.gateway.store import messages as rows
from shared.gateway.values import Clock, NewWork, utc_now
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

ToWork = Callable[[Message, Contract], NewWork | None]
"""What a command means as work. None: the gateway does not do that."""


class UnexpectedCommandError(Exception):
    """The gateway was sent a command that it does not carry out."""


class CommandConsumer:
    """Takes the commands of one partition. Whatever is taken twice has its effect once."""

    def __init__(
        self,
        partition: int,
        pool: Pool,
        queue: WorkQueue,
        to_work: ToWork,
        *,
        committed: Callable[[int], None],
        clock: Clock = utc_now,
    ) -> None:
        self._partition = partition
        self._pool = pool
        self._queue = queue
        self._to_work = to_work
        self._committed = committed
        self._clock = clock

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Store what the commands ask for, all or nothing.

        Raises what makes one of them useless: pydantic's ``ValidationError``, an unknown type.
        """
        commands = [self._parse(delivery) for delivery in deliveries]
        async with self._pool.acquire() as conn, conn.transaction():
            await self._connect_accounts(conn, commands)
            # Before enqueue, which may lock fact counters: streams are locked before those.
            await self._retry(conn, commands)
            await self._queue.enqueue(conn, *self._work_of(commands))
        self._committed(self._partition)

    async def mark(self, delivery: Delivery) -> bool:
        """Note that the delivery is going to be tried alone. False if that was noted before."""
        async with self._pool.acquire() as conn:
            return await rows.mark(conn, self._partition, delivery.digest, self._clock())

    async def unmark(self, delivery: Delivery) -> None:
        """Forget the note."""
        async with self._pool.acquire() as conn:
            await rows.unmark(conn, self._partition, delivery.digest)

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        """Keep a message that cannot be used, and say so loudly."""
        name = type(error).__name__  # its text may quote the message
        async with self._pool.acquire() as conn:
            await rows.park(
                conn, self._partition, delivery.digest, delivery.body, name, self._clock()
            )
        log.error(
            "A message cannot be used: a person must look",
            action="message_parked",
            partition=self._partition,
            digest=delivery.digest,
            error=name,
        )

    def _parse(self, delivery: Delivery) -> tuple[Message, Contract]:
        message = Message.decode(delivery.body)
        return message, parse_data(message.type, message.data)

    async def _connect_accounts(
        self, conn: Connection, commands: Sequence[tuple[Message, Contract]]
    ) -> None:
        for message, command in commands:
            if isinstance(command, ConnectAccount):
                await accounts.know(conn, message.accountid, tag=command.tag, name=command.name)

    async def _retry(self, conn: Connection, commands: Sequence[tuple[Message, Contract]]) -> None:
        for message, command in commands:
            if isinstance(command, RetryWork):
                # Both gateways are told, and only one of them has it.
                await self._queue.retry(conn, message.accountid, command.command_id)

    def _work_of(self, commands: Sequence[tuple[Message, Contract]]) -> list[NewWork]:
        return [
            self._required(message, command)
            for message, command in commands
            if not isinstance(command, ConnectAccount | RetryWork)
        ]

    def _required(self, message: Message, command: Contract) -> NewWork:
        work = self._to_work(message, command)
        if work is None:
            raise UnexpectedCommandError(message.type)
        return work
