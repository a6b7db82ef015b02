"""The timeline: every event with its cause, its effects, and whose echo it is."""

from services.sync_core.audit.timeline import TimelineEntry, find_order, timeline
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from tests.sync_core.api import Api
from tests.sync_core.seller import OPEN
from tests.sync_core.story import Story

IN_MANIFEST = 883047


async def entries(pool: Pool, story: Story) -> list[TimelineEntry]:
    told_order = await find_order(pool, story.seller.id, 1)
    assert told_order is not None
    return await timeline(pool, told_order, limit=1000)


async def test_causes_and_effects_are_each_others_reverse(pool: Pool, log: EventLog) -> None:
    story = await Story.begun(log)
    await story.status("in_manifest")
    await story.written(IN_MANIFEST)

    told = {entry.position: entry for entry in await entries(pool, story)}

    assert any(entry.effects for entry in told.values())
    for entry in told.values():
        if entry.cause in told:
            assert entry.position in told[entry.cause].effects
        for effect in entry.effects:
            assert told[effect].cause == entry.position


async def test_what_our_command_provoked_is_its_echo(pool: Pool, log: EventLog) -> None:
    story = await Story.begun(log)
    await story.status("in_manifest")
    await story.written(IN_MANIFEST)
    await story.shows(OPEN)

    told = await entries(pool, story)

    types = {entry.position: entry.type for entry in told}
    echoes = [(each.type, types[each.echo_of]) for each in told if each.echo_of]
    assert echoes == [
        ("hub.order.registered", "hub.register_order"),
        ("hub.order.status_changed", "hub.register_order"),
        ("bling.situation.set", "bling.set_situation"),
    ]
    assert told[-1].echo_of is None


async def test_what_no_command_provoked_is_no_echo_whatever_it_names(
    pool: Pool, log: EventLog
) -> None:
    story = await Story.begun(log)
    first = "SELECT event_id FROM event_log WHERE account_id = $1 AND kind = 'fact' LIMIT 1"
    await story.status("in_manifest", cause=await pool.fetchval(first, story.seller.id))

    named = [entry for entry in await entries(pool, story) if entry.kind == "fact"][-1]

    assert named.cause is not None
    assert named.echo_of is None


async def test_a_page_explains_what_the_whole_explains(pool: Pool, log: EventLog, api: Api) -> None:
    story = await Story.begun(log)
    await story.status("in_manifest")
    whole = await entries(pool, story)

    path = f"/api/orders/{story.seller.tag}-1/timeline?limit=3"
    page = await api.get(path)
    paged = page["entries"]
    while page["next_cursor"]:
        page = await api.get(f"{path}&cursor={page['next_cursor']}")
        paged += page["entries"]

    assert [(e.position, e.why, [*e.effects], e.echo_of) for e in whole] == [
        (e["position"], e["why"], e["effects"], e["echo_of"]) for e in paged
    ]


async def test_who_has_read_everything_is_told_nothing_more(pool: Pool, log: EventLog) -> None:
    story = await Story.begun(log)
    told_order = await find_order(pool, story.seller.id, 1)
    assert told_order is not None
    last = (await timeline(pool, told_order, limit=1000))[-1].position

    assert await timeline(pool, told_order, after=last, limit=10) == []
