"""The API as its callers reach it, and facts that are taken meanwhile."""

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient

from services.sync_core.log.append import EventLog
from services.sync_core.log.facts import read_fact
from shared.contracts import Message
from tests.sync_core.seller import Seller

Json = dict[str, Any]
Client = TestClient[web.Request, web.Application]


class Api:
    """Calls that expect a status and return the answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(
        self, method: str, path: str, body: Json | None = None, *, status: int = 200, **headers: str
    ) -> Json:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._client.request(method, path, json=body, headers=named)
        answered: Json = await answer.json(content_type=None)
        assert answer.status == status, answered
        if status >= 400:
            assert answer.content_type == "application/problem+json"
            assert answered["status"] == status
        return answered

    async def get(self, path: str, *, status: int = 200) -> Json:
        return await self.call("GET", path, status=status)


async def take(log: EventLog, seller: Seller, *messages: Message) -> None:
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(m.encode(), m.partition).incoming for m in messages])
