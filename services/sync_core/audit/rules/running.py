"""Starting the rules of a revision, apart: a git worktree of it, and a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import orjson

import services.sync_core
from services.sync_core.audit.rules import host, walk
from services.sync_core.log import deciding

Answer = dict[str, Any]

_CHECKOUT: Final = Path(services.sync_core.__file__).parents[2]
_LONGEST_ANSWER: Final = 256 * 1024 * 1024
_TO_END_S: Final = 10

_START: Final = """
import importlib.util, sys
import services.sync_core.domain as domain, shared.contracts as contracts
vars(domain).setdefault("erased_subject", lambda event: None)
vars(contracts).setdefault("upcast", lambda message_type, version, data: data)
for name, path in zip(sys.argv[1::2], sys.argv[2::2]):
    found = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
module.main()
"""
"""Puts what asks the rules, which is today's, in its place among the revision's own modules.

Names that came later mean to rules from before them what was so then: nobody could be erased, and
data had one version.
"""


class RulesError(Exception):
    """The rules of that revision cannot be asked. Says why, in one sentence."""


class Rules(Protocol):
    """Rules that can be asked; what, is said in :class:`host.Host`."""

    async def ask(self, **asked: Any) -> Answer:
        """Return the answer to one question."""


class TodaysRules:
    """The rules that are running, asked in the same words."""

    def __init__(self) -> None:
        self._host = host.Host()

    async def ask(self, **asked: Any) -> Answer:
        return self._host.answer(asked)


class RulesApart:
    """The rules of another revision, in another process."""

    def __init__(self, revision: str, process: Process) -> None:
        self._revision = revision
        self._process = process

    async def ask(self, **asked: Any) -> Answer:
        """Return the answer. Raises :class:`RulesError` if the process fails instead."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise TypeError(process)
        try:
            process.stdin.write(orjson.dumps(asked, option=orjson.OPT_APPEND_NEWLINE))
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except ConnectionError:
            answer = b""
        if not answer:
            raise RulesError(f"The rules of {self._revision} failed: {await self._last_words()}")
        told: Answer = orjson.loads(answer)
        return told

    async def _last_words(self) -> str:
        words = await self._process.stderr.read() if self._process.stderr else b""
        return (words.decode(errors="replace").strip().splitlines() or ["without a word"])[-1]


@asynccontextmanager
async def rules_of(revision: str) -> AsyncIterator[Rules]:
    """Start the rules of a git revision of this checkout; end them on leaving.

    Raises :class:`RulesError`: no git, no such revision, or rules without the names that we ask by.
    """
    wanted = f"{revision}^{{commit}}"
    unknown = f"git knows no revision {revision}"
    commit = await _git("rev-parse", "--verify", "--quiet", wanted, failure=unknown)
    with TemporaryDirectory(prefix="rules-") as folder:
        place = Path(folder) / "worktree"
        await _git("worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            async with _started(revision, place) as rules:
                yield rules
        finally:
            await _git("worktree", "remove", "--force", str(place))


@asynccontextmanager
async def _started(revision: str, place: Path) -> AsyncIterator[Rules]:
    modules = [part for each in (deciding, walk, host) for part in (each.__name__, each.__file__)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _START, *map(str, modules)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=place,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(place)},
        limit=_LONGEST_ANSWER,
    )
    try:
        rules = RulesApart(revision, process)
        await rules.ask(ask="rules")
        yield rules
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Let the process end by itself, for there are no more questions; else make it."""
    if process.stdin:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _TO_END_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _git(*arguments: str, failure: str | None = None) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", "-C", str(_CHECKOUT), *arguments), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
    except FileNotFoundError as error:
        raise RulesError("Other rules come from git, which is not installed here") from error
    said, complained = await process.communicate()
    if process.returncode:
        told = complained.decode(errors="replace").strip()
        raise RulesError(told or failure or f"git {arguments[0]} failed")
    return said.decode().strip()
