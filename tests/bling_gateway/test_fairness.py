"""Two replicas of the gateway and 200 accounts, at full speed: turns, and tokens renewed."""

from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from shared.contracts import partition_of
from tests.bling_gateway.flood import enqueue, is_done, sellers_with_an_order
from tests.bling_gateway.stage import Json, Seller, Stage, another_gateway, running_stage
from tests.waiting import eventually

ACCOUNTS = 200
FLOOD = 50_000
PIECES = 2
REPLICAS = 2
WORKERS = 16
"""How many pieces of work a replica runs at a time."""

# Notes every turn in the order in which turns are taken. As its owner, because the gateway's login
# may write to no such table.
NOTE_TURNS = """
CREATE TABLE bling_gateway.turn_taken (
    number bigint GENERATED ALWAYS AS IDENTITY, account_id uuid NOT NULL
);
CREATE FUNCTION bling_gateway.note_turn() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO bling_gateway.turn_taken (account_id) VALUES (new.account_id);
    RETURN NULL;
END $$;
CREATE TRIGGER note_turn AFTER UPDATE ON bling_gateway.work
FOR EACH ROW WHEN (new.attempt > old.attempt) EXECUTE FUNCTION bling_gateway.note_turn();
"""


@pytest.fixture(scope="module")
async def stage(
    database_url: str, amqp_url: str, bus_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """Two replicas without pace: what is fair must not be so because nobody is fast."""
    logs: Path = tmp_path_factory.mktemp("fairness")
    settings = {"BLING_GATEWAY_CALLS_PER_SECOND": "1000"}
    async with (
        running_stage(database_url, amqp_url, bus_prefix, logs / "one", **settings) as running,
        another_gateway(running, logs / "other"),
    ):
        yield running


@pytest.fixture(scope="module")
async def sellers(stage: Stage) -> list[Seller]:
    """Everybody, in the order in which a gateway goes round."""
    made = await sellers_with_an_order(stage, ACCOUNTS)
    return sorted(made, key=lambda seller: (partition_of(seller.account_id), seller.account_id))


async def test_each_token_is_renewed_once_though_both_replicas_want_to(
    stage: Stage, sellers: list[Seller]
) -> None:
    """Pitfall 1: a refresh token is used up by use."""
    some = sellers[:WORKERS]
    for seller in some:
        await seller.control("POST", "tokens/expire")
    already = await asked(stage, "token_calls")

    async with stage.database.acquire() as conn, conn.transaction():
        # Nobody asks Bling for anything before both replicas work for the same accounts.
        await conn.execute("LOCK TABLE bling_gateway.address IN EXCLUSIVE MODE")
        await enqueue(some, PIECES)
        await eventually(partial(have_running, some, PIECES * WORKERS), within_s=30)
    await eventually(partial(is_done, some), within_s=60)

    renewed = await asked(stage, "token_calls") - already
    assert renewed == dict.fromkeys((seller.company for seller in some), 1)


async def have_running(sellers: list[Seller], pieces: int) -> bool:
    running = (
        "SELECT count(*) FROM bling_gateway.work WHERE state = 'running' AND account_id = ANY ($1)"
    )
    ids = [seller.account_id for seller in sellers]
    return bool(await sellers[0].stage.database.fetchval(running, ids) == pieces)


@pytest.mark.timeout(400)
async def test_a_flood_of_one_account_costs_the_others_one_turn_of_each_replica_a_round(
    stage: Stage, sellers: list[Seller]
) -> None:
    """Until anybody has had so many turns, the flooding account had no more from each replica.

    And one more, which may be under way while the others' work comes in. Turns are noted where
    they are taken, so that nothing depends on who is fast.
    """
    flooding, *others = sellers
    called_before = await asked(stage, "requests")
    await stage.database.execute(NOTE_TURNS)
    await enqueue([flooding], FLOOD)
    await eventually(partial(has_turns, flooding, 20), within_s=60)

    await enqueue(others, PIECES)
    already = len(await turns(stage))
    await eventually(partial(is_done, others), within_s=200)

    taken, at_others = Counter[str](), {str(seller.account_id) for seller in others}
    for account_id in (await turns(stage))[already:]:
        taken[account_id] += 1
        if account_id in at_others:
            assert taken[str(flooding.account_id)] <= REPLICAS * (taken[account_id] + 1)
    assert taken[str(flooding.account_id)] > 0, "it was a flood all the while"
    called = await asked(stage, "requests") - called_before
    assert {called[seller.company] for seller in others} == {PIECES}


async def turns(stage: Stage) -> list[str]:
    """Whose turn it was, in the order in which turns were taken."""
    rows = await stage.database.fetch(
        "SELECT account_id::text FROM bling_gateway.turn_taken ORDER BY number"
    )
    return [row["account_id"] for row in rows]


async def has_turns(seller: Seller, times: int) -> bool:
    return (await turns(seller.stage)).count(str(seller.account_id)) >= times


async def asked(stage: Stage, kind: str) -> Counter[str]:
    """How many ``requests`` or ``token_calls`` were made for each company."""
    async with stage.http.get(f"{stage.bling_url}/_sandbox/requests?company=all") as response:
        made: list[Json] = (await response.json())[kind]
    return Counter(call["company"] for call in made)
