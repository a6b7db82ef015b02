"""``audit diff``: the states that another revision's rules give."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from services.sync_core.audit.commands.accounts import chosen_accounts, counting
from services.sync_core.audit.commands.output import (
    FOUND_A_DIFFERENCE,
    Account,
    Json,
    console,
    finish,
    print_json,
    reading,
)
from services.sync_core.audit.rules.diff import StreamDiffers
from services.sync_core.audit.rules.diff import diff as diff_of
from services.sync_core.audit.rules.running import rules_of
from shared.contracts import canonical


def diff(
    rules: Annotated[str, typer.Option(help="A git revision, whose rules fold the log again.")],
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Compare, field by field, the states that these rules fold with those of another revision."""
    finish(_diff(rules, account, as_json))


async def _diff(revision: str, account: UUID | None, as_json: bool) -> int:
    table = Table("account", "stream", "field", "these rules", revision, box=None)
    found = 0
    async with reading() as pool, rules_of(revision) as rules:
        accounts = await chosen_accounts(pool, account)
        with counting("diff", accounts) as progress:
            for account_id, _ in accounts:
                async for differs in diff_of(pool, account_id, rules, progress):
                    found += 1
                    if as_json:
                        print_json(_json(account_id, differs))
                    else:
                        _add(table, account_id, differs)
    if not as_json:
        console.print(table)
        console.print(f"diff: {len(accounts)} accounts, {found} streams differ from {revision}")
    return FOUND_A_DIFFERENCE if found else 0


def _json(account_id: UUID, differs: StreamDiffers) -> dict[str, object]:
    fields = {each.field: {"here": each.one, "there": each.other} for each in differs.fields}
    told = {"unknown": differs.unknown} if differs.unknown else {"fields": fields}
    return {"account_id": str(account_id), "stream": differs.stream, **told}


def _add(table: Table, account_id: UUID, differs: StreamDiffers) -> None:
    if differs.unknown:
        table.add_row(str(account_id), differs.stream, "", "", f"cannot read {differs.unknown}")
    for each in differs.fields:
        values = (_cell(each.one), _cell(each.other))
        table.add_row(str(account_id), differs.stream, each.field, *values)


def _cell(value: object) -> Text:
    return Text(canonical(value).decode())
