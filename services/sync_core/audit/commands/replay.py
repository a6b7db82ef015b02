"""``audit replay``: every state folded from the log again, compared, and put in place."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import typer
from rich.progress import Progress, TaskID

from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    NoSuchAccountError,
    console,
    errors,
    finish,
    not_the_owner,
    print_json,
    progress_bar,
    reading,
    usage_error,
)
from services.sync_core.replay import (
    BrokenLogError,
    Difference,
    Replay,
    TablesInUseError,
    shadow_tables,
)
from services.sync_core.settings import Migration
from shared.settings import load

_MOST_SHOWN: Final = 20

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only compare; the live states stay as they are.")
]


def replay(dry_run: DryRun = False, account: Account = None, json: Json = False) -> None:
    """Fold the log again, tell what is stored otherwise, and put what was folded in its place.

    The system goes on working meanwhile. Exits with 1 if --dry-run finds a difference, or the log
    cannot be folded.
    """
    if account is not None and not dry_run:
        raise typer.Exit(usage_error("One account can only be compared: add --dry-run"))
    finish(_replay(dry_run, account, _Report(json)))


@dataclass
class _Report:
    """What is said while a replay goes on, and after it."""

    json: bool
    events: int = 0
    differences: int = 0
    waited_s: float | None = None
    bar: Progress = field(default_factory=progress_bar)
    task: TaskID = field(init=False)

    def __post_init__(self) -> None:
        self.task = self.bar.add_task("replay", total=None)

    def folded(self, events: int) -> None:
        self.events += events
        self.bar.advance(self.task, events)

    def differs(self, difference: Difference) -> None:
        self.differences += 1
        if self.json:
            print_json(asdict(difference) | {"account_id": str(difference.account_id)})
        elif self.differences <= _MOST_SHOWN:
            told = f"{difference.account_id} {difference.stream}: {difference.cause}"
            console.print(told, markup=False, soft_wrap=True)

    def tell(self) -> None:
        if self.json:
            print_json(
                {
                    "events": self.events,
                    "differences": self.differences,
                    "swapped": self.waited_s is not None,
                    "appends_waited_s": self.waited_s,
                }
            )
            return
        if self.differences > _MOST_SHOWN:
            console.print(f"and {self.differences - _MOST_SHOWN} more: --json tells all")
        end = "nothing changed"
        if self.waited_s is not None:
            end = f"swapped in; appends waited {self.waited_s * 1000:.0f} ms"
        console.print(f"replay: {self.events} events, {self.differences} differences; {end}")


async def _replay(dry_run: bool, account: UUID | None, report: _Report) -> int:
    owner_url = load(Migration).migration_database_url
    try:
        async with reading() as source, shadow_tables(owner_url) as shadow:
            work = Replay(source, shadow, report, account)
            total = await work.news()
            if account is not None and not total:
                raise NoSuchAccountError(account)
            report.bar.update(report.task, total=total)
            with report.bar:
                await work.rebuild()
                if not dry_run:
                    report.waited_s = await work.put_live()
    except asyncpg.InsufficientPrivilegeError as error:
        return not_the_owner(error)
    except TablesInUseError as error:
        return usage_error(str(error))
    except BrokenLogError as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        return FOUND_A_DIFFERENCE
    report.tell()
    return FOUND_A_DIFFERENCE if dry_run and report.differences else 0
