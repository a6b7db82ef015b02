"""Commands from the bus: decoded and made work of, in one transaction per batch."""

from collections.abc import Callable, Sequence

import structlog

from shared.bus import Delivery
from shared.contracts import Contract, Message, parse_message
from shared.contracts.sync_core import (
    ConnectAccount,
    DiscardWork,
    DisconnectAccount,
    EraseSubject,
    PauseAccount,
    ResumeAccount,
    RetryWork,
)
from shared.gateway import accounts
from shared.gateway.erasing import Erasing
from shared.gateway.pausing import Pausing
from shared.gateway.store import Connection, Pool
from shared.gateway.store import messages as rows
from shared.gateway.store.work import know_commands
from shared.gateway.values import (
    DISCONNECT_STREAM,
    Clock,
    Command,
    NewWork,
    Priority,
    Supersedes,
    System,
    utc_now,
)
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

ToWork = Callable[[Message, Contract], NewWork | None]
"""What a command means as work. None: the gateway does not do that."""

Taken = tuple[Message, Contract]
"""A command in its envelope, and what it says."""


class UnexpectedCommandError(Exception):
    """The gateway was sent a command that it does not carry out."""


class CommandConsumer:
    """Takes the commands of one partition. Whatever is taken twice has its effect once."""

    def __init__(
        self,
        partition: int,
        pool: Pool,
        system: System,
        queue: WorkQueue,
        pausing: Pausing,
        erasing: Erasing,
        to_work: ToWork,
        *,
        committed: Callable[[int], None],
        clock: Clock = utc_now,
    ) -> None:
        self._partition = partition
        self._pool = pool
        self._system = system
        self._queue = queue
        self._pausing = pausing
        self._erasing = erasing
        self._to_work = to_work
        self._committed = committed
        self._clock = clock

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Store what the commands ask for.

        What is to be worked on is stored all or nothing; then what else is asked for, one by one.
        Raises what makes one of them useless: pydantic's ``ValidationError``, an unknown type or
        version, an account that nobody made known.
        """
        commands = [self._parse(delivery) for delivery in deliveries]
        async with self._pool.acquire() as conn:
            async with conn.transaction():
                await self._connect_accounts(conn, commands)
                # Before enqueue, which may lock fact counters: streams are locked before those.
                await self._retry(conn, commands)
                await self._queue.enqueue(conn, *self._work_of(commands))
            for message, command in commands:
                await self._control(conn, message, command)
        await self._erase(commands)
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

    def _parse(self, delivery: Delivery) -> Taken:
        message = Message.decode(delivery.body)
        return message, parse_message(message)

    async def _connect_accounts(self, conn: Connection, commands: Sequence[Taken]) -> None:
        for message, command in commands:
            if isinstance(command, ConnectAccount):
                await accounts.know(conn, message.accountid, tag=command.tag, name=command.name)

    async def _retry(self, conn: Connection, commands: Sequence[Taken]) -> None:
        for message, command in commands:
            if isinstance(command, RetryWork):
                # Both gateways are told, and only one of them has it.
                await self._queue.retry(conn, message.accountid, command.command_id)

    def _work_of(self, commands: Sequence[Taken]) -> list[NewWork]:
        pieces = (self._piece(message, command) for message, command in commands)
        return [piece for piece in pieces if piece is not None]

    def _piece(self, message: Message, command: Contract) -> NewWork | None:
        match command:
            case ConnectAccount() | RetryWork() | PauseAccount() | ResumeAccount() | DiscardWork():
                return None
            case EraseSubject():
                return None
            case DisconnectAccount():
                return _disconnection(message, command) if self._is_ours(command) else None
            case _:
                return self._required(message, command)

    def _is_ours(self, command: DisconnectAccount) -> bool:
        return command.side == self._system.side

    def _required(self, message: Message, command: Contract) -> NewWork:
        work = self._to_work(message, command)
        if work is None:
            raise UnexpectedCommandError(message.type)
        return work

    async def _control(self, conn: Connection, message: Message, command: Contract) -> None:
        """Carry out what is about the account or its parked work, unless it was before.

        In a transaction of its own: it locks the account or a stream, and then publishes.
        """
        if not isinstance(command, PauseAccount | ResumeAccount | DiscardWork):
            return
        account_id, cause = message.accountid, _command_of(message)
        async with conn.transaction():
            if not await know_commands(conn, [(account_id, cause)], self._clock()):
                return
            match command:
                case PauseAccount(by=by, reason=reason):
                    await self._pausing.pause(conn, account_id, by=by, reason=reason, cause=cause)
                case ResumeAccount(by=by):
                    await self._pausing.resume(conn, account_id, by=by, cause=cause)
                case DiscardWork():
                    # Both gateways are told, and only one of them has it.
                    await self._queue.discard(conn, account_id, command.command_id, command.cause)

    async def _erase(self, commands: Sequence[Taken]) -> None:
        for message, command in commands:
            if isinstance(command, EraseSubject):
                await self._erasing.erase(message.accountid, command, _command_of(message))


def _disconnection(message: Message, command: DisconnectAccount) -> NewWork:
    """Return the work that gives the authorisation back, which a pause does not hold up."""
    return NewWork(
        account_id=message.accountid,
        stream=DISCONNECT_STREAM,
        lane="outbound",
        kind=DisconnectAccount.TYPE,
        payload=command,
        priority=Priority.CANCELLATION,
        supersedes=Supersedes.SAME_KIND,
        command=_command_of(message),
    )


def _command_of(message: Message) -> Command:
    return Command(message.id, message.type, message.correlationid)
