"""One seller's flood of work, and the others: what Bling's double was asked for, in which order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from itertools import dropwhile
from pathlib import Path

import pytest

from shared.contracts import partition_of
from tests.bling_gateway.flood import enqueue, is_done, seller_with_an_order
from tests.bling_gateway.stage import Json, Seller, Stage, running_stage
from tests.waiting import eventually

ACCOUNTS = 200
FLOOD = 50_000
PIECES = 2
WORKERS = 16
"""How many pieces of work a gateway runs at a time."""

AT_ONCE = 10


@pytest.fixture(scope="module")
async def stage(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A stage without pace: what is fair must not be so because nobody is fast."""
    log: Path = tmp_path_factory.mktemp("fairness") / "log"
    settings = {"BLING_GATEWAY_CALLS_PER_SECOND": "1000", "LOG_LEVEL": "warning"}
    async with running_stage(database_url, amqp_url, bus_prefix, log, **settings) as running:
        yield running


@pytest.fixture(scope="module")
async def sellers(stage: Stage) -> list[Seller]:
    """Everybody, in the order in which the gateway goes round."""
    rationed = asyncio.Semaphore(AT_ONCE)

    async def joined() -> Seller:
        async with rationed:
            return await seller_with_an_order(stage)

    made = await asyncio.gather(*(joined() for _ in range(ACCOUNTS)))
    return sorted(made, key=lambda seller: (partition_of(seller.account_id), seller.account_id))


async def calls(stage: Stage) -> list[str]:
    """Whom every call was for, in the order in which they came."""
    async with stage.http.get(f"{stage.bling_url}/_sandbox/requests?company=all") as response:
        made: list[Json] = (await response.json())["requests"]
    return [call["company"] for call in sorted(made, key=lambda call: str(call["at"]))]


@pytest.mark.timeout(400)
async def test_a_flood_of_one_account_costs_the_others_one_turn_a_round(
    stage: Stage, sellers: list[Seller]
) -> None:
    """While others wait, the flooding account gets no more turns than each of them.

    A round is over when every one of the others was served once more. From when the others' first
    call was made, the flooding account was called at most once for each round that was begun,
    beside what ran at the same time.
    """
    flooding, *others = sellers
    await enqueue([flooding], FLOOD)
    await eventually(partial(is_called, flooding, 50), within_s=60)

    already = len(await calls(stage))
    await enqueue(others, PIECES)
    await eventually(partial(is_done, others), within_s=100)

    companies = {seller.company for seller in others}
    made = dropwhile(lambda company: company not in companies, (await calls(stage))[already:])
    served: Counter[str] = Counter()
    for company in made:
        served[company] += 1
        rounds = min(served[company] for company in companies)
        if rounds == PIECES:
            break
        assert served[flooding.company] <= rounds + 1 + WORKERS
    assert rounds == PIECES, "all others were served"
    assert served[flooding.company] > 0, "it was a flood all the while"


async def is_called(seller: Seller, times: int) -> bool:
    return len(await seller.calls()) >= times
