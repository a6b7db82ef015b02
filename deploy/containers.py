"""Servers in containers: compose for running and the demo, testcontainers for tests."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import ServerFailedError, tail
from deploy.logins import Login
from deploy.places import PROJECT, free_port

_START_LIMIT_S = 120
_POLL_S = 0.2
# Apart from a full `docker compose up`, whose services have other keys than a local run.
_COMPOSE = ("docker", "compose", "--project-name", "bling-360hub-sync-local")


@dataclass(frozen=True)
class Image:
    """A server's image, its name in compose.yaml, and how to reach it once it is up."""

    service: str
    image: str
    port: int
    environment: dict[str, str]
    port_variable: str
    url: str
    login: Login

    def address(self, host: str, port: int) -> str:
        """Return the address of a container's published port."""
        return self.url.format(host=host, port=port)


@dataclass(frozen=True)
class Container:
    """A running container: its address, and how to stop it if we started it."""

    url: str
    stop: Callable[[], None]
    was_running: bool


def engine_answers() -> bool:
    """Whether a Docker engine can be used."""
    return _succeeds("docker", "info")


def compose_exists() -> bool:
    """Whether Docker's compose plug-in is installed."""
    return _succeeds("docker", "compose", "version")


def start_with_compose(image: Image, state: Path) -> Container:
    """Start a server of compose.yaml, or use it where it already runs."""
    was_running = bool(_compose("ps", "--status", "running", "--quiet", image.service))
    if not was_running:
        _marker(state, image.service).parent.mkdir(parents=True, exist_ok=True)
        _marker(state, image.service).touch()
        # Docker has its own way to listen, and need not allow a port that another holds.
        published = {image.port_variable: str(free_port(reserved=False))}
        _compose("up", "--detach", "--wait", image.service, environment=published)
    host, _, port = _compose("port", image.service, str(image.port)).rpartition(":")
    url = image.address(host, int(port))
    return Container(url, lambda: stop_with_compose(image.service, state), was_running)


def stop_with_compose(service: str, state: Path) -> None:
    """Stop a server of compose.yaml; its data stays."""
    _compose("stop", service)
    _marker(state, service).unlink(missing_ok=True)


def left_over(state: Path) -> list[str]:
    """Return the compose services that a command started and did not stop."""
    return sorted(path.stem for path in (state / "started").glob("*.compose"))


def start_for_test(image: Image) -> Container:
    """Start a throw-away server, which testcontainers removes even if we are killed."""
    # A development requirement: the other commands work without it.
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image.image).with_exposed_ports(image.port)
    for name, value in image.environment.items():
        container = container.with_env(name, value)
    container.start()
    host = container.get_container_host_ip()
    url = image.address(host, int(container.get_exposed_port(image.port)))
    _wait_for_login(image, url)
    return Container(url, container.stop, was_running=False)


def _wait_for_login(image: Image, url: str) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while refusal := image.login(url):
        if time.monotonic() > deadline:
            raise ServerFailedError(f"container {image.image} did not start: {refusal}")
        time.sleep(_POLL_S)


def _marker(state: Path, service: str) -> Path:
    return state / "started" / f"{service}.compose"


def _succeeds(*command: str) -> bool:
    try:
        answer = subprocess.run(command, check=False, capture_output=True, timeout=10)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _compose(*arguments: str, environment: dict[str, str] | None = None) -> str:
    answer = subprocess.run(
        [*_COMPOSE, "--file", str(PROJECT / "compose.yaml"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | (environment or {}),
    )
    if answer.returncode:
        raise ServerFailedError(f"docker compose {arguments[0]} failed:\n{tail(answer.stderr, 5)}")
    return answer.stdout.strip()
