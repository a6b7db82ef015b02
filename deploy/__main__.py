"""The command line behind the Makefile."""

import asyncio
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer

from deploy import records, servers
from deploy.console import console, done, problem
from deploy.errors import DeployError
from deploy.places import PROJECT, STATE
from deploy.records import Record
from deploy.run import run as run_system

WORKERS = 2
"""Most of a test's time is waiting: for a stage to start, for what one process tells another.

Not more: whole systems of three workers come close to the 100 connections of a usual PostgreSQL.
"""

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def run() -> None:
    """Start everything, show the logs, and stop it all on Ctrl-C."""
    with _command("run"), servers.ensure("run") as found:
        asyncio.run(run_system(found))


@app.command()
def demo() -> None:
    """Play one order's whole life and print its timeline."""
    with _command("demo"):
        runpy.run_module("deploy.demo", run_name="__main__")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the suite on real servers; what follows goes to pytest.

    The whole suite runs in several workers. What is chosen runs in one, unless -n says otherwise.
    """
    with _command("test"), servers.ensure("test") as found:
        code = _pytest(found, context.args or ["-n", str(WORKERS)])
    raise typer.Exit(code)


@app.command("servers")
def show_servers() -> None:
    """Find or start the servers, print their addresses, and stop them on Ctrl-C."""
    with _command("servers"), servers.ensure("run") as found:
        console.print(f"DATABASE_URL={found.database_url}\nAMQP_URL={found.amqp_url}")
        signal.pause()


@app.command()
def stop() -> None:
    """Stop whatever an earlier command left running."""
    with _failures_in_one_message():
        stopped = servers.stop_left_over(STATE)
    done("Stopped" if stopped else "Nothing was running")


def _pytest(found: servers.Found, arguments: list[str]) -> int:
    addresses = {"DATABASE_URL": found.database_url, "AMQP_URL": found.amqp_url}
    suite = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=PROJECT, env=os.environ | addresses
    )
    try:
        return suite.wait()
    except KeyboardInterrupt:
        suite.wait()  # Ctrl-C reached pytest as well; its fixtures need the servers to end
        raise
    except SystemExit:
        suite.send_signal(signal.SIGINT)
        suite.wait()
        raise


@contextmanager
def _command(name: str) -> Iterator[None]:
    """Record this command for `stop`, and end orderly on SIGTERM."""
    label = f"command-{name}-{os.getpid()}"
    records.write(STATE, Record(label, os.getpid(), records.birth(os.getpid())))
    signal.signal(signal.SIGTERM, _end)
    try:
        with _failures_in_one_message():
            yield
    finally:
        records.forget(STATE, label)


@contextmanager
def _failures_in_one_message() -> Iterator[None]:
    try:
        yield
    except DeployError as error:
        problem(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    app()
