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

COMPANY_LIMIT = 30
PER_SECOND = 18
ADDRESS_PER_SECOND = 40
TOKEN_CALLS = 60
"""Ten times Bling's own limit, so that nobody waits ten times as long."""

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
        "BLING_GATEWAY_TOKEN_CALLS_PER_MINUTE": str(TOKEN_CALLS),
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
    await enqueue([seller], 80)

    await eventually(partial(is_done, [seller]), within_s=60)

    made = (await seller.calls())[already:]
    assert {call["status"] for call in made} == {200}
    assert most_within(made, 1) <= COMPANY_LIMIT


async def test_the_address_is_used_by_both_no_more_than_it_may(
    replicas: Replicas, sellers: list[Seller]
) -> None:
    already = len(await replicas.calls("requests"))
    await enqueue(sellers, 30)

    await eventually(partial(is_done, sellers), within_s=60)

    made = (await replicas.calls("requests"))[already:]
    assert len(made) >= 30 * SELLERS
    for span_s in (1, 2, 4):
        # A tenth more: calls may arrive closer together than they were sent.
        assert most_within(made, span_s) <= 1.1 * (2 + span_s) * ADDRESS_PER_SECOND


async def test_both_renew_each_token_once(replicas: Replicas, sellers: list[Seller]) -> None:
    """Pitfall 1: a refresh token is used up by use, and there are two who want to."""
    await replicas.spend_no_more()
    before, already = replicas.renewals(), len(await replicas.calls("token_calls"))
    for seller in sellers:
        await seller.control("POST", "tokens/expire")

    await enqueue(sellers, 8)
    await eventually(partial(is_done, sellers), within_s=60)

    renewed = (await replicas.calls("token_calls"))[already:]
    assert Counter(call["company"] for call in renewed) == dict.fromkeys(
        (seller.company for seller in sellers), 1
    )
    assert all(now > then for now, then in zip(replicas.renewals(), before, strict=True))


async def test_token_calls_of_both_stay_below_what_the_address_may(
    replicas: Replicas, sellers: list[Seller]
) -> None:
    """Pitfall 4: what finds no token call waits, and does not ask in a loop."""
    await replicas.spend_no_more()
    already = len(await replicas.calls("token_calls"))
    for _ in range(2):
        for seller in sellers:
            await seller.control("POST", "tokens/expire")
        await enqueue(sellers, 1)
        await eventually(partial(are_resting_or_done, sellers), within_s=60)

    made = (await replicas.calls("token_calls"))[already:]
    seconds = (
        datetime.fromisoformat(made[-1]["at"]) - datetime.fromisoformat(made[0]["at"])
    ).seconds
    assert SELLERS < len(made) <= TOKEN_CALLS / 5 + (1 + seconds) * TOKEN_CALLS * 4 / 5 / 60


async def are_resting_or_done(sellers: list[Seller]) -> bool:
    """Tell whether nothing of them is tried now: the rest is kept for later."""
    now = (
        "SELECT EXISTS (SELECT FROM bling_gateway.turn JOIN bling_gateway.account"
        " USING (partition, account_id)"
        " WHERE account_id = ANY ($1) AND coalesce(resting_until, '-infinity') < now())"
    )
    accounts = [seller.account_id for seller in sellers]
    return not await sellers[0].stage.database.fetchval(now, accounts)
