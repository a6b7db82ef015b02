"""A stack of programs that run as processes: started, watched, killed, restarted, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from deploy import records
from deploy.errors import ProgramFailedError, tail
from deploy.places import PROJECT
from deploy.records import Record

_STOP_LIMIT_S = 15
_POLL_S = 0.1


@dataclass(frozen=True)
class Program:
    """What to run, with what added to our environment, and the addresses that say it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_urls: tuple[str, ...] = ()


def python(*arguments: str) -> tuple[str, ...]:
    """Return the command that runs our Python with unbuffered output."""
    return (sys.executable, "-u", *arguments)


class Stack:
    """Programs that live together, each with a log file and a record for `make stop`.

    Leaving the block stops all that still run, the last started first. Each program leads its own
    process group, so that Ctrl-C at the terminal reaches only us.
    """

    def __init__(self, name: str, programs: Iterable[Program], *, state: Path) -> None:
        self.name = name
        self.logs = state / "logs" / name
        self._state = state
        self._programs = {program.name: program for program in programs}
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        for program in self._programs.values():
            self.log(program.name).write_bytes(b"")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def names(self) -> tuple[str, ...]:
        """The programs' names, in the order of their start."""
        return tuple(self._programs)

    def add(self, program: Program) -> None:
        """Take in one more program, such as a second replica, without starting it."""
        self._programs[program.name] = program
        self.log(program.name).write_bytes(b"")

    def log(self, name: str) -> Path:
        """Return the file that holds all that a program said since the stack was entered."""
        return self.logs / f"{name}.log"

    def is_running(self, name: str) -> bool:
        """Whether a program was started and has not ended."""
        process = self._processes.get(name)
        return process is not None and process.returncode is None

    async def start(self, *names: str) -> None:
        """Start the named programs, or all, without waiting until they are ready."""
        for name in names or self.names:
            program = self._programs[name]
            with self.log(name).open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *program.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=PROJECT,
                    env=os.environ | program.environment,
                    start_new_session=True,
                )
            self._processes[name] = process
            self._record(name, process.pid)

    async def wait_ready(self, *names: str, limit_s: float = 30) -> None:
        """Wait until the named programs, or all, answer 200 at all their ready addresses.

        Raises `ProgramFailedError` with the end of the log if one ends or takes too long.
        """
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client:
            for name in names or self.names:
                try:
                    async with asyncio.timeout(limit_s):
                        await self._until_ready(client, name)
                except TimeoutError:
                    raise self._failure(name, f"is not ready after {limit_s:g} s") from None

    async def finish(self, name: str, limit_s: float = 120) -> None:
        """Start a program that does one thing, and wait until it has done it.

        Raises `ProgramFailedError` with the end of the log if it fails or takes too long.
        """
        await self.start(name)
        try:
            async with asyncio.timeout(limit_s):
                code = await self._processes[name].wait()
        except TimeoutError:
            raise self._failure(name, f"is not done after {limit_s:g} s") from None
        if code:
            raise self._failure(name, f"failed with exit code {code}")
        self._forget(name)

    async def first_end(self) -> str:
        """Wait until any program ends, and return its name."""
        waiting = {
            asyncio.create_task(process.wait(), name=name)
            for name, process in self._processes.items()
        }
        try:
            ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return ended.pop().get_name()
        finally:
            for task in waiting:
                task.cancel()

    async def kill(self, name: str) -> None:
        """End a program as a crash would: nothing of it runs on, nothing is tidied up."""
        self._send(name, signal.SIGKILL)
        await self._processes[name].wait()

    async def end(self, name: str) -> None:
        """Ask a program to end, wait, and kill it when it takes too long."""
        process = self._processes[name]
        self._send(name, signal.SIGTERM)
        self.resume(name)
        try:
            async with asyncio.timeout(_STOP_LIMIT_S):
                await process.wait()
        except TimeoutError:
            await self.kill(name)

    async def restart(self, name: str) -> None:
        """End a program if it runs, start it again, and wait until it is ready."""
        if self.is_running(name):
            await self.end(name)
        await self.start(name)
        await self.wait_ready(name)

    def pause(self, name: str) -> None:
        """Freeze a program, as a machine that stands still would."""
        self._send(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen program go on."""
        self._send(name, signal.SIGCONT)

    async def stop(self) -> None:
        """End all programs, the last started first; safe to call twice."""
        for name in reversed(list(self._processes)):
            await self.end(name)
            self._forget(name)

    async def _until_ready(self, client: aiohttp.ClientSession, name: str) -> None:
        for url in self._programs[name].ready_urls:
            while not await _answers(client, url):
                if not self.is_running(name):
                    code = self._processes[name].returncode
                    raise self._failure(name, f"ended with exit code {code}")
                await asyncio.sleep(_POLL_S)

    def _failure(self, name: str, what: str) -> ProgramFailedError:
        said = tail(self.log(name).read_text(errors="replace"))
        return ProgramFailedError(f"{name} {what} ({self.log(name)}):\n{said}")

    def _send(self, name: str, number: signal.Signals) -> None:
        if self.is_running(name):
            with suppress(ProcessLookupError):  # it ended, and we were not told yet
                os.killpg(self._processes[name].pid, number)

    def _record(self, name: str, pid: int) -> None:
        record = Record(self._label(name), pid, records.birth(pid), leads_group=True)
        records.write(self._state, record)

    def _forget(self, name: str) -> None:
        del self._processes[name]
        records.forget(self._state, self._label(name))

    def _label(self, name: str) -> str:
        return f"{self.name}-{name}"


async def _answers(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
