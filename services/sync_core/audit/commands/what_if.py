"""``audit what-if``: which decisions another mapping or other rules would have changed."""

from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from services.sync_core.audit.commands.accounts import chosen_accounts, counting
from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    console,
    finish,
    print_json,
    reading,
    usage_error,
)
from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.audit.rules.running import (
    Answer,
    Rules,
    TodaysRules,
    rules_of,
)
from services.sync_core.audit.rules.what_if import what_if as what_if_of
from shared.contracts.account import Mapping

MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="JSON of the mapping to try, as the API shows it."),
]
Revision = Annotated[
    str | None, typer.Option("--rules", help="A git revision, whose rules decide again.")
]


def what_if(
    mapping: MappingFile = None,
    rules: Revision = None,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Decide again upon what was recorded, and list what would have been decided otherwise.

    Exact up to each order's first difference, which is where its list ends.
    """
    if mapping is None and rules is None:
        raise typer.Exit(usage_error("Say what to try: --mapping FILE, --rules REV, or both"))
    tried = _mapping(mapping) if mapping else None
    finish(_what_if(tried, rules, account, as_json))


def _mapping(file: Path) -> Mapping:
    try:
        return Mapping.model_validate_json(file.read_bytes())
    except OSError as error:
        raise typer.Exit(usage_error(f"{file} cannot be read: {error.strerror}")) from None
    except ValidationError as error:
        wrong = error.errors()[0]
        told = " ".join([".".join(map(str, wrong["loc"])), wrong["msg"]]).strip()
        raise typer.Exit(usage_error(f"{file} is no mapping: {told}")) from None


async def _what_if(
    mapping: Mapping | None, revision: str | None, account: UUID | None, as_json: bool
) -> int:
    shown = _Shown(as_json)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(reading())
        rules: Rules = TodaysRules()
        if revision is not None:
            rules = await stack.enter_async_context(rules_of(revision))
        accounts = await chosen_accounts(pool, account)
        progress = stack.enter_context(counting("what-if", accounts))
        for account_id, _ in accounts:
            async for found in what_if_of(pool, account_id, rules, mapping, progress):
                shown.add(account_id, found)
    shown.end()
    return FOUND_A_DIFFERENCE if shown.differing else 0


class _Shown:
    """Prints what is found as it is found, and counts it."""

    def __init__(self, as_json: bool) -> None:
        self.differing = 0
        self._ended = 0
        self._as_json = as_json

    def add(self, account_id: UUID, found: Answer) -> None:
        self.differing += "ended_at" not in found
        self._ended += "ended_at" in found
        if self._as_json:
            print_json({"account_id": str(account_id), **found})
        else:
            told = _end_of(found) if "ended_at" in found else _differing(found)
            console.print(told, markup=False, highlight=False)

    def end(self) -> None:
        if not self._as_json:
            told = f"what-if: {self.differing} decisions differ; exact up to each first difference"
            console.print(f"{told}, {self._ended} streams end there")


def _differing(found: Answer) -> str:
    at = datetime.fromisoformat(found["at"]).astimezone(BRASILIA)
    return (
        f"{found['position']}  {at:%d/%m %H:%M:%S}  {found['stream']}\n"
        f"    decided:        {_sentence(found['decided'])}\n"
        f"    would be:       {_sentence(found['would_be'])}"
    )


def _end_of(found: Answer) -> str:
    because = "" if found["of"] == found["stream"] else f", because {found['of']} differs"
    return f"{found['stream']}: not exact after position {found['ended_at']}{because}"


def _sentence(entry: Answer | None) -> str:
    return entry["sentence"] if entry else "nothing"
