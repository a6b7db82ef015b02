"""Two replicas of the gateway behind one address: limits counted, and tokens renewed, together."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.bling_gateway.flood import enqueue, is_done, seller_with_an_order
from tests.bling_gateway.stage import Json, Seller, Stage, running_stage
from tests.gateways import answering, free_port, program
from tests.waiting import eventually

COMPANY_LIMIT = 3
PER_SECOND = 1
ADDRESS_PER_SECOND = 2
"""So low that a slow machine would exceed them, too, if replicas did not share them."""

SELLERS = 10


@dataclass(frozen=True)
class Replicas:
    """The stage, with a second gateway; each has its log."""

    stage: Stage
    logs: tuple[Path, Path]

    def renewals(self) -> list[int]:
        """How many tokens each replica renewed."""
        return [len(re.findall("tokens_renewed", log.read_text())) for log in self.logs]

    async def calls(self, kind: str) -> list[Json]:
        """The ``requests`` or ``token_calls`` of all companies."""
        url = f"{self.stage.bling_url}/_sandbox/requests?company=all"
        async with self.stage.http.get(url) as response:
            made: list[Json] = (await response.json())[kind]
            return made

    async def spend_no_more(self) -> None:
        """Forget what was asked for so far."""
        await self.stage.database.execute(
            "UPDATE bling_gateway.address SET tokens_free_at = DEFAULT, requests_free_at = DEFAULT"
        )


@pytest.fixture(scope="module")
async def replicas(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Replicas]:
    directory = tmp_path_factory.mktemp("replicas")
    logs = (directory / "one", directory / "other")
    settings = {
        "BLING_GATEWAY_CALLS_PER_SECOND": str(PER_SECOND),
        "BLING_GATEWAY_ADDRESS_CALLS_PER_SECOND": str(ADDRESS_PER_SECOND),
    }
    async with running_stage(database_url, amqp_url, bus_prefix, logs[0], **settings) as stage:
        port = free_port()
        environment = stage.environment | {"BLING_GATEWAY_PORT": str(port)}
        async with program("services.bling_gateway", "serve", environment=environment, log=logs[1]):
            await answering(stage.http, f"http://127.0.0.1:{port}/readyz")
            yield Replicas(stage, logs)


@pytest.fixture(scope="module")
async def sellers(replicas: Replicas) -> list[Seller]:
    """Sellers whose Bling allows what it says, with an order that one call reads."""

    async def joined() -> Seller:
        await replicas.spend_no_more()
        seller = await seller_with_an_order(replicas.stage)
        await seller.control("POST", "limits", per_second=COMPANY_LIMIT)
        return seller

    return [await joined() for _ in range(SELLERS)]


def most_within(calls: Iterable[Json], span_s: float) -> int:
    """Return how many calls came in the fullest span of so many seconds."""
    moments = sorted(datetime.fromisoformat(call["at"]) for call in calls)
    span = timedelta(seconds=span_s)
    return max(sum(first <= moment < first + span for moment in moments) for first in moments)


async def test_a_company_is_called_by_both_no_more_than_it_allows(
    replicas: Replicas, sellers: list[Seller]
) -> None:
    """Pitfall 6: who keeps below the limit needs nobody to say how long to wait."""
    seller = sellers[0]
    already = len(await seller.calls())
    await enqueue([seller], 8)

    await eventually(partial(is_done, [seller]), within_s=60)

    made = (await seller.calls())[already:]
    assert {call["status"] for call in made} == {200}
    assert most_within(made, 1) <= COMPANY_LIMIT


async def test_the_address_is_used_by_both_no_more_than_it_may(
    replicas: Replicas, sellers: list[Seller]
) -> None:
    already = len(await replicas.calls("requests"))
    await enqueue(sellers, 2)

    await eventually(partial(is_done, sellers), within_s=60)

    made = (await replicas.calls("requests"))[already:]
    assert len(made) >= 2 * SELLERS
    for span_s in (1, 2, 4):
        # A tenth more: calls may arrive closer together than they were sent.
        assert most_within(made, span_s) <= 1.1 * (2 + span_s) * ADDRESS_PER_SECOND


async def test_both_renew_each_token_once(replicas: Replicas, sellers: list[Seller]) -> None:
    """Pitfall 1: a refresh token is used up by use, and there are two who want to."""
    before, rounds = replicas.renewals(), 0
    while not all(now > then for now, then in zip(replicas.renewals(), before, strict=True)):
        rounds += 1
        await replicas.spend_no_more()
        already = len(await replicas.calls("token_calls"))
        for seller in sellers:
            await seller.control("POST", "tokens/expire")

        await enqueue(sellers, 1)
        await eventually(partial(is_done, sellers), within_s=60)

        renewed = (await replicas.calls("token_calls"))[already:]
        once_each = dict.fromkeys((seller.company for seller in sellers), 1)
        assert Counter(call["company"] for call in renewed) == once_each
        assert rounds < 10, "one replica does everything"


async def test_neither_makes_a_token_call_that_the_address_has_not_left(
    replicas: Replicas, sellers: list[Seller]
) -> None:
    """Pitfall 4: what finds no token call waits, and does not ask in a loop."""
    await replicas.stage.database.execute(
        "UPDATE bling_gateway.address SET tokens_free_at = now() + interval '1 hour'"
        " WHERE name = 'default'"
    )
    already = len(await replicas.calls("token_calls"))
    for seller in sellers:
        await seller.control("POST", "tokens/expire")

    await enqueue(sellers, 1)
    await eventually(partial(are_resting, sellers), within_s=60)

    assert len(await replicas.calls("token_calls")) == already


async def are_resting(sellers: list[Seller]) -> bool:
    """Tell whether nothing of anybody is tried now: it is kept for later."""
    resting = (
        "SELECT count(*) FROM bling_gateway.account"
        " WHERE account_id = ANY ($1) AND resting_until > now()"
    )
    accounts = [seller.account_id for seller in sellers]
    count: int = await sellers[0].stage.database.fetchval(resting, accounts)
    return count == len(sellers)
