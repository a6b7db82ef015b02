"""Posts signed webhooks to the app's one address."""

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
"""A receiver has this long to answer 2xx (developer documentation, Webhooks)."""


class Postman:
    """Carries bodies to the app while the double runs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep connections open while the block runs."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        # Bling does not wait for one webhook's answer before it sends the next.
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def post(self, body: bytes, secret: str) -> int | None:
        """Sign and post a body; return the answer's status, or None when there was none in time."""
        if self._session is None:
            raise RuntimeError("webhooks are delivered only while the double runs")
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Bling-Signature-256": f"sha256={signature}",
        }
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("webhook not delivered: %s", type(error).__name__)
            return None
