"""``audit verify``: the proof that nobody changed the log."""

import getpass
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from rich.progress import Progress as Bar

from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    NoSuchAccountError,
    console,
    errors,
    finish,
    print_json,
    progress_bar,
    reading,
    warn_that_signatures_are_not_checked,
)
from services.sync_core.checkpoints.store import last_checkpoint
from services.sync_core.checkpoints.verifying import stated_and_missing, verify_checkpoints
from services.sync_core.clock import utc_now
from services.sync_core.log.connection import Pool
from services.sync_core.log.parallel import verify_all
from services.sync_core.log.proving import Difference, accounts_with_logs
from services.sync_core.log.verify import Place, Verification, places, prove, save_verifications
from services.sync_core.settings import Audit
from shared.settings import load

_WORTH_PROCESSES: Final = 50_000
"""Events; to start processes takes as long as to walk so many."""


def verify(account: Account = None, as_json: Json = False) -> None:
    """Check every hash of the log, from the first event to the head, and every checkpoint."""
    finish(_verify(account, as_json=as_json))


async def _verify(account: UUID | None, *, as_json: bool) -> int:
    async with reading() as pool:
        chosen = [each for each in await places(pool) if account in (None, each.account_id)]
        if account is not None and not chosen:
            raise NoSuchAccountError(account)
        with progress_bar() as bar:
            missing = await stated_and_missing(pool, account)
            verifications = _with(await _prove(pool, chosen, bar), missing)
            checkpoints = await _prove_checkpoints(pool, bar) if account is None else []
        await save_verifications(pool, verifications, verified_by=_operator(), at=utc_now())
    for verification in verifications:
        _tell(verification, as_json=as_json)
    for each in checkpoints:
        _tell_checkpoint(each, as_json=as_json)
    found = sum(len(verification.differences) for verification in verifications) + len(checkpoints)
    if not as_json:
        console.print(f"verify: {len(chosen)} accounts, {found} differences")
    return FOUND_A_DIFFERENCE if found else 0


async def _prove(pool: Pool, chosen: Sequence[Place], bar: Bar) -> list[Verification]:
    held = dict(await accounts_with_logs(pool))
    events = sum(held.get(place.account_id, 0) for place in chosen)
    task = bar.add_task("events", total=events)

    def progress(read: int) -> None:
        bar.advance(task, read)

    if events < _WORTH_PROCESSES:
        return [await prove(pool, place, progress) for place in chosen]
    return await verify_all(pool, load(Audit).database_url, "sync_core", chosen, progress)


def _with(
    verifications: Sequence[Verification], missing: dict[UUID, list[Difference]]
) -> list[Verification]:
    """Add what checkpoints state of an account and its log does not hold."""
    return [
        replace(each, differences=(*each.differences, *missing.get(each.place.account_id, ())))
        for each in verifications
    ]


async def _prove_checkpoints(pool: Pool, bar: Bar) -> list[Difference]:
    last = await last_checkpoint(pool)
    task = bar.add_task("checkpoints", total=last.number if last else 0)
    verifiers = load(Audit).verifiers
    if last and not verifiers:
        warn_that_signatures_are_not_checked()
    return await verify_checkpoints(pool, verifiers, lambda read: bar.advance(task, read))


def _tell(verification: Verification, *, as_json: bool) -> None:
    account_id = verification.place.account_id
    if as_json:
        found = [{"where": each.where, "cause": each.cause} for each in verification.differences]
        told = {
            "account_id": str(account_id),
            "position": verification.position,
            "differences": found,
        }
        print_json(told)
        return
    for each in verification.differences:
        _print(f"{account_id} {each.where}: {each.cause}")


def _tell_checkpoint(each: Difference, *, as_json: bool) -> None:
    if as_json:
        print_json({"checkpoint": each.where, "cause": each.cause})
    else:
        _print(f"{each.where}: {each.cause}")


def _print(difference: str) -> None:
    errors.print(difference, style="red", markup=False, soft_wrap=True)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container, a user need not have a name
        return "nobody by name"
