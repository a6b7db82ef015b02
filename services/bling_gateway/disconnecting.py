"""Disconnecting an account that asked for it: its authorisation is given back to Bling."""

from services.bling_gateway.tasks import ACCOUNT_STREAM
from services.bling_gateway.tokens import Tokens
from shared.contracts import derived_id
from shared.gateway.facts import Facts
from shared.gateway.values import Work
from shared.gateway.work import WorkQueue


class Disconnecting:
    """Carries out ``account.disconnect``. The company stays bound, and all history is kept."""

    def __init__(self, tokens: Tokens, queue: WorkQueue, facts: Facts) -> None:
        self._tokens = tokens
        self._queue = queue
        self._facts = facts

    async def disconnect(self, work: Work) -> None:
        """Give the authorisation back and tell so, unless the seller has consented anew since."""
        told = await self._tokens.give_back(work.account_id, work.enqueued_at)
        async with self._queue.completing(work) as conn:
            if told is not None:
                fact_id = derived_id(work.asked_by.id, told.TYPE, ACCOUNT_STREAM)
                await self._facts.publish_outcome(conn, work, told, fact_id=fact_id)
