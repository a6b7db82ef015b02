"""`make demo`: play one order's whole life, and a cancelled one's, and print the timeline."""

import asyncio
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.table import Table

from deploy import database, development, product, servers
from deploy.console import console, done, problem, step
from deploy.demo import story
from deploy.demo.checks import differences
from deploy.demo.players import Json, Play, PlayError, connected
from deploy.places import STATE

_BRASILIA = ZoneInfo("America/Sao_Paulo")
_COLOURS = {
    "fact": "cyan",
    "decision": "yellow",
    "command": "green",
    "withheld": "dim",
    "human": "magenta",
    "timer": "dim",
}
_KINDS = {
    "fact": "entrou",
    "decision": "decidido",
    "command": "enviado",
    "withheld": "retido",
    "human": "pessoa",
    "timer": "prazo",
}


async def demo(found: servers.Found) -> list[str]:
    """Play, print, check. Returns what differs from what must be; nothing is best.

    The system is one of its own, on free ports with a database that is dropped at the end: it
    disturbs nothing that runs, and tells the same story every time.
    """
    step("Migrating a database of the demo's own and starting services and sandboxes")
    settings = {**development.new_secrets(), "BUS_PREFIX": "demo.", "LOG_FORMAT": "json"}
    async with (
        database.temporary(found.database_url) as made,
        product.running(
            "demo", found, made, settings, ports=product.Ports.free(), state=STATE
        ) as system,
        connected(system, "Ateliê Jacarandá") as play,
    ):
        done("Conta conectada ao Bling e à 360Hub (dublês locais)")
        return await _life(play) + await _cancelled_life(play)


async def _life(play: Play) -> list[str]:
    console.rule("A vida de um pedido")
    scene = story.Scene(play, step)
    await story.one_whole_life(scene)
    done(f"O pedido {scene.order['numero']} chegou ao cliente")
    _print_timeline(await play.keeper.timeline(scene.order_id))
    return await differences(scene, situation="Atendido", status="delivered", shipments=1)


async def _cancelled_life(play: Play) -> list[str]:
    console.rule("Um pedido cancelado e reaberto")
    scene = story.Scene(play, step)
    await story.start(scene)
    await story.advance(scene, "awaiting_dispatch")
    await story.cancelled_in_bling(scene)
    await story.reopened(scene)
    done(f"O pedido {scene.order['numero']} segue na segunda remessa")
    return await differences(scene, situation="Em andamento", status="order_created", shipments=2)


def _print_timeline(entries: list[Json]) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for heading in ("hora", "", "o que aconteceu"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        at = datetime.fromisoformat(entry["at"]).astimezone(_BRASILIA)
        colour = _COLOURS[entry["kind"]]
        kind = f"[{colour}]{_KINDS[entry['kind']]}[/]"
        table.add_row(f"{at:%H:%M:%S}.{at.microsecond // 1000:03}", kind, entry["sentence"])
    console.print(table)


def main() -> int:
    """Run the demo; 0 if both sides end as they must, 1 if not."""
    try:
        with servers.ensure("run") as found:
            wrong = asyncio.run(demo(found))
    except PlayError as error:
        problem(str(error))
        return 1
    for difference in wrong:
        problem(difference)
    if not wrong:
        done("Bling e 360Hub mostram o mesmo, e nada foi feito duas vezes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
