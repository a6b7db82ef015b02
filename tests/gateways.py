"""What the tests of both gateways stand on: processes, the database's login, the other end."""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from yarl import URL

from deploy.places import free_port as free_port
from shared.bus import Publisher, Topology, connect
from shared.contracts import Contract, Message
from tests.waiting import eventually

_ROOT = Path(__file__).parents[1]

# --- processes


async def start(
    *arguments: str, environment: Mapping[str, str], log: Path
) -> asyncio.subprocess.Process:
    """Start one of our programs, with our own environment and the given one."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            env={**os.environ, **environment},
            cwd=_ROOT,
            stdout=output,
            stderr=output,
        )


@asynccontextmanager
async def program(
    *arguments: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one of our programs until the block is left."""
    process = await start(*arguments, environment=environment, log=log)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@dataclass(frozen=True)
class Ran:
    """What a program that ended by itself left."""

    code: int
    output: str
    complaints: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.output)


async def run(*arguments: str, environment: Mapping[str, str]) -> Ran:
    """Run one of our programs to its end, as a person or a script does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env={**os.environ, **environment},
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await process.communicate()
    return Ran(process.returncode or 0, output.decode(), complaints.decode())


async def answering(http: aiohttp.ClientSession, url: str) -> None:
    """Wait until an address answers 200."""

    async def answers() -> bool:
        try:
            async with http.get(url) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    await eventually(answers, within_s=30)


# --- the database


def login_of(service: str, database_url: str) -> str:
    """Return the service's own address of the database, with a login that no other test has."""
    database = URL(database_url)
    return str(database.with_user(f"{service}_of_{database.name}").with_password("secret"))


@asynccontextmanager
async def migrated(
    service: str, database_url: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[None]:
    """Migrate by the command line, and remove the login that it made at the end."""
    command = (f"services.{service}", "migrate")
    async with program(*command, environment=environment, log=log) as migration:
        assert await migration.wait() == 0, log
    async with login_dropped(login_of(service, database_url), database_url):
        yield


@asynccontextmanager
async def login_dropped(login: str, database_url: str) -> AsyncIterator[None]:
    """Drop a service's login at the end: logins belong to the whole server."""
    try:
        yield
    finally:
        admin = await asyncpg.connect(database_url)
        role = URL(login).user
        await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await admin.close()


# --- the other end of the bus


@dataclass
class Core:
    """What the sync core is to a gateway: it sends commands and gets facts."""

    publisher: Publisher
    facts: defaultdict[UUID, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """Every account's facts on the bus, in the order in which they came."""

    async def send(self, account_id: UUID, subject: str, command: Contract) -> Message:
        """Send a command, as the core's relay does."""
        message = Message(
            id=uuid4(),
            source="/sync_core",
            type=command.TYPE,
            subject=subject,
            time=datetime.now(UTC),
            dataschema=command.dataschema(),
            accountid=account_id,
            sequence=1,
            correlationid=uuid4(),
            data=command.model_dump(mode="json"),
        )
        await self.send_again(message)
        return message

    async def send_again(self, message: Message) -> None:
        """Send a command that may have been sent before."""
        await self.publisher.publish("commands", message)

    def told(self, account_id: UUID, *types: str) -> list[Message]:
        """Return an account's facts, of these types if any are named."""
        return [fact for fact in self.facts[account_id] if not types or fact.type in types]

    async def listen(self, connection: AbstractRobustConnection, topology: Topology) -> None:
        """Hear every fact from now on."""
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(topology.exchange("facts"), "#")
        await queue.consume(self._hear, no_ack=True)

    async def _hear(self, delivery: AbstractIncomingMessage) -> None:
        fact = Message.decode(delivery.body)
        self.facts[fact.accountid].append(fact)


@asynccontextmanager
async def running_core(amqp_url: str, bus_prefix: str) -> AsyncIterator[Core]:
    topology = Topology(bus_prefix)
    async with await connect(amqp_url, "tests: core") as connection:
        await topology.declare(connection)
        publisher = Publisher(connection, topology)
        core = Core(publisher)
        await core.listen(connection, topology)
        yield core
        await publisher.close()
