"""``python -m tests.life.faults``: play many orders with every fault on, and print the report."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy import servers
from deploy.console import console, done, problem, step
from tests.life.conftest import running_system
from tests.life.faults.market import COMPARING_OFTEN, open_markets
from tests.life.faults.play import play, wrong_in_the_end
from tests.life.faults.report import Report
from tests.life.proofs import assert_order_kept

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(orders: int = 500, sellers: int = 10, probability: float = 0.1) -> None:
    with servers.ensure("run") as found, TemporaryDirectory() as state:
        wrong = asyncio.run(_play(found, Path(state), orders, sellers, probability))
    raise typer.Exit(1 if wrong else 0)


async def _play(
    found: servers.Found, state: Path, orders: int, sellers: int, probability: float
) -> Sequence[str]:
    """Play on a system of its own, and return what is not as it must be."""
    async with (
        running_system("faults", found, state, **COMPARING_OFTEN) as system,
        open_markets(system, sellers) as markets,
    ):
        step(f"{orders} orders of {sellers} sellers, each fault at {probability:.0%}")
        with _progress() as bar:
            task = bar.add_task("Orders played", total=orders)
            lives = await play(markets, orders, probability, played=lambda: bar.advance(task))
        step("Waiting until both sides are in step, or say why they are not")
        wrong = await wrong_in_the_end(lives)
        report = await Report.of(markets)
        await assert_order_kept(system)
    report.print(console, lives)
    for each in wrong:
        problem(each)
    if not wrong:
        done(f"all {orders} orders ended as they must, nothing was done twice, the log proves it")
    return wrong


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeElapsedColumn(), console=console)


if __name__ == "__main__":
    app()
