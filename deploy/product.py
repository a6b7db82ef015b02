"""The product's five programs: how each is started, on which port, with which settings."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.database import SERVICES, Database
from deploy.errors import DeployError
from deploy.places import free_port, is_taken
from deploy.processes import Program, Stack, python
from deploy.servers import Found

BLING_SANDBOX, HUB_SANDBOX = "bling_sandbox", "hub_sandbox"
# In the order of their start: those that are called come before those that call.
PROGRAMS = (BLING_SANDBOX, HUB_SANDBOX, *reversed(SERVICES))


@dataclass(frozen=True)
class Client:
    """An OAuth client that a sandbox knows."""

    id: str
    secret: str


BLING_CLIENT = Client("bling-development-client", "bling-development-secret")
HUB_CLIENT = Client("hub-development-client", "hub-development-secret")


@dataclass(frozen=True)
class Ports:
    """Where each program listens, on the loopback address."""

    sync_core: int = 8080
    bling_gateway: int = 8081
    hub_gateway: int = 8082
    bling_sandbox: int = 9081
    hub_sandbox: int = 9082

    @classmethod
    def usual(cls) -> "Ports":
        """Return the documented ports, or what the environment names, such as SYNC_CORE_PORT."""
        variables = {name: f"{name.upper()}_PORT" for name in cls.__dataclass_fields__}
        return cls(**{name: _port(key) for name, key in variables.items() if os.environ.get(key)})

    @classmethod
    def free(cls) -> "Ports":
        """Return five ports that nobody listens on now."""
        ports: set[int] = set()
        while len(ports) < len(cls.__dataclass_fields__):
            ports.add(free_port())
        return cls(*ports)

    def url(self, name: str) -> str:
        """Return the base address of a program."""
        return f"http://127.0.0.1:{getattr(self, name)}"


@dataclass(frozen=True)
class Product:
    """The running system: its stack, and what is needed to talk to it."""

    stack: Stack
    ports: Ports
    environment: Mapping[str, str]
    database: Database

    def url(self, name: str) -> str:
        """Return the base address of a service (`sync_core`) or sandbox (`bling_sandbox`)."""
        return self.ports.url(name)

    def token(self, service: str) -> str:
        """Return the first bearer token of a service's API."""
        first = self.environment[f"{service.upper()}_API_TOKENS"].split(",")[0]
        return first.partition(":")[2]

    def replica(self, service: str, number: int = 2) -> Program:
        """Return one more instance of a service, on a free port, for `stack.add`."""
        port = free_port()
        environment = {**self.environment, f"{service.upper()}_PORT": str(port)}
        return _service(service, f"http://127.0.0.1:{port}", environment, f"{service}-{number}")


@asynccontextmanager
async def running(
    name: str,
    found: Found,
    database: Database,
    settings: Mapping[str, str],
    *,
    ports: Ports,
    state: Path,
) -> AsyncIterator[Product]:
    """Migrate, start everything, wait until it is ready, and stop it at the end.

    `settings` holds the secrets and whatever is to differ from a development run; it is added to
    every program's environment and wins over what is made here.
    """
    _require_free(ports)
    environment = {
        "AMQP_URL": found.amqp_url,
        **addresses(ports),
        **databases(database),
        **_kept(state),
        **settings,
    }
    async with Stack(name, _programs(ports, environment), state=state) as stack:
        for service in SERVICES:
            await stack.finish(f"{service}-migrate")
        await stack.start(*PROGRAMS)
        await stack.wait_ready(*PROGRAMS)
        yield Product(stack, ports, environment, database)


def _port(variable: str) -> int:
    value = os.environ[variable]
    if value.isdecimal() and 0 < int(value) < 65536:
        return int(value)
    raise DeployError(f"{variable} must be a port from 1 to 65535, not {value!r}")


def _kept(state: Path) -> dict[str, str]:
    """Say where the core keeps what is not in the database, for commands run elsewhere too."""
    root = state.absolute()
    return {
        "SYNC_CORE_ERASURES_FILE": str(root / "erasures.jsonl"),
        "SYNC_CORE_ARCHIVE_DIR": str(root / "archive"),
    }


def _require_free(ports: Ports) -> None:
    """Refuse to start where something else would answer in our place."""
    for name in PROGRAMS:
        port: int = getattr(ports, name)
        if is_taken(port):
            raise DeployError(
                f"Port {port} for {name} is taken: stop what listens there (make stop, if it is"
                f" ours), or set {name.upper()}_PORT"
            )


def _programs(ports: Ports, environment: Mapping[str, str]) -> list[Program]:
    migrations = [_migration(service, environment) for service in SERVICES]
    programs = [
        _service(name, ports.url(name), environment, name)
        if name in SERVICES
        else _sandbox(name, ports.url(name), environment)
        for name in PROGRAMS
    ]
    return migrations + programs


def _migration(service: str, environment: Mapping[str, str]) -> Program:
    command = python("-m", f"services.{service}", "migrate")
    return Program(f"{service}-migrate", command, environment)


def _service(service: str, url: str, environment: Mapping[str, str], name: str) -> Program:
    command = python("-m", f"services.{service}", "serve")
    return Program(name, command, environment, (f"{url}/healthz", f"{url}/readyz"))


def _sandbox(name: str, url: str, environment: Mapping[str, str]) -> Program:
    command = python("-m", f"sandbox.{name.removesuffix('_sandbox')}")
    return Program(name, command, environment, (f"{url}/_sandbox/health",))


def databases(database: Database) -> dict[str, str]:
    made = {}
    for service in SERVICES:
        made[f"{service.upper()}_DATABASE_URL"] = database.service_urls[service]
        made[f"{service.upper()}_MIGRATION_DATABASE_URL"] = database.owner_url
    return made


def addresses(ports: Ports) -> dict[str, str]:
    """Return the ports, and who calls whom at which address with which client."""
    bling, hub = ports.url(BLING_SANDBOX), ports.url(HUB_SANDBOX)
    gateway = ports.url("bling_gateway")
    return {
        **{f"{name.upper()}_PORT": str(getattr(ports, name)) for name in PROGRAMS},
        "BLING_GATEWAY_CLIENT_ID": BLING_CLIENT.id,
        "BLING_GATEWAY_CLIENT_SECRET": BLING_CLIENT.secret,
        "BLING_GATEWAY_API_URL": f"{bling}/Api/v3",
        "BLING_GATEWAY_AUTHORIZE_URL": f"{bling}/Api/v3/oauth/authorize",
        "BLING_GATEWAY_TOKEN_URL": f"{bling}/Api/v3/oauth/token",
        "BLING_GATEWAY_REVOKE_URL": f"{bling}/Api/v3/oauth/revoke",
        "HUB_GATEWAY_API_URL": hub,
        "HUB_GATEWAY_PUBLIC_URL": ports.url("hub_gateway"),
        "BLING_SANDBOX_CLIENT_ID": BLING_CLIENT.id,
        "BLING_SANDBOX_CLIENT_SECRET": BLING_CLIENT.secret,
        "BLING_SANDBOX_REDIRECT_URL": f"{gateway}/oauth/callback",
        "BLING_SANDBOX_WEBHOOK_URL": f"{gateway}/webhooks/bling",
        "HUB_SANDBOX_CLIENT_ID": HUB_CLIENT.id,
        "HUB_SANDBOX_CLIENT_SECRET": HUB_CLIENT.secret,
    }
