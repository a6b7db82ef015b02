"""A command that led to itself is found; what only looks like it is not."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services.sync_core.audit.loops import Loop, LoopReport, find_loops
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Incoming, Kind
from services.sync_core.log.history import GapError
from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from tests.sync_core.seller import AT, CANCELLED, Seller, opened
from tests.sync_core.story import Story
from tests.sync_core.test_service import Environment, environment, run

__all__ = ["environment"]


class Hand:
    """Writes a log by hand: what follows from what is whatever the test says."""

    def __init__(self, log: EventLog, seller: Seller) -> None:
        self.log, self.seller, self.facts = log, seller, 0

    async def write(self, kind: Kind, data: Contract, cause: UUID | None, stream: str) -> UUID:
        """Log an event, and return its id."""
        entry = self.seller.human(stream, data)
        fact = kind == "fact"
        self.facts += fact
        entry = replace(
            entry,
            kind=kind,
            causation_id=cause,
            actor=None,
            source="/by_hand" if fact else None,
            source_sequence=self.facts if fact else None,
        )
        await self._append(entry)
        return entry.event_id

    async def _append(self, entry: Incoming) -> None:
        async with self.log.writing(self.seller.partition, [self.seller.id]) as writing:
            await writing.append([entry])

    async def command(
        self, cause: UUID | None = None, *, stream: str = "order-7", target: int = 24
    ) -> UUID:
        wanted = core.SetSituation(order_id=7, shipment=1, target=target, expected=15)
        return await self.write("command", wanted, cause, stream)

    async def register(self, cause: UUID | None, version: int, digest: str = "d") -> UUID:
        wanted = core.RegisterOrder(
            order_id=7,
            shipment=1,
            reference="r",
            version=version,
            content_event=UUID(int=1),
            content_digest=digest,
            product_references={},
        )
        return await self.write("command", wanted, cause, "order-7")

    async def echo(self, cause: UUID | None, *, stream: str = "order-7") -> UUID:
        """The outside shows what we did; without a cause, what others did."""
        seen = hub.OrderStatusChanged(
            shipment=9, hub_sequence=1, happened_at=AT, status="order_created"
        )
        return await self.write("fact", seen, cause, stream)

    async def refusal(self, cause: UUID, why: str) -> UUID:
        """Bling refuses what we ordered."""
        answer = bling.SituationRefused(
            order_id=7,
            command_id=uuid4(),
            target=24,
            shown=bling.Situation(id=15, value=3),
            cause=why,
        )
        return await self.write("fact", answer, cause, "order-7")


@pytest.fixture
async def hand(log: EventLog) -> Hand:
    return Hand(log, await opened(log))


async def looked_through(pool: Pool, seller: Seller) -> LoopReport:
    read: list[int] = []
    report = await find_loops(pool, seller.id, read.append)
    assert report.events == sum(read)
    return report


async def test_a_command_that_its_own_echo_led_to_is_a_loop(pool: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.command(await hand.echo(first))

    report = await looked_through(pool, hand.seller)

    (loop,) = report.loops
    assert loop == Loop("order-7", core.SetSituation.TYPE, loop.positions)
    assert len(loop.positions) == 3
    assert report.longest is not None
    assert report.longest.positions == loop.positions
    assert report.longest.stream == "order-7"


async def test_a_log_with_a_gap_is_not_looked_through(pool: Pool, owner: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.command(await hand.echo(first))
    gap = "DELETE FROM event_log WHERE account_id = $1 AND position = 3"
    await owner.execute(gap, hand.seller.id)

    with pytest.raises(GapError, match="Event 3 of account"):
        await looked_through(pool, hand.seller)


async def test_a_loop_goes_round_through_other_commands_too(pool: Pool, hand: Hand) -> None:
    """Two situações that chase each other."""
    one = await hand.command(target=24)
    other = await hand.command(await hand.echo(one), target=15)
    await hand.command(await hand.echo(other), target=24)

    (loop,) = (await looked_through(pool, hand.seller)).loops

    assert len(loop.positions) == 5


async def test_the_next_version_of_the_same_content_is_the_same_command(
    pool: Pool, hand: Hand
) -> None:
    first = await hand.register(None, 1)
    await hand.register(await hand.echo(first), 2)

    assert len((await looked_through(pool, hand.seller)).loops) == 1


async def test_what_refuses_for_good_and_is_ordered_again_is_a_loop(pool: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.command(await hand.refusal(first, "refused"))

    assert len((await looked_through(pool, hand.seller)).loops) == 1


async def test_news_from_others_ends_the_chain(pool: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.command(await hand.refusal(first, "changed"))

    assert (await looked_through(pool, hand.seller)).loops == ()


async def test_what_others_did_meanwhile_is_what_the_next_command_answers(
    pool: Pool, hand: Hand
) -> None:
    """360Hub goes there and back while each write waits for its answer: no loop of ours."""
    there = await hand.command(target=24)
    await hand.echo(None)
    back = await hand.command(await hand.echo(there), target=15)
    await hand.echo(None)
    await hand.command(await hand.echo(back), target=24)

    assert (await looked_through(pool, hand.seller)).loops == ()


async def test_news_of_another_order_excuses_no_loop(pool: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.echo(None, stream="order-8")
    await hand.command(await hand.echo(first))

    assert len((await looked_through(pool, hand.seller)).loops) == 1


async def test_another_target_content_or_stream_is_another_command(pool: Pool, hand: Hand) -> None:
    first = await hand.command()
    await hand.command(await hand.echo(first), target=9)
    await hand.command(first, stream="order-8")
    register = await hand.register(None, 1)
    await hand.register(await hand.echo(register), 2, digest="other")
    await hand.command()  # the same once more, but nothing of ours led to it

    assert (await looked_through(pool, hand.seller)).loops == ()


async def test_a_life_has_no_loop_and_a_longest_chain(pool: Pool, log: EventLog) -> None:
    story = await Story.begun(log)
    await story.status("in_manifest")
    await story.written(883047)
    await story.status("awaiting_dispatch")
    await story.refused(883048, "Não.")
    await story.shows(CANCELLED)

    report = await looked_through(pool, story.seller)

    assert report.loops == ()
    assert report.longest is not None
    told = await pool.fetch(
        "SELECT type FROM event_log WHERE account_id = $1 AND position = ANY ($2::bigint[])"
        " ORDER BY position",
        story.seller.id,
        list(report.longest.positions),
    )
    assert [row["type"] for row in told][:3] == [
        "hub.product.imported",
        "sync.order.product_ready",
        "hub.register_order",
    ]


async def test_the_command_ends_with_1_if_there_is_a_loop(
    environment: Environment, hand: Hand, log: EventLog
) -> None:
    first = await hand.command()
    await hand.command(await hand.echo(first))
    honest = await Story.begun(log)

    code, out, err = await run(environment, "audit", "loops", "--account", str(hand.seller.id))
    fine, told, said = await run(
        environment, "audit", "loops", "--account", str(honest.seller.id), "--json"
    )

    assert code == 1
    assert "1 loops" in out
    assert "bling.set_situation led to itself" in err
    assert fine == 0, told + said
    assert '"loops":[]' in told
