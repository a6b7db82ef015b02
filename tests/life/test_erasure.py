"""A person is forgotten by the whole system: processes, databases, bus, logs and exports."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import orjson
import pytest

from deploy.database import SERVICES
from deploy.demo import story
from deploy.demo.players import until
from deploy.demo.story import Scene
from deploy.processes import python
from deploy.product import Product
from deploy.servers import Found
from shared.bus import Topology, connect
from shared.contracts import PARTITIONS
from tests.life.conftest import new_account, running_system
from tests.life.proofs import assert_order_kept
from tests.sync_core.searching import search, spellings

GROUPS = ("sync_core", "bling_gateway", "hub_gateway")


@dataclass(frozen=True)
class Ran:
    """How a command of a service ended, and what it said."""

    code: int
    said: str
    complained: str


async def run(system: Product, *arguments: str, service: str = "sync_core") -> Ran:
    process = await asyncio.create_subprocess_exec(
        *python("-m", f"services.{service}", *arguments),
        env=os.environ | system.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return Ran(process.returncode or 0, said.decode(), complained.decode())


@pytest.fixture
async def own_system(found: Found, tmp_path: Path) -> AsyncIterator[Product]:
    """A system that has seen nobody else."""
    async with running_system("erasure", found, tmp_path) as made:
        yield made


async def whose(scene: Scene) -> dict[str, str]:
    """Return what tells who the order's recipient is, as 360Hub was given it."""
    recipient = (await scene.hub_order())["content"]["recipient"]
    known = {name: recipient[name] for name in ("name", "document", "email", "phone")}
    return known | {"street": recipient["address"]["street"]}


async def found_in(system: Product, texts: Sequence[str]) -> set[str]:
    """Return the tables in which any of the texts stands."""
    connection = await asyncpg.connect(system.database.owner_url)
    try:
        return {found.table.replace('"', "") for found in await search(connection, *texts)}
    finally:
        await connection.close()


async def nothing_waits_on_the_bus(system: Product) -> None:
    topology = Topology(system.environment["BUS_PREFIX"])
    async with await connect(system.environment["AMQP_URL"], "tests: queues") as connection:
        channel = await connection.channel()

        async def is_empty() -> bool:
            for group in GROUPS:
                for partition in range(PARTITIONS):
                    name = topology.queue(group, partition)  # type: ignore[arg-type]
                    queue = await channel.declare_queue(name, passive=True)
                    if queue.declaration_result.message_count:
                        return False
            return True

        await until("the bus's queues to be empty", is_empty)


async def written(system: Product, scene: Scene, out: Path) -> bytes:
    """Return all that the services have logged, and that an export of the account holds."""
    exported = await run(
        system, "audit", "export", "--account", scene.play.keeper.account_id, "--out", str(out)
    )
    assert exported.code == 0, exported.complained
    files = files_in(out)
    assert files
    logs = [system.stack.log(service) for service in SERVICES]
    erasures = Path(system.environment["SYNC_CORE_ERASURES_FILE"])
    return b"\n".join(path.read_bytes() for path in (*files, *logs, erasures))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def named_in(said: bytes, texts: Sequence[str]) -> list[str]:
    """Return those of the texts that stand in what was said."""
    return [text for text in texts if any(each.encode() in said for each in spellings(text))]


async def is_erased(system: Product) -> None:
    connection = await asyncpg.connect(system.database.owner_url)
    told = "SELECT count(*) FROM sync_core.event_log WHERE type = 'privacy.subject_erased'"

    async def erased() -> bool:
        return bool(await connection.fetchval(told) == 1)

    await until("both gateways to have forgotten", erased)
    await connection.close()


async def _observed(scene: Scene) -> int:
    entries = await scene.play.keeper.timeline(scene.order_id)
    return sum(entry["type"] == "bling.order.observed" for entry in entries)


async def _waits_for_the_hub(system: Product, scene: Scene, person: dict[str, str]) -> None:
    """Let new content wait at the paused gateway, where all of the person stands in the clear."""
    tag = scene.play.keeper.tag
    pause = ("accounts", "pause", tag, "--reason", "balanço", "--by", "ana")
    assert (await run(system, *pause, service="hub_gateway")).code == 0
    address = {"transporte": {"etiqueta": {"complemento": "Bloco B"}}}
    await scene.play.seller.edits(scene.order_id, address)

    async def is_found() -> bool:
        tables = [await found_in(system, [text]) for text in person.values()]
        return all("hub_gateway.work" in found for found in tables)

    await until("all of the person to be found where content waits", is_found)
    resume = ("accounts", "resume", tag, "--by", "ana")
    assert (await run(system, *resume, service="hub_gateway")).code == 0

    async def arrived() -> bool:
        recipient = (await scene.hub_order())["content"]["recipient"]
        return bool(recipient["address"].get("complement") == "Bloco B")

    await until("the content to arrive", arrived)


async def test_a_delivered_orders_recipient_is_forgotten_everywhere(
    own_system: Product, tmp_path: Path
) -> None:
    system = own_system
    async with new_account(system) as play:
        scene, other = Scene(play, lambda _: None), Scene(play, lambda _: None)
        await story.start(scene, person="F")
        await story.start(other, person="J")
        person, stranger = await whose(scene), await whose(other)
        assert person["name"] != stranger["name"]
        key = play.keeper.order_key(scene.order_id)

        # what can be found before: its name where pages search, and all of it where content waits

        await _waits_for_the_hub(system, scene, person)
        assert "sync_core.person" in await found_in(system, [person["name"]])
        shown = await run(system, "audit", "subject", key, "--json")
        assert all(text in shown.said for text in person.values())

        # the shipment is under way: it waits, and goes on by itself

        await story.advance(scene, "with_carrier")
        asked = await run(system, "audit", "erase", key, "--by", "ana", "--yes", "--json")
        assert asked.code == 1, asked.complained
        answer = orjson.loads(asked.said)
        assert (answer["state"], answer["waits_for"]) == ("erasure_waits", [scene.order_id])
        assert f"waits for order {scene.order_id}" in asked.complained
        assert "NF-e stays in Bling" in asked.complained
        assert await found_in(system, [person["name"]])
        await play.operator.scans(scene.reference(), "delivered")
        await scene.both_show("Atendido", "delivered")
        await is_erased(system)
        await nothing_waits_on_the_bus(system)

        # nothing of the person, everything of the other

        texts = list(person.values())
        assert await found_in(system, texts) == set()
        assert await found_in(system, [stranger["name"]]) == {"sync_core.person"}
        shown = await run(system, "audit", "subject", key, "--json")
        assert orjson.loads(shown.said.splitlines()[0])["state"] == "erased"
        assert named_in(shown.said.encode(), texts) == []

        # reading the order again, because it changed and because somebody asks, changes nothing

        before = await _observed(scene)
        await play.seller.edits(scene.order_id, {"observacoes": "obrigado"})
        await play.keeper.acts(scene.order_id, "retry")

        async def read_again() -> bool:
            return await _observed(scene) > before

        await until("the order to be read again", read_again)
        await nothing_waits_on_the_bus(system)
        assert await found_in(system, texts) == set()
        said = await written(system, scene, tmp_path / "export")
        assert named_in(said, texts) == []
        await assert_order_kept(system)
