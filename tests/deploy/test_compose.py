"""compose.yaml names what exists, and agrees with what a local run does."""

import asyncio
import re
import secrets
from typing import Any

import asyncpg
import pytest
import yaml

from deploy import database, product, run, servers
from deploy.database import SERVICES
from deploy.places import PROJECT

_COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
_SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
_PROGRAMS = [name.replace("_", "-") for name in product.PROGRAMS]


def test_servers_are_those_that_a_local_run_starts() -> None:
    for kind in servers.KINDS:
        assert _SERVICES[kind.image.service]["image"] == kind.image.image
        (published,) = _SERVICES[kind.image.service]["ports"]
        assert published.startswith(f"127.0.0.1:${{{kind.image.port_variable}:-")
        assert published.endswith(f":{kind.image.port}")


@pytest.mark.parametrize("name", [*_PROGRAMS, "postgres", "rabbitmq"])
def test_everything_that_stays_up_has_a_health_check(name: str) -> None:
    assert _SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", _PROGRAMS)
def test_programs_listen_on_their_usual_ports_of_this_machine_only(name: str) -> None:
    port = getattr(product.Ports(), name.replace("-", "_"))

    assert _SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/" in _SERVICES[name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("service", SERVICES)
def test_services_start_after_their_migration_and_the_bus(service: str) -> None:
    name = service.replace("_", "-")
    conditions = {needed: how["condition"] for needed, how in _SERVICES[name]["depends_on"].items()}

    assert conditions == {
        f"{name}-migrate": "service_completed_successfully",
        "rabbitmq": "service_healthy",
    }
    assert _SERVICES[f"{name}-migrate"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"}
    }
    assert _SERVICES[f"{name}-migrate"]["environment"] == _SERVICES[name]["environment"]


@pytest.mark.parametrize("name", _PROGRAMS)
def test_programs_get_the_settings_that_a_local_run_gives(name: str) -> None:
    prefix = name.replace("-", "_").upper()
    made = database.Database("name", "owner", dict.fromkeys(SERVICES, "service"))
    local = {**product.addresses(product.Ports()), **product.databases(made)}
    given = _SERVICES[name]["environment"]

    assert {key for key in local if key.startswith(prefix)} <= given.keys()


def test_named_hosts_are_services_of_the_file() -> None:
    environments = [entry.get("environment", {}) for entry in _SERVICES.values()]
    addresses = [str(value) for given in environments for value in given.values()]
    hosts = {host for text in addresses for host in re.findall(r"://(?:[^@/]*@)?([a-z-]+):", text)}

    assert hosts
    assert hosts <= _SERVICES.keys()


async def test_its_roles_are_those_of_a_local_run() -> None:
    script = (PROJECT / "deploy" / "compose-roles.sql").read_text()
    name = f"test_{secrets.token_hex(6)}"
    with servers.ensure("test") as found:
        admin = await asyncpg.connect(found.database_url)
        try:
            for statement in filter(str.strip, script.replace(run.DATABASE, name).split(";")):
                await admin.execute(statement)
            made = await database.create(found.database_url, name)
            await asyncio.gather(*(_log_in(url) for url in made.service_urls.values()))
        finally:
            await admin.close()
            await database.drop(found.database_url, name)


async def _log_in(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.close()
