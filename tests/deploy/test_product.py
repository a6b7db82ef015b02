"""The product's programs get ports, addresses and logins that agree with each other."""

import socket
from pathlib import Path

import pytest

from deploy import development, product
from deploy.database import SERVICES, Database
from deploy.errors import DeployError
from deploy.processes import Stack
from deploy.product import Ports, Product
from deploy.servers import Found

_FOUND = Found("postgresql://postgres@127.0.0.1/postgres", "amqp://guest:guest@127.0.0.1/")
_DATABASE = Database("name", "postgresql://owner@127.0.0.1/name", dict.fromkeys(SERVICES, "url"))


def test_the_environment_names_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_GATEWAY_PORT", "18082")

    assert Ports.usual() == Ports(hub_gateway=18082)


@pytest.mark.parametrize("value", ["x", "0", "65536", "-1", "80.5"])
def test_a_wrong_port_is_named_with_its_variable(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_CORE_PORT", value)

    with pytest.raises(DeployError, match=r"SYNC_CORE_PORT must be a port .* not '"):
        Ports.usual()


def test_free_ports_differ() -> None:
    ports = Ports.free()

    assert len({ports.url(name) for name in product.PROGRAMS}) == len(product.PROGRAMS)


async def test_nothing_starts_where_something_else_would_answer(state: Path) -> None:
    ports = Ports.free()
    with (
        socket.create_server(("127.0.0.1", ports.hub_sandbox)),
        pytest.raises(DeployError, match=r"hub_sandbox is taken.*HUB_SANDBOX_PORT"),
    ):
        async with product.running("taken", _FOUND, _DATABASE, {}, ports=ports, state=state):
            pass

    assert not (state / "started").exists()


def test_callers_and_called_agree_on_ports() -> None:
    ports = Ports.free()

    settings = product.addresses(ports)

    assert settings["BLING_GATEWAY_API_URL"] == f"{ports.url('bling_sandbox')}/Api/v3"
    assert settings["HUB_GATEWAY_API_URL"] == ports.url("hub_sandbox")
    assert settings["BLING_SANDBOX_WEBHOOK_URL"].startswith(ports.url("bling_gateway"))
    assert settings["HUB_GATEWAY_PUBLIC_URL"] == ports.url("hub_gateway")


def test_a_replica_differs_in_its_port_only(state: Path) -> None:
    environment = {**product.addresses(Ports()), **development.new_secrets()}
    system = Product(Stack("test", [], state=state), Ports(), environment, _DATABASE)

    replica = system.replica("sync_core")

    changed = {key for key, value in replica.environment.items() if environment[key] != value}
    assert replica.name == "sync_core-2"
    assert changed == {"SYNC_CORE_PORT"}
    assert replica.environment["SYNC_CORE_PORT"] in replica.ready_urls[0]


def test_the_token_is_that_of_the_first_caller(state: Path) -> None:
    environment = {"SYNC_CORE_API_TOKENS": "developer:one,auditor:two"}
    system = Product(Stack("test", [], state=state), Ports(), environment, _DATABASE)

    assert system.token("sync_core") == "one"
