"""Bling's double as a process: it serves, or says which setting is wrong."""

import asyncio
import os
import sys

import aiohttp
import pytest


async def _start(*options: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.bling",
        *options,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _healthy(port: int) -> bool:
    try:
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/_sandbox/health") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_process_serves_and_stops(unused_tcp_port: int) -> None:
    process = await _start("--port", str(unused_tcp_port))
    try:
        async with asyncio.timeout(15):
            while not await _healthy(unused_tcp_port):
                assert process.returncode is None
                await asyncio.sleep(0.05)
    finally:
        process.terminate()
        await process.communicate()

    assert process.returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BLING_SANDBOX_PORT", "many"),
        ("BLING_SANDBOX_CLIENT_SECRET", ""),
        ("BLING_SANDBOX_WEBHOOK_URL", "nowhere"),
    ],
)
async def test_wrong_setting_is_named_in_one_line(name: str, value: str) -> None:
    process = await _start(**{name: value})
    _, told = await process.communicate()

    assert process.returncode == 2
    assert told.decode().startswith(f"{name}: ")
    assert told.decode().count("\n") == 1
