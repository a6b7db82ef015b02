"""A stack starts, kills, freezes, restarts and stops its programs."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from deploy import records
from deploy.errors import ProgramFailedError
from deploy.places import free_port, is_taken
from deploy.processes import Program, Stack, python


@pytest.fixture
def program() -> Program:
    """A tiny web server, in place of a service."""
    port = free_port()
    command = python("-m", "http.server", str(port), "--bind", "127.0.0.1")
    return Program("web", command, {"NAME": "web"}, (f"http://127.0.0.1:{port}/",))


@pytest.fixture
async def stack(program: Program, state: Path) -> AsyncIterator[Stack]:
    async with Stack("test", [program], state=state) as stack:
        await stack.start()
        await stack.wait_ready()
        yield stack


async def test_a_killed_program_is_gone_and_comes_back_on_restart(
    stack: Stack, program: Program
) -> None:
    await stack.kill("web")

    assert not stack.is_running("web")
    assert not is_taken(_port(program))

    await stack.restart("web")

    assert await _status(program) == 200
    assert '"GET / HTTP/1.1" 200' in stack.log("web").read_text()


async def test_a_paused_program_answers_only_after_it_is_resumed(
    stack: Stack, program: Program
) -> None:
    stack.pause("web")
    with pytest.raises(TimeoutError):
        await _status(program, limit_s=0.3)

    stack.resume("web")

    assert await _status(program) == 200


async def test_stopping_ends_every_program_even_a_paused_one(stack: Stack, state: Path) -> None:
    stack.pause("web")

    await stack.stop()

    assert not stack.is_running("web")
    assert list(records.left_over(state)) == []


async def test_a_replica_can_be_added_while_others_run(stack: Stack) -> None:
    port = free_port()
    command = python("-m", "http.server", str(port), "--bind", "127.0.0.1")
    stack.add(Program("web-2", command, {}, (f"http://127.0.0.1:{port}/",)))

    await stack.start("web-2")
    await stack.wait_ready("web-2")
    await stack.kill("web")

    assert stack.is_running("web-2")


async def test_the_first_program_to_end_is_named(stack: Stack) -> None:
    ended = asyncio.create_task(stack.first_end())
    await stack.kill("web")

    assert await ended == "web"


async def test_a_program_that_fails_at_once_is_reported_with_what_it_said(state: Path) -> None:
    command = python("-c", "raise SystemExit('SYNC_CORE_PORT must be a port')")
    program = Program("core", command, {}, (f"http://127.0.0.1:{free_port()}/",))

    async with Stack("test", [program], state=state) as stack:
        await stack.start()
        with pytest.raises(ProgramFailedError, match="SYNC_CORE_PORT must be a port"):
            await stack.wait_ready(limit_s=20)


async def test_a_program_that_never_answers_is_reported_after_the_limit(state: Path) -> None:
    command = python("-c", "import time; time.sleep(60)")
    program = Program("core", command, {}, (f"http://127.0.0.1:{free_port()}/",))

    async with Stack("test", [program], state=state) as stack:
        await stack.start()
        with pytest.raises(ProgramFailedError, match=r"not ready after 0\.3 s"):
            await stack.wait_ready(limit_s=0.3)


async def test_one_shot_programs_must_succeed(state: Path) -> None:
    good = Program("good", python("-c", "print('migrated')"))
    bad = Program("bad", python("-c", "raise SystemExit(3)"))

    async with Stack("test", [good, bad], state=state) as stack:
        await stack.finish("good")
        with pytest.raises(ProgramFailedError, match="exit code 3"):
            await stack.finish("bad")

        assert stack.log("good").read_text() == "migrated\n"


def test_a_record_does_not_match_a_later_process_of_the_same_id(state: Path) -> None:
    ours = records.Record("us", os.getpid(), born="1")
    records.write(state, ours)

    assert not ours.alive
    assert records.running(state, "us") is None


def _port(program: Program) -> int:
    return int(program.ready_urls[0].rstrip("/").rpartition(":")[2])


async def _status(program: Program, limit_s: float = 10) -> int:
    timeout = aiohttp.ClientTimeout(total=limit_s)
    async with (
        aiohttp.ClientSession(timeout=timeout) as client,
        client.get(program.ready_urls[0]) as answer,
    ):
        return answer.status
