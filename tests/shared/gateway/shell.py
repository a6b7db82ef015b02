"""The operators' commands of a gateway, typed in the test's own process, which spares its start."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import typer
from typer.testing import CliRunner

from shared.contracts import Contract, Message
from shared.database import open_pool
from shared.gateway.erasing import Erasing
from shared.gateway.facts import Facts
from shared.gateway.operators.accounts import account_commands
from shared.gateway.operators.desk import Desk
from shared.gateway.operators.parked import parked_commands
from shared.gateway.operators.reconcile import add_reconcile
from shared.gateway.operators.side import Details
from shared.gateway.pausing import Pausing
from shared.gateway.store import Connection
from shared.gateway.values import Command, NewWork, Priority, Supersedes
from shared.gateway.work import WorkQueue
from tests.shared.gateway.kit import SYSTEM, Note, hint, nothing

COMPARED_AT = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)


class TestSide:
    """A side that knows every account by a number."""

    __test__ = False

    async def details(self, conn: Connection, only: UUID | None = None) -> Mapping[UUID, Details]:
        rows = await conn.fetch("SELECT account_id FROM account")
        more = {"shop_number": 7, "token_expires_at": None}
        return {row["account_id"]: Details(COMPARED_AT, more) for row in rows}

    def comparison(self, account_id: UUID) -> NewWork:
        return hint(
            account_id,
            "compare",
            stream="account",
            kind="reconcile",
            priority=Priority.RECONCILE,
            supersedes=Supersedes.SAME_KIND,
        )


def to_work(message: Message, contract: Contract) -> NewWork | None:
    return NewWork(
        account_id=message.accountid,
        stream=message.subject,
        lane="outbound",
        kind=message.type,
        payload=Note(),
        priority=Priority.CONTENT,
        command=Command(message.id, message.type, message.correlationid),
    )


@dataclass(frozen=True)
class Typed:
    """What a command left."""

    code: int
    output: str
    complaints: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.output)


class Shell:
    """Types commands at a desk on the test's database."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._app = typer.Typer(pretty_exceptions_enable=False)
        self._app.add_typer(account_commands(self._desk), name="accounts")
        self._app.add_typer(parked_commands(self._desk), name="parked")
        add_reconcile(self._app, self._desk)

    async def type(self, *arguments: str) -> Typed:
        # In a thread, because a command runs an event loop of its own.
        result = await asyncio.to_thread(CliRunner().invoke, self._app, list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Typed(result.exit_code, result.stdout, result.stderr)

    @asynccontextmanager
    async def _desk(self) -> AsyncIterator[Desk]:
        async with await open_pool(self._url, self._schema, max_size=2) as pool:
            facts = Facts(SYSTEM.source)
            queue, pausing = WorkQueue(pool, SYSTEM, facts), Pausing(SYSTEM, facts)
            erasing = Erasing(pool, SYSTEM, queue, facts, nothing)
            yield Desk(pool, SYSTEM, queue, pausing, erasing, to_work, TestSide())
