"""``python -m tests.life.faults``: play many orders with every fault on, and print the report."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from deploy import servers
from deploy.console import console, step
from tests.life.conftest import running_system
from tests.life.faults.fates import Life
from tests.life.faults.market import open_markets
from tests.life.faults.play import play, wrong_in_the_end
from tests.life.faults.report import Report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(orders: int = 500, sellers: int = 10, probability: float = 0.1) -> None:
    with servers.ensure("run") as found, TemporaryDirectory() as state:
        state = "/tmp/faultstate"; Path(state).mkdir(exist_ok=True)
        wrong = asyncio.run(_play(found, Path(state), orders, sellers, probability))
    raise typer.Exit(1 if wrong else 0)


async def _play(
    found: servers.Found, state: Path, orders: int, sellers: int, probability: float
) -> Sequence[str]:
    async with (
        running_system("faults", found, state) as system,
        open_markets(system, sellers) as markets,
    ):
        step(f"{orders} orders of {sellers} sellers, each fault at {probability:.0%}")
        lives: list[Life] = await play(markets, orders, probability)
        step("All is played; waiting until both sides are in step, or say why they are not")
        wrong = await wrong_in_the_end(lives)
        import asyncpg, json
        conn = await asyncpg.connect(system.database.owner_url)
        for r in await conn.fetch("select * from hub_gateway.work"): print(dict(r))
        for r in await conn.fetch("select * from hub_gateway.account"): print(dict(r))
        for life in lives:
            if life.broken:
                print(json.dumps(await life.market.play.keeper.order(life.order_id))[:1500])
                for e in (await life.market.play.keeper.timeline(life.order_id)): print(e["at"], e["type"], e["stream"], e["sentence"][:150])
        report = Report()
        for market in markets:
            await report.add(market)
    report.print(console, lives)
    for each in wrong:
        console.print(f"[red]✗[/red] {each}")
    if not wrong:
        console.print(f"[green]✓[/green] all {len(lives)} orders ended as they must")
    return wrong


if __name__ == "__main__":
    app()
