"""Two replicas of the gateway behind one address: limits are counted together."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.bling_gateway.flood import enqueue, is_done, sellers_with_an_order
from tests.bling_gateway.stage import Json, Seller, Stage, another_gateway, running_stage
from tests.waiting import eventually

COMPANY_LIMIT = 3
PER_SECOND = 1
ADDRESS_PER_SECOND = 3
"""So low that a slow machine would exceed them, too, if replicas did not share them."""

SELLERS = 8
PIECES = 3


@pytest.fixture(scope="module")
async def stage(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """Two replicas, with limits that bind."""
    logs: Path = tmp_path_factory.mktemp("replicas")
    settings = {
        "BLING_GATEWAY_CALLS_PER_SECOND": str(PER_SECOND),
        "BLING_GATEWAY_ADDRESS_CALLS_PER_SECOND": str(ADDRESS_PER_SECOND),
    }
    async with (
        running_stage(database_url, amqp_url, bus_prefix, logs / "one", **settings) as running,
        another_gateway(running, logs / "other"),
    ):
        yield running


@pytest.fixture(scope="module")
async def sellers(stage: Stage) -> list[Seller]:
    """Sellers whose Bling allows what it says, with an order that one call reads."""
    made = await sellers_with_an_order(stage, SELLERS)
    for seller in made:
        await seller.control("POST", "limits", per_second=COMPANY_LIMIT)
    return made


async def calls(stage: Stage, kind: str) -> list[Json]:
    """The ``requests`` or ``token_calls`` of all companies."""
    async with stage.http.get(f"{stage.bling_url}/_sandbox/requests?company=all") as response:
        made: list[Json] = (await response.json())[kind]
        return made


def assert_paced(made: Iterable[Json], since: datetime, *, burst: int, per_second: int) -> None:
    """At no moment since then had more calls come than the pace had let through by then.

    Calls that come late, and closer together than they were sent, do not matter.
    """
    for count, moment in enumerate(sorted(datetime.fromisoformat(call["at"]) for call in made), 1):
        assert count <= burst + per_second * (moment - since).total_seconds()


async def test_a_company_is_called_by_both_no_more_than_it_allows(
    stage: Stage, sellers: list[Seller]
) -> None:
    """Pitfall 6: who keeps below the limit needs nobody to say how long to wait."""
    seller = sellers[0]
    already = len(await seller.calls())
    since = datetime.now(UTC)
    await enqueue([seller], 5)

    await eventually(partial(is_done, [seller]), within_s=60)

    made = (await seller.calls())[already:]
    assert {call["status"] for call in made} == {200}
    assert_paced(made, since, burst=2, per_second=PER_SECOND)


async def test_the_address_is_used_by_both_no_more_than_it_may(
    stage: Stage, sellers: list[Seller]
) -> None:
    already = len(await calls(stage, "requests"))
    since = datetime.now(UTC)
    await enqueue(sellers, PIECES)

    await eventually(partial(is_done, sellers), within_s=60)

    made = (await calls(stage, "requests"))[already:]
    assert len(made) >= PIECES * SELLERS
    assert_paced(made, since, burst=2 * ADDRESS_PER_SECOND, per_second=ADDRESS_PER_SECOND)


async def test_neither_makes_a_token_call_that_the_address_has_not_left(
    stage: Stage, sellers: list[Seller]
) -> None:
    """Pitfall 4: what finds no token call waits, and does not ask in a loop."""
    await stage.database.execute(
        "UPDATE bling_gateway.address SET tokens_free_at = now() + interval '1 hour'"
        " WHERE name = 'default'"
    )
    already = len(await calls(stage, "token_calls"))
    for seller in sellers:
        await seller.control("POST", "tokens/expire")

    await enqueue(sellers, 1)
    await eventually(partial(are_resting, sellers), within_s=60)

    assert len(await calls(stage, "token_calls")) == already


async def are_resting(sellers: list[Seller]) -> bool:
    """Tell whether nothing of anybody is tried now: it is kept for later."""
    resting = (
        "SELECT count(*) FROM bling_gateway.account"
        " WHERE account_id = ANY ($1) AND resting_until > now()"
    )
    accounts = [seller.account_id for seller in sellers]
    count: int = await sellers[0].stage.database.fetchval(resting, accounts)
    return count == len(sellers)
