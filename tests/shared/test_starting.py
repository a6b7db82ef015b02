"""A service that cannot start says why in one line, and waits for what may still come."""

import asyncio
import base64
import os
import sys
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from yarl import URL

from shared.bus import connect
from shared.database import open_pool
from shared.starting import CannotStartError

SERVICES = ("sync_core", "hub_gateway", "bling_gateway")


async def serve(service: str, **changes: str) -> tuple[int, str]:
    """Start a service whose environment is right but for the changes; return how it ended."""
    prefix = service.upper()
    right = {
        f"{prefix}_DATABASE_URL": "postgresql://nobody@127.0.0.1:5432/nowhere",
        f"{prefix}_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        f"{prefix}_API_TOKENS": "developer:development-token",
        f"{prefix}_PORT": "18080",
        "AMQP_URL": "amqp://guest:guest@127.0.0.1:5672/",
        "BLING_GATEWAY_CLIENT_ID": "client",
        "BLING_GATEWAY_CLIENT_SECRET": "secret",
        "SYNC_CORE_ERASURES_FILE": "/nowhere/erasures.jsonl",
        "HUB_GATEWAY_API_URL": "http://127.0.0.1:1",
        "HUB_GATEWAY_PUBLIC_URL": "http://127.0.0.1:1",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}", "serve"),
        env={**os.environ, **right, **changes},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode().strip()


WRONG = [
    *((service, f"{service.upper()}_PORT", "eighty", "got 'eighty'") for service in SERVICES),
    ("sync_core", "SYNC_CORE_PORT", "70000", "got '70000'"),
    ("sync_core", "SYNC_CORE_HOST", "", "at least 1 character"),
    ("sync_core", "SYNC_CORE_DATABASE_URL", "mysql://secret@here/db", "begins with postgresql://"),
    (
        "sync_core",
        "SYNC_CORE_DATABASE_URL",
        "postgresql://secret@here:port/db",
        "a port from 1 to 65535",
    ),
    ("sync_core", "SYNC_CORE_MASTER_KEY", "secret", "must be the base64 of 32 bytes"),
    ("sync_core", "SYNC_CORE_API_TOKENS", "secret", "must be name:token,name:token"),
    ("sync_core", "AMQP_URL", "http://secret@here", "begins with amqp://"),
    ("sync_core", "LOG_LEVEL", "loud", "got 'loud'"),
    ("sync_core", "LOG_FORMAT", "xml", "got 'xml'"),
    ("sync_core", "BUS_PREFIX", "a b#", "got 'a b#'"),
    ("bling_gateway", "BLING_GATEWAY_CLIENT_ID", "", "at least 1 character"),
    ("bling_gateway", "BLING_GATEWAY_API_URL", "ftp://here", "got 'ftp://here'"),
    ("bling_gateway", "BLING_GATEWAY_CALLS_PER_SECOND", "fast", "got 'fast'"),
    ("hub_gateway", "HUB_GATEWAY_API_URL", "here", "got 'here'"),
    ("hub_gateway", "HUB_GATEWAY_PUBLIC_URL", "", "names a host"),
]


@pytest.mark.parametrize(("service", "variable", "value", "why"), WRONG)
async def test_a_wrong_setting_is_named_in_one_line(
    service: str, variable: str, value: str, why: str
) -> None:
    code, said = await serve(service, **{variable: value})

    assert code == 2
    assert said.startswith(f"{variable}: ")
    assert why in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1


async def test_each_wrong_setting_has_its_line() -> None:
    code, said = await serve("sync_core", SYNC_CORE_PORT="eighty", LOG_LEVEL="loud")

    assert code == 2
    assert {line.partition(":")[0] for line in said.splitlines()} == {"SYNC_CORE_PORT", "LOG_LEVEL"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_database_that_does_not_exist_is_told_in_one_line(
    service: str, server_url: str
) -> None:
    url = str(URL(server_url).with_path(f"/missing_{uuid4().hex}"))

    code, said = await serve(service, **{f"{service.upper()}_DATABASE_URL": url})

    assert code == 2
    assert said.startswith("DATABASE_URL: refused by PostgreSQL")
    assert len(said.splitlines()) == 1


async def test_a_refused_login_at_the_broker_cannot_be_waited_for(amqp_url: str) -> None:
    wrong = str(URL(amqp_url).with_password("not-the-password"))

    with pytest.raises(CannotStartError, match="AMQP_URL"):
        await connect(wrong, "tests: refused")


async def test_a_database_server_that_comes_later_is_waited_for(
    server_url: str, unused_tcp_port: int
) -> None:
    """Nobody listens at first; then the port leads to the server."""
    port = unused_tcp_port
    target = URL(server_url)
    opening = asyncio.create_task(open_pool(str(target.with_port(port)), "public"))
    refused = asyncio.create_task(_refused_once(port))
    await refused
    assert not opening.done()

    server = await asyncio.start_server(_forward(target), "127.0.0.1", port)
    async with server:
        async with asyncio.timeout(20):
            pool = await opening
        async with pool:
            assert await pool.fetchval("SELECT 1") == 1


async def _refused_once(port: int) -> None:
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncio.open_connection("127.0.0.1", port)


Serving = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _forward(target: URL) -> Serving:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.host, target.port or 5432)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    return serve_one
