"""Shows what programs write to their logs, each line led by a coloured name."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TextIO

from rich.text import Text

from deploy.console import console
from deploy.processes import Stack

_POLL_S = 0.2
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


@asynccontextmanager
async def shown(stack: Stack) -> AsyncIterator[None]:
    """Show what the programs say from now on, until the block ends.

    What they said while they started stays in their files: it would push what we said out of
    sight. Follows the files instead of pipes: a slow terminal then never holds up a program.
    """
    logs = _open(stack)
    task = asyncio.create_task(_follow(logs), name="show logs")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        for log in logs:
            log.show_new_lines()
            log.file.close()


@dataclass(frozen=True)
class _Log:
    prefix: Text
    file: TextIO

    def show_new_lines(self) -> None:
        while True:
            start = self.file.tell()
            line = self.file.readline()
            if not line.endswith("\n"):
                self.file.seek(start)  # the rest is still to come
                return
            console.print(self.prefix + Text.from_ansi(line.rstrip("\n")))


def _open(stack: Stack) -> list[_Log]:
    width = max(len(name) for name in stack.names)
    prefixes = (f"{name:<{width}} │ " for name in stack.names)
    logs = [
        _Log(Text(prefix, style=colour), stack.log(name).open(errors="replace"))
        for name, prefix, colour in zip(stack.names, prefixes, cycle(_COLOURS), strict=False)
    ]
    for log in logs:
        log.file.seek(0, os.SEEK_END)
    return logs


async def _follow(logs: list[_Log]) -> None:
    while True:
        for log in logs:
            log.show_new_lines()
        await asyncio.sleep(_POLL_S)
