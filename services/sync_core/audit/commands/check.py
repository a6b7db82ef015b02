"""``audit check``: what to run after a restore, a failover or a migration."""

from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Json,
    console,
    errors,
    finish,
    print_json,
    progress_bar,
    reading,
    warn_that_signatures_are_not_checked,
)
from services.sync_core.checking.check import Checked
from services.sync_core.checking.check import check as run_checks
from services.sync_core.log.verify import places
from services.sync_core.settings import Audit
from shared.settings import load


def check(as_json: Json = False) -> None:
    """Check that nothing is missing: gaps, chain ends, versions, files, rights, checkpoints."""
    finish(_check(as_json=as_json))


async def _check(*, as_json: bool) -> int:
    settings = load(Audit)
    async with reading() as pool:
        with progress_bar() as bar:
            task = bar.add_task("check", total=len(await places(pool)))
            checks = await run_checks(
                pool,
                settings.checkpoint_file,
                settings.verifiers,
                lambda accounts: bar.advance(task, accounts),
            )
    for each in checks:
        _tell(each, as_json=as_json)
    if not settings.verifiers:
        warn_that_signatures_are_not_checked()
    return FOUND_A_DIFFERENCE if any(each.differences for each in checks) else 0


def _tell(checked: Checked, *, as_json: bool) -> None:
    if as_json:
        found = [{"where": each.where, "cause": each.cause} for each in checked.differences]
        print_json({"check": checked.name, "differences": found})
        return
    told = f"{len(checked.differences)} differences" if checked.differences else "ok"
    console.print(f"{checked.name}: {told}")
    for each in checked.differences:
        errors.print(f"{each.where}: {each.cause}", style="red", markup=False, soft_wrap=True)
