"""What operators see of accounts: which there are, and how they are connected."""

import orjson
from aiohttp import web

from services.bling_gateway.store import connections
from shared.gateway.store import Pool


class AccountsApi:
    """The handlers of ``/api/accounts``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_accounts(self, _request: web.Request) -> web.Response:
        """List all accounts with their connection."""
        async with self._pool.acquire() as conn:
            listed = await connections.accounts(conn)
        body = orjson.dumps({"accounts": [account.shown() for account in listed]})
        return web.Response(body=body, content_type="application/json")
