"""`make run`: the whole system on this machine, until a signal or a program's end."""

import asyncio
import os
import shlex
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from deploy import database, development, product, terminal
from deploy.console import console, done, step
from deploy.database import Database
from deploy.demo.players import trial_account
from deploy.errors import ProgramFailedError
from deploy.places import STATE
from deploy.product import Ports, Product
from deploy.servers import Found

DATABASE = "bling_360hub_sync"
_TRIAL_ACCOUNT = "Loja de demonstração"
_OURS = (
    "SYNC_CORE_",
    "BLING_GATEWAY_",
    "HUB_GATEWAY_",
    "BLING_SANDBOX_",
    "HUB_SANDBOX_",
    "LOG_",
    "BUS_PREFIX",
)


async def run(found: Found) -> None:
    """Run the system, show its logs, and return when asked to stop.

    Raises `ProgramFailedError` if a program ends by itself.
    """
    _cancel_on_signal()
    try:
        async with running_system("run", found) as system:
            async with trial_account(system, _TRIAL_ACCOUNT) as play:
                done(f"Account {play.keeper.tag} ({_TRIAL_ACCOUNT}) is connected to both sandboxes")
            _keep_settings(system)
            _show_addresses(system)
            async with terminal.shown(system.stack):
                ended = await system.stack.first_end()
            raise ProgramFailedError(f"{ended} ended by itself; see {system.stack.log(ended)}")
    except asyncio.CancelledError:
        step("Stopped the services and sandboxes")


@asynccontextmanager
async def running_system(name: str, found: Found) -> AsyncIterator[Product]:
    """Start the system with this machine's lasting data and development secrets.

    What the environment says about a service or sandbox wins over the development settings.
    """
    secrets = development.secrets_of(STATE)
    given = {key: value for key, value in os.environ.items() if key.startswith(_OURS)}
    settings = {"LOG_FORMAT": "console", **secrets, **given}
    prepared = await _database(found, settings)
    step("Migrating the database and starting services and sandboxes")
    async with product.running(
        name, found, prepared, settings, ports=Ports.usual(), state=STATE
    ) as system:
        yield system


async def _database(found: Found, settings: Mapping[str, str]) -> Database:
    keys = development.fingerprint(settings)
    if kept := await database.keep_if_made_with_other_keys(found.database_url, DATABASE, keys):
        step(f"The database {DATABASE} was made with other keys: kept as {kept}, making a new one")
    prepared = await database.create(found.database_url, DATABASE)
    await database.mark_with_keys(found.database_url, DATABASE, keys)
    return prepared


def _cancel_on_signal() -> None:
    """Cancel the current task on the first signal; more of them must not disturb its ending."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    signals = (signal.SIGINT, signal.SIGTERM)

    def cancel() -> None:
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        if task:
            task.cancel()

    for number in signals:
        loop.add_signal_handler(number, cancel)


def _keep_settings(system: Product) -> None:
    """Leave the services' settings for command lines in another terminal."""
    path = STATE / "run.env"
    path.touch(mode=0o600)
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(system.environment.items())]
    path.write_text("".join(lines))


def _show_addresses(system: Product) -> None:
    done("Running; Ctrl-C stops everything")
    for name, what in (
        ("sync_core", "the core: order timelines and its API"),
        ("bling_gateway", "the gateway to Bling"),
        ("hub_gateway", "the gateway to 360Hub"),
        (product.BLING_SANDBOX, "a double of Bling, with a seller's pages"),
        (product.HUB_SANDBOX, "a double of 360Hub, with an operator's page"),
    ):
        console.print(f"  {system.url(name)}  {what}")
    console.print(f"  Settings and API tokens are in {STATE / 'run.env'}")
