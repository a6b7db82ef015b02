"""What one life costs in calls of Bling's API, counted at the double."""

from collections import Counter

from deploy.demo import story
from deploy.demo.players import Json, until
from deploy.demo.story import Scene

ALLOWED = 15


async def calls(scene: Scene) -> list[Json]:
    return await scene.play.seller.calls()


async def settled_calls(scene: Scene) -> list[Json]:
    """All calls, once no more of them come."""
    seen = -1

    async def no_more() -> bool:
        nonlocal seen
        before, seen = seen, len(await calls(scene))
        return seen == before

    await until("Bling to be left alone", no_more)
    return await calls(scene)


async def test_one_life_costs_at_most_fifteen_calls(scene: Scene) -> None:
    """Created, started, invoiced, and written four times. Pitfall 17: orders are never created."""
    before = len(await settled_calls(scene))

    await story.start(scene)
    await story.advance(scene, "delivered")

    made = (await settled_calls(scene))[before:]
    methods = Counter(call["method"] for call in made)
    assert methods["PATCH"] == 4
    assert methods["POST"] == 0
    assert len(made) <= ALLOWED, [(call["method"], call["path"]) for call in made]
