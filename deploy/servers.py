"""Finds PostgreSQL and RabbitMQ, or starts them, and stops what it started.

The order: addresses in the environment; servers on the usual local ports; Docker; private
instances from the machine's own binaries; the same after installing packages.
"""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

from deploy import containers, logins, packages, private_postgresql, private_rabbitmq, records
from deploy.console import done, step
from deploy.containers import Image
from deploy.errors import ServerMissingError, ServerRefusesError
from deploy.places import STATE
from deploy.records import Record

Purpose = Literal["run", "test"]


class Way(Enum):
    """A way to come by a server."""

    ENVIRONMENT = "named in the environment"
    USUAL_PORT = "already running on its usual port"
    DOCKER = "in Docker"
    PRIVATE = "a private instance from this machine's binaries"
    PACKAGE = "a private instance from newly installed packages"


@dataclass(frozen=True)
class Found:
    """Addresses of both servers, good until the block that asked for them ends."""

    database_url: str
    """PostgreSQL's `postgres` database, with a user who may create databases and roles."""
    amqp_url: str


@dataclass(frozen=True)
class _Kind:
    title: str
    variable: str
    usual_urls: tuple[str, ...]
    login: logins.Login
    image: Image
    has_binaries: Callable[[], bool]
    start_private: Callable[[Path, str], Record]
    stop_private: Callable[[Path, Record], None]
    package: str


@dataclass(frozen=True)
class _Server:
    url: str
    stop: Callable[[], None] | None = None


_POSTGRESQL = _Kind(
    title="PostgreSQL",
    variable="DATABASE_URL",
    usual_urls=(
        "postgresql://postgres@127.0.0.1:5432/postgres",
        "postgresql://postgres:postgres@127.0.0.1:5432/postgres",
    ),
    login=logins.postgresql,
    image=Image(
        service="postgres",
        image="postgres:15",
        port=5432,
        environment={"POSTGRES_PASSWORD": "postgres"},
        port_variable="POSTGRES_PORT",
        url="postgresql://postgres:postgres@{host}:{port}/postgres",
        login=logins.postgresql,
    ),
    has_binaries=lambda: private_postgresql.binaries() is not None,
    start_private=private_postgresql.start,
    stop_private=lambda _state, record: record.stop(),
    package="postgresql",
)

_RABBITMQ = _Kind(
    title="RabbitMQ",
    variable="AMQP_URL",
    usual_urls=("amqp://guest:guest@127.0.0.1:5672/",),
    login=logins.rabbitmq,
    image=Image(
        service="rabbitmq",
        image="rabbitmq:3.13",
        port=5672,
        environment={},
        port_variable="RABBITMQ_PORT",
        url="amqp://guest:guest@{host}:{port}/",
        login=logins.rabbitmq,
    ),
    has_binaries=lambda: private_rabbitmq.binaries() is not None,
    start_private=private_rabbitmq.start,
    stop_private=private_rabbitmq.stop,
    package="rabbitmq-server",
)

KINDS = (_POSTGRESQL, _RABBITMQ)


@contextmanager
def ensure(
    purpose: Purpose, *, state: Path = STATE, ways: Sequence[Way] = tuple(Way)
) -> Iterator[Found]:
    """Find or start both servers, and at the end stop those that this call started.

    Private instances keep their data in `state`, apart for each purpose. Raises `DeployError`,
    whose message tells the person what to do.
    """
    with ExitStack() as started:
        urls = [_obtain(kind, purpose, state, ways, started) for kind in KINDS]
        yield Found(database_url=urls[0], amqp_url=urls[1])


def stop_left_over(state: Path = STATE) -> int:
    """Stop whatever earlier commands started and did not stop, and return how many."""
    stopped = 0
    # Commands come first: they end their own programs and servers in order.
    for record in sorted(records.left_over(state), key=_commands_first):
        if record.alive:
            step(f"Stopping {record.label}")
            record.stop()
            stopped += 1
        records.forget(state, record.label)
    for service in containers.left_over(state):
        step(f"Stopping {service} in Docker")
        containers.stop_with_compose(service, state)
        stopped += 1
    return stopped


def _commands_first(record: Record) -> bool:
    return not record.label.startswith("command-")


def _obtain(
    kind: _Kind, purpose: Purpose, state: Path, ways: Sequence[Way], started: ExitStack
) -> str:
    for way in ways:
        server = _try(way, kind, purpose, state)
        if server is None:
            continue
        if server.stop:
            started.callback(_stop, kind, server.stop)
        done(f"{kind.title}: {way.value} ({logins.without_password(server.url)})")
        return server.url
    raise ServerMissingError(
        f"{kind.title} is neither running nor installed. Set {kind.variable} to a server's"
        f" address, start Docker, or install it (Debian, Ubuntu: sudo apt-get install"
        f" {kind.package})."
    )


def _stop(kind: _Kind, stop: Callable[[], None]) -> None:
    step(f"Stopping {kind.title}")
    stop()


def _try(way: Way, kind: _Kind, purpose: Purpose, state: Path) -> _Server | None:
    match way:
        case Way.ENVIRONMENT:
            return _from_environment(kind)
        case Way.USUAL_PORT:
            return _on_usual_port(kind)
        case Way.DOCKER:
            return _in_docker(kind, purpose, state)
        case Way.PRIVATE:
            return _private(kind, purpose, state)
        case Way.PACKAGE:
            return _from_package(kind, purpose, state)


def _from_environment(kind: _Kind) -> _Server | None:
    url = os.environ.get(kind.variable)
    if not url:
        return None
    if refusal := kind.login(url):
        shown = logins.without_password(url)
        raise ServerRefusesError(f"{kind.variable} ({shown}) does not let us in: {refusal}")
    return _Server(url)


def _on_usual_port(kind: _Kind) -> _Server | None:
    for url in kind.usual_urls:
        if kind.login(url) is None:
            return _Server(url)
    return None


def _in_docker(kind: _Kind, purpose: Purpose, state: Path) -> _Server | None:
    if not containers.engine_answers():
        return None
    step(f"Starting {kind.title} in Docker")
    if purpose == "test":
        container = containers.start_for_test(kind.image)
    elif containers.compose_exists():
        container = containers.start_with_compose(kind.image, state)
    else:
        step("Docker has no compose plug-in, looking further")
        return None
    return _Server(container.url, None if container.was_running else container.stop)


def _private(kind: _Kind, purpose: Purpose, state: Path) -> _Server | None:
    # Elsewhere processes cannot be told apart by their birth, which `records` relies on.
    if sys.platform != "linux" or not kind.has_binaries():
        return None
    label = f"{kind.title.lower()}-{purpose}"
    with _one_starter(state):
        if record := records.running(state, label):
            return _Server(record.url)  # another command's, which stops it
        step(f"Starting a private {kind.title}")
        record = kind.start_private(state, label)

    def stop() -> None:
        kind.stop_private(state, record)
        records.forget(state, label)

    return _Server(record.url, stop)


def _from_package(kind: _Kind, purpose: Purpose, state: Path) -> _Server | None:
    if not packages.can_install():
        return None
    packages.install((kind.package,))
    return _private(kind, purpose, state)


@contextmanager
def _one_starter(state: Path) -> Iterator[None]:
    """Let one command at a time start instances below `state`."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "starting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
