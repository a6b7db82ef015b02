"""Whose turn it is: lanes, priorities, accounts, leases, and what the claim costs."""

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.contracts import partition_of
from shared.gateway import accounts
from shared.gateway.errors import Overtaken
from shared.gateway.store import claims
from shared.gateway.values import Priority, Work
from shared.gateway.work import LEASE, PATIENCE
from tests.shared.gateway.kit import Kit, command, hint, label_of, piece
from tests.shared.gateway.test_query_plans import nodes

MANY = 50_000


async def flood(kit: Kit, account_id: UUID, *, priority: Priority = Priority.CONTENT) -> None:
    """Let 50,000 orders of one account wait."""
    rows = """
        INSERT INTO work (partition, account_id, stream, lane, kind, priority, payload,
            supersedes, state, run_at, enqueued_at)
        SELECT $1, $2, 'order-' || n, 'inbound', 'hint', $5, '{}', 'nothing', 'waiting', $3, $3
        FROM generate_series(1, $4::integer) AS n
    """
    turns = """
        INSERT INTO turn (partition, account_id, stream, priority, run_at)
        SELECT partition, account_id, stream, priority, run_at FROM work WHERE account_id = $1
    """
    await kit.pool.execute(rows, partition_of(account_id), account_id, kit.clock(), MANY, priority)
    await kit.pool.execute(turns, account_id)


# --- lanes


async def test_a_lane_is_first_in_first_out(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"), piece(account_id, "b"))

    first = await kit.claim()
    assert label_of(first) == "a"
    assert await kit.queue.claim(5) == []

    await kit.complete(first)
    assert await kit.claim_labels() == ["b"]


async def test_the_two_lanes_of_an_order_never_run_side_by_side(kit: Kit) -> None:
    """A read that overlaps our own write would tell the old situação after the write's fact."""
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "write"), hint(account_id, "read"))

    running = await kit.claim()
    assert await kit.queue.claim(5) == []

    await kit.complete(running)
    assert await kit.claim_labels() == ["read"]


