"""``audit loops``: the proof that no command of ours answers itself."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from services.sync_core.audit.commands.accounts import chosen_accounts, counting
from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    console,
    errors,
    finish,
    print_json,
    reading,
)
from services.sync_core.audit.loops import LoopReport, find_loops


def loops(account: Account = None, as_json: Json = False) -> None:
    """Look for commands that led to themselves, and name the longest causal chain."""
    finish(_loops(account, as_json=as_json))


async def _loops(account: UUID | None, *, as_json: bool) -> int:
    async with reading() as pool:
        accounts = await chosen_accounts(pool, account)
        with counting("loops", accounts) as progress:
            reports = [await find_loops(pool, each, progress) for each, _ in accounts]
    if as_json:
        for report in reports:
            print_json(asdict(report) | {"account_id": str(report.account_id)})
    else:
        _tell(reports)
    return FOUND_A_DIFFERENCE if any(report.loops for report in reports) else 0


def _tell(reports: Sequence[LoopReport]) -> None:
    for report in reports:
        for loop in report.loops:
            where = f"{report.account_id} {loop.stream}: {loop.type} led to itself"
            errors.print(f"{where}, positions {_positions(loop.positions)}", style="red")
    found = sum(len(report.loops) for report in reports)
    events = sum(report.events for report in reports)
    console.print(f"loops: {len(reports)} accounts, {events} events, {found} loops")
    chains = [(report.account_id, report.longest) for report in reports if report.longest]
    if chains:
        account_id, chain = max(chains, key=lambda each: len(each[1].positions))
        console.print(
            f"longest chain: {len(chain.positions)} events, to {chain.stream} of {account_id},"
            f" positions {_positions(chain.positions)}",
            soft_wrap=True,
        )


def _positions(positions: Sequence[int]) -> str:
    return " → ".join(map(str, positions))
