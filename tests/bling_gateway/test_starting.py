"""A gateway that is told something wrong says what, and does not start."""

import asyncio
import os
import sys

import pytest

from tests.bling_gateway.stage import Ports, gateway_environment

GOOD = gateway_environment(
    "postgresql://postgres@127.0.0.1:5432/none", "amqp://guest:guest@127.0.0.1:5672/", "", Ports()
)


async def start(environment: dict[str, str], command: str = "serve") -> tuple[int | None, str]:
    inherited = {name: value for name, value in os.environ.items() if "BLING" not in name}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.bling_gateway",
        command,
        env={**inherited, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BLING_GATEWAY_PORT", "99999", "BLING_GATEWAY_PORT: "),
        ("BLING_GATEWAY_API_URL", "api.bling.com.br", "BLING_GATEWAY_API_URL: must be a URL"),
        ("BLING_GATEWAY_CLIENT_ID", "", "BLING_GATEWAY_CLIENT_ID: "),
        ("BLING_GATEWAY_CLIENT_SECRET", "", "BLING_GATEWAY_CLIENT_SECRET: "),
        ("BLING_GATEWAY_CALLS_PER_SECOND", "0", "BLING_GATEWAY_CALLS_PER_SECOND: "),
        ("BLING_GATEWAY_MASTER_KEY", "c2hvcnQ=", "BLING_GATEWAY_MASTER_KEY: "),
    ],
)
async def test_a_wrong_setting_is_named_in_one_line(name: str, value: str, reason: str) -> None:
    status, errors = await start(GOOD | {name: value})

    assert status == 2
    assert errors.startswith(reason)
    assert errors.count("\n") == 1
    assert "c2hvcnQ=" not in errors


async def test_missing_settings_are_named_too() -> None:
    status, errors = await start({})

    assert status == 2
    assert "BLING_GATEWAY_CLIENT_SECRET: is missing" in errors.splitlines()
