"""``audit export``: an account's history for others."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

import typer

from services.sync_core.audit.commands.output import (
    Json,
    NoSuchAccountError,
    console,
    errors,
    finish,
    print_json,
    progress_bar,
    reading,
    usage_error,
)
from services.sync_core.audit.explanations import BRASILIA
from services.sync_core.clock import utc_now
from services.sync_core.export.bundle import Chosen, File, bundle, chosen, provable
from services.sync_core.export.packing import packed, unpacked
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import Logged, history
from services.sync_core.log.proving import Progress
from services.sync_core.settings import Audit
from shared.settings import load


class Form(StrEnum):
    """What an export is for."""

    BUNDLE = "bundle"
    PARQUET = "parquet"


def export(
    account: Annotated[UUID, typer.Option(help="The account, by its id.")],
    out: Annotated[
        Path, typer.Option(help="A new directory, or a new file that ends in .tar.gz or .parquet.")
    ],
    begin: Annotated[
        str | None,
        typer.Option("--from", help="From this time on: 2026-11-01 or 2026-11-01T12:00-03:00."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Until before this time. Without offset: Brasília's.")
    ] = None,
    form: Annotated[
        Form,
        typer.Option("--format", help="bundle: to check offline. parquet: to analyse."),
    ] = Form.BUNDLE,
    as_json: Json = False,
) -> None:
    """Write an account's history out: a bundle that anyone can check offline, or a table."""
    try:
        times = _moment(begin), _moment(end)
    except ValueError:
        raise typer.Exit(usage_error("A time is 2026-11-01 or 2026-11-01T12:00-03:00")) from None
    if times[0] and times[1] and times[0] >= times[1]:
        raise typer.Exit(usage_error("--from must be before --to"))
    if out.exists():
        raise typer.Exit(usage_error(f"{out} exists already"))
    if not out.parent.is_dir():
        raise typer.Exit(usage_error(f"{out.parent} is no directory"))
    if form is Form.BUNDLE and out.suffix == ".parquet":
        raise typer.Exit(usage_error(f"{out.name} names a table: add --format parquet"))
    finish(_export(account, *times, out, form, as_json))


async def _export(
    account_id: UUID,
    begin: datetime | None,
    end: datetime | None,
    out: Path,
    form: Form,
    as_json: bool,
) -> int:
    async with reading() as pool:
        what = await chosen(pool, account_id, begin, end)
        if what.last == 0:
            raise NoSuchAccountError(account_id)
        if form is Form.BUNDLE:
            what = await provable(pool, what)
        with progress_bar() as bar:
            task = bar.add_task("export", total=what.last - what.first + 1)
            try:
                with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
                    part = Path(scratch, out.name)
                    await _write(pool, what, part, form, lambda read: bar.advance(task, read))
                    os.rename(part, out)
            except ModuleNotFoundError:
                return usage_error("Parquet needs the package pyarrow: pip install pyarrow")
    if as_json:
        told = {"out": str(out), "first": what.first, "last": what.last}
        print_json(told | {"left_out": what.left_out})
    else:
        console.print(f"export: events {what.first} to {what.last} in {out}", markup=False)
    if what.left_out:
        later = f"{what.left_out} later events are left out: no checkpoint holds them yet"
        errors.print(later, markup=False)
    elif form is Form.BUNDLE and what.inclusion is None:
        errors.print("no checkpoint holds these events: the bundle proves little", markup=False)
    return 0


async def _write(pool: Pool, what: Chosen, out: Path, form: Form, progress: Progress) -> None:
    if form is Form.PARQUET:
        # Only who exports Parquet needs pyarrow to be installed.
        from services.sync_core.export import parquet

        pages = history(pool, what.account_id, after=what.first - 1, upto=what.last)
        await parquet.write(_asked(pages, what, progress), out)
        return
    keys = [verifier.line for verifier in load(Audit).verifiers]
    files = _told(bundle(pool, what, utc_now(), keys), progress)
    if not out.name.endswith(".tar.gz"):
        await unpacked(files, out)
        return
    with out.open("wb") as file:
        async for block in packed(files, out.name.removesuffix(".tar.gz")):
            file.write(block)


async def _told(files: AsyncIterator[File], progress: Progress) -> AsyncIterator[File]:
    async for file in files:
        yield file
        progress(file.events)


async def _asked(
    pages: AsyncIterator[list[Logged]], what: Chosen, progress: Progress
) -> AsyncIterator[list[Logged]]:
    """Leave out the events beside the asked time, which only a proof needs."""
    async for page in pages:
        yield [logged for logged in page if what.asks_for(logged)]
        progress(len(page))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BRASILIA)
