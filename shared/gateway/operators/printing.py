"""How operators' commands speak: tables for people, JSON for programs, exit codes for scripts."""

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn

import asyncpg
import orjson
import typer
from rich.console import Console
from rich.table import Table

from shared.database import reason_for_operator
from shared.gateway.values import utc_now
from shared.starting import EXIT_CANNOT_START, CannotStartError

OK: Final = 0
FAILED: Final = 1
"""Nothing was found, or what was asked for could not be done."""
USAGE: Final = 2

_WIDE: Final = 200
"""Columns when nobody looks: a file has no width, and cut-off ids are of no use in it."""

console: Final = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
errors: Final = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def finish(command: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command to its end and leave with its exit code."""
    try:
        code = asyncio.run(command)
    except CannotStartError as error:
        complain(str(error))
        code = EXIT_CANNOT_START
    except asyncpg.PostgresError as error:
        complain(reason_for_operator(error))
        code = EXIT_CANNOT_START
    raise typer.Exit(code)


def complain(sentence: str) -> None:
    """Say what is wrong, apart from the output."""
    errors.print(sentence, style="red", markup=False)


def say(sentence: str) -> None:
    """Say what was done."""
    console.print(sentence, markup=False)


def print_json(value: object) -> None:
    """Print a value for programs."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(*headings: str) -> Table:
    """Return a plain table; without headings, one of names and values."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_header=bool(headings))
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def ago(moment: datetime | None) -> str:
    """Say how long ago something was, or how far ahead."""
    if moment is None:
        return "never"
    seconds = (utc_now() - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def exactly(moment: datetime | None) -> str:
    """Say when something was, to the second, and how long ago that is."""
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago(moment)}"


def span(seconds: float) -> str:
    """Say how long something takes, in its two largest units."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, rest_min = divmod(minutes, 60)
    days, rest_h = divmod(hours, 24)
    if days:
        return f"{days} d {rest_h} h"
    if hours:
        return f"{hours} h {rest_min} min"
    return f"{minutes} min {rest_s} s" if minutes else f"{rest_s} s"