async def test_a_back_off_holds_its_own_lane_only(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(
        piece(account_id, "fails"), piece(account_id, "after it"), hint(account_id, "read")
    )
    await kit.queue.again(await kit.claim(), 60, "timeout")

    assert await kit.claim_labels() == ["read"]

    kit.clock.advance(seconds=61)
    assert label_of(await kit.claim()) in {"read", "fails"}, "the read's lease is over by now"


async def test_of_two_lanes_the_more_urgent_head_goes_first(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(
        hint(account_id, "read"), piece(account_id, "write", priority=Priority.STATUS)
    )

    assert label_of(await kit.claim()) == "write"


async def test_other_orders_go_on(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(*(piece(account_id, str(n), stream=f"order-{n}") for n in range(5)))

    assert sorted(await kit.claim_labels()) == ["0", "1", "2", "3", "4"]


async def test_work_that_may_not_begin_yet_waits(kit: Kit) -> None:
    account_id = await kit.account()
    later = kit.clock.now.replace(hour=13)
    await kit.enqueue(piece(account_id, "later", not_before=later))
    assert await kit.claim_labels() == []

    kit.clock.now = later
    assert await kit.claim_labels() == ["later"]


async def test_concurrent_claimers_never_run_two_of_one_stream(kit: Kit) -> None:
    several = [await kit.account() for _ in range(4)]
    await kit.enqueue(
        *(
            piece(account_id, str(n), stream=f"order-{n % 5}", lane=lane)
            for account_id in several
            for n in range(20)
            for lane in ("inbound", "outbound")
        )
    )
    claimers = [kit.another_queue() for _ in range(6)]

    rounds = await asyncio.gather(*(claimer.claim(20) for claimer in claimers * 5))

    taken = [work.stream_key for works in rounds for work in works]
    assert len(taken) == 20, "every order of every account, and each once"
    assert len(set(taken)) == 20


async def test_concurrent_enqueue_and_completion_strand_nothing(kit: Kit) -> None:
    """The piece that comes while the lane's last one ends must be found."""
    account_id = await kit.account()
    done: list[str] = []

    async def produce() -> None:
        for n in range(60):
            await kit.enqueue(piece(account_id, f"{n:02}", stream=f"order-{n % 2}"))

    async def consume() -> None:
        while len(done) < 60:
            for work in await kit.queue.claim(2):
                await kit.complete(work)
                done.append(label_of(work))

    async with asyncio.timeout(30), asyncio.TaskGroup() as together:
        together.create_task(produce())
        together.create_task(consume())
        together.create_task(consume())

    for order in (0, 1):
        mine = [label for label in done if int(label) % 2 == order]
        assert mine == sorted(mine)


# --- priorities


async def test_between_orders_the_most_urgent_goes_first(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(
        *(
            piece(account_id, priority.name, stream=f"order-{priority}", priority=priority)
            for priority in reversed(Priority)
        )
    )

    assert await kit.claim_labels(1) == [priority.name for priority in Priority]


async def test_a_lane_is_as_urgent_as_what_waits_in_it(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(
        piece(account_id, "content", stream="order-1"),
        piece(account_id, "in the way", stream="order-2", priority=Priority.RECONCILE),
        piece(account_id, "cancel", stream="order-2", priority=Priority.CANCELLATION),
    )

    assert label_of(await kit.claim()) == "in the way"


# --- accounts


async def test_accounts_take_turns(kit: Kit) -> None:
    several = [await kit.account() for _ in range(3)]
    await kit.enqueue(
        *(
            piece(account_id, str(account_id), stream=f"order-{n}")
            for account_id in several
            for n in range(4)
        )
    )

    labels = await kit.claim_labels(1)

    assert len(labels) == 12
    for turn in range(0, 12, 3):
        assert len(set(labels[turn : turn + 3])) == 3, "nobody twice before everybody once"


async def test_within_an_account_who_waited_longest_goes_first(kit: Kit) -> None:
    account_id = await kit.account()
    for n in (3, 1, 2):
        await kit.enqueue(piece(account_id, str(n), stream=f"order-{n}"))
        kit.clock.advance(seconds=1)

    assert await kit.claim_labels(1) == ["3", "1", "2"]


@pytest.mark.parametrize("connected", [True, False])
async def test_only_connected_accounts_run(kit: Kit, connected: bool) -> None:
    account_id = await kit.account(connected=connected)
    await kit.enqueue(piece(account_id, "a"))

    assert await kit.claim_labels() == (["a"] if connected else [])


async def test_pauses_and_rests_keep_work_back(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    async with kit.pool.acquire() as conn:
        await accounts.paused(conn, account_id, "asked for", clock=kit.clock)
        assert await kit.claim_labels() == []

        await accounts.resumed(conn, account_id, clock=kit.clock)
        await accounts.rest(conn, account_id, 30, clock=kit.clock)
        assert await kit.claim_labels() == []

    kit.clock.advance(seconds=30)
    assert await kit.claim_labels() == ["a"]


async def test_busy_accounts_get_nothing(kit: Kit) -> None:
    one, other = await kit.account(), await kit.account()
    await kit.enqueue(piece(one, "one"), piece(other, "other"))

    assert [label_of(work) for work in await kit.queue.claim(5, busy={one})] == ["other"]


async def test_fifty_thousand_orders_of_one_account_delay_nobody_else(kit: Kit) -> None:
    big, small = await kit.account(), await kit.account()
    await flood(kit, big)
    await kit.queue.claim(1)

    await kit.enqueue(hint(small, "small", stream="order-7"))

    claimed = [(await kit.claim()).account_id for _ in range(2)]
    assert small in claimed, "at the latest after one piece of the big account"


# --- leases


async def test_work_of_the_dead_is_taken_again(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    dead = await kit.claim()

    kit.clock.advance(seconds=LEASE.total_seconds() - 1)
    assert await kit.queue.claim(1) == []
    kit.clock.advance(seconds=2)
    again = await kit.claim()

    assert (again.id, again.attempt) == (dead.id, dead.attempt + 1)


async def test_a_renewed_lease_holds(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    work = await kit.claim()

    for _ in range(3):
        kit.clock.advance(seconds=LEASE.total_seconds() - 1)
        await kit.queue.renew([work])
        assert await kit.queue.claim(1) == []

    await kit.complete(work)


async def test_an_overtaken_attempt_cannot_renew(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    paused = await kit.claim()
    kit.clock.advance(seconds=LEASE.total_seconds() + 1)
    await kit.queue.claim(1)
    until = await kit.pool.fetchval("SELECT run_at FROM turn")

    kit.clock.advance(seconds=1)
    await kit.queue.renew([paused])

    assert await kit.pool.fetchval("SELECT run_at FROM turn") == until


async def test_a_paused_worker_cannot_store_an_old_read(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    paused = await kit.claim()
    kit.clock.advance(seconds=LEASE.total_seconds() + 1)
    current = await kit.claim()

    async def store(work: Work) -> None:
        async with kit.queue.completing(work) as conn:
            await conn.execute(
                "INSERT INTO parked_message VALUES (0, $1, '', '', now())", f"{work.attempt}"
            )

    for ending in (
        store(paused),
        kit.queue.again(paused, 1, "late"),
        kit.queue.put_back(paused),
        kit.queue.park(paused, "late"),
    ):
        with pytest.raises(Overtaken):
            await ending
    await store(current)

    stored = await kit.pool.fetch("SELECT digest FROM parked_message")
    assert [row["digest"] for row in stored] == [f"{current.attempt}"]


async def test_what_fails_inside_completing_leaves_nothing(kit: Kit) -> None:
    account_id = await kit.account()
    await kit.enqueue(piece(account_id, "a"))
    work = await kit.claim()

    async def store_badly() -> None:
        async with kit.queue.completing(work) as conn:
            await conn.execute("INSERT INTO parked_message VALUES (0, 'x', '', '', now())")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store_badly()
    assert await kit.pool.fetchval("SELECT count(*) FROM parked_message") == 0
    assert await kit.state_of(work) == "running"


# --- commands


async def test_a_command_that_comes_again_is_one_piece(kit: Kit) -> None:
    account_id = await kit.account()
    asked = command()
    await kit.enqueue(piece(account_id, "a", command=asked), piece(account_id, "a", command=asked))
    await kit.enqueue(piece(account_id, "a", command=asked))
    assert await kit.waiting_labels() == ["a"]

    await kit.complete(await kit.claim())
    await kit.enqueue(piece(account_id, "a", command=asked))

    assert await kit.waiting_labels() == [], "also when it was done long ago"


# --- what the claim costs


async def test_claim_steps_through_the_index(kit: Kit, owner: asyncpg.Connection) -> None:
    """With 50,000 waiting orders of each of three accounts, a claim reads a handful of rows.

    So many that a plan which sorts or counts them all would read thousands of pages.
    """
    for _ in range(3):
        await flood(kit, await kit.account())
    await owner.execute("ANALYZE work, turn, account, pace")

    plan = await owner.fetchval(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + claims.DUE,
        Priority.CONTENT,
        *claims.BEFORE_ALL,
        kit.clock(),
        [],
        2,
        PATIENCE,
    )

    root = orjson.loads(plan)[0]["Plan"]
    indexes = Counter(node.get("Index Name") for node in nodes(root) if "Index Name" in node)
    assert indexes["turn_next"] >= 3, "both steps of the walk, and the search for what is due"
    assert not any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] == "turn" for node in nodes(root)
    )
    assert root["Shared Hit Blocks"] + root["Shared Read Blocks"] < 200
