"""Shows what programs write to their logs, each line led by a coloured name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import TextIOWrapper

from rich.text import Text

from deploy.console import console
from deploy.processes import Stack

_POLL_S = 0.2
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


@asynccontextmanager
async def shown(stack: Stack) -> AsyncIterator[None]:
    """Show the programs' new lines until the block ends."""
    task = asyncio.create_task(_follow(stack), name="show logs")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _follow(stack: Stack) -> None:
    """Follow the files instead of pipes: a slow terminal then never holds up a program."""
    width = max(len(name) for name in stack.names)
    files: dict[str, TextIOWrapper] = {}
    try:
        while True:
            for position, name in enumerate(stack.names):
                if name not in files:
                    files[name] = stack.log(name).open(errors="replace")
                prefix = Text(f"{name:<{width}} │ ", style=_COLOURS[position % len(_COLOURS)])
                _show_new_lines(files[name], prefix)
            await asyncio.sleep(_POLL_S)
    finally:
        for file in files.values():
            file.close()


def _show_new_lines(file: TextIOWrapper, prefix: Text) -> None:
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(start)  # the rest is still to come
            return
        console.print(prefix + Text.from_ansi(line.rstrip("\n")))
