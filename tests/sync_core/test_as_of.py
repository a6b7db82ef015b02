"""An order as it stood then: folded from history, and compared with now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.sync_core.audit.as_of import AsOf, NotYetError, as_of, moment_of
from services.sync_core.audit.timeline import find_order
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from shared.contracts import sync_core as core
from tests.sync_core.api import Api
from tests.sync_core.clock import Clock
from tests.sync_core.seller import DONE, MAPPING
from tests.sync_core.story import Story

IN_MANIFEST = 883047


async def looked_at(pool: Pool, story: Story, **then: Any) -> AsOf:
    told_order = await find_order(pool, story.seller.id, 1)
    assert told_order is not None
    return await as_of(pool, told_order, **then)


@pytest.fixture
async def story(log: EventLog, clock: Clock) -> Story:
    """An order at 360Hub at noon, in the romaneio a minute later, written to Bling after two."""
    story = await Story.begun(log)
    for minute in (story.status("in_manifest"), story.written(IN_MANIFEST)):
        clock.forward(60)
        await minute
    return story


async def test_the_state_then_and_what_has_changed_since(
    pool: Pool, story: Story, clock: Clock
) -> None:
    found = await looked_at(pool, story, at=clock.now - timedelta(seconds=60))

    assert found.then.status == "in_manifest"
    assert found.then.situation is not None
    assert found.then.situation.name == "Em andamento"
    assert found.then.awaited == found.then.target == found.now.situation
    assert found.at == clock.now - timedelta(seconds=60)
    assert [change.field for change in found.changes] == ["situation", "base", "awaited"]
    assert found.changes[0].then == {"id": 15, "name": "Em andamento"}
    assert found.changes[0].now["id"] == IN_MANIFEST


async def test_a_time_between_two_events_shows_the_one_before(
    pool: Pool, story: Story, clock: Clock
) -> None:
    between = await looked_at(pool, story, at=clock.now - timedelta(microseconds=1))
    at_once = await looked_at(pool, story, at=clock.now)

    assert between.position < at_once.position
    assert at_once.changes == ()


async def test_every_position_shows_what_was_folded_by_then(pool: Pool, story: Story) -> None:
    whole = await looked_at(pool, story, at=datetime.max.replace(tzinfo=UTC))
    stages = []
    for position in range(6, whole.position + 1):
        found = await looked_at(pool, story, position=position)
        assert found.position <= position
        stages.append(found.then.stage)

    assert [*dict.fromkeys(stages)] == [None, "started", "in_manifest"]
    assert whole.then == whole.now


async def test_the_table_is_never_asked(pool: Pool, owner: Pool, story: Story) -> None:
    """The stored state is not what a fold is compared with, but may itself be in question."""
    before = await looked_at(pool, story, position=10**9)
    await owner.execute(
        "UPDATE orders SET state = jsonb_set(state::jsonb, '{stage}', '\"lost\"')::json"
        " WHERE account_id = $1",
        story.seller.id,
    )

    assert await looked_at(pool, story, position=10**9) == before


async def test_the_mapping_in_force_then_is_what_counts(
    pool: Pool, story: Story, clock: Clock
) -> None:
    clock.forward(60)
    situations = {**MAPPING.situations, "in_manifest": DONE}
    mapping = MAPPING.model_copy(update={"situations": situations})
    await story.person("account", core.MappingChanged(mapping=mapping))

    found = await looked_at(pool, story, at=clock.now - timedelta(seconds=30))

    assert found.then.target is not None
    assert found.then.target.id == IN_MANIFEST
    assert [change.field for change in found.changes] == ["target"]


async def test_before_its_first_event_there_is_no_order(pool: Pool, story: Story) -> None:
    with pytest.raises(NotYetError) as raised:
        await looked_at(pool, story, position=5)
    assert raised.value.position == 6

    with pytest.raises(NotYetError):
        await looked_at(pool, story, at=datetime(1, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23T09:00", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T14:00:00+02:00", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23", "2026-11-23T03:00:00+00:00"),
    ],
)
def test_a_time_without_zone_is_brasilias(text: str, utc: str) -> None:
    assert moment_of(text).astimezone(UTC).isoformat() == utc


async def test_the_api_shows_it(api: Api, story: Story) -> None:
    path = f"/api/orders/{story.seller.tag}-1/as-of"

    then = await api.get(f"{path}?at=2026-11-23T12:01:30Z")
    now = await api.get(f"{path}?at=2026-11-23T09:02:00")

    assert then["id"] == f"{story.seller.tag}-1"
    assert then["then"]["awaited"]["id"] == IN_MANIFEST
    assert {change["field"] for change in then["changes"]} == {"situation", "base", "awaited"}
    assert now["changes"] == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "moment_invalid"),
        ("?at=yesterday", 400, "moment_invalid"),
        ("?at=2026-13-01", 400, "moment_invalid"),
        ("?at=2026-11-23T11:00Z", 404, "order_unknown_then"),
        ("?at=0001-01-01T00:00%2B14:00", 404, "order_unknown_then"),
    ],
)
async def test_the_api_says_what_is_wrong(
    api: Api, story: Story, query: str, status: int, code: str
) -> None:
    path = f"/api/orders/{story.seller.tag}-1/as-of{query}"

    assert (await api.get(path, status=status))["code"] == code


async def test_the_end_of_time_is_now(api: Api, story: Story) -> None:
    path = f"/api/orders/{story.seller.tag}-1/as-of?at=9999-12-31T23:59:59.999999-14:00"

    assert (await api.get(path))["changes"] == []
