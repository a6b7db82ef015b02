"""Docker is asked for the right things; a script in PATH stands for it where no engine runs."""

import os
from pathlib import Path

import pytest

from deploy import servers
from deploy.errors import ServerMissingError
from deploy.servers import Way

_DOCKER = """#!/bin/sh
echo "$* $POSTGRES_PORT$RABBITMQ_PORT" >> {calls}
case "$*" in
    "info" | "compose version") exit {answers} ;;
    *" ps "*) echo "{running}" ;;
    *" port postgres 5432") echo 127.0.0.1:40001 ;;
    *" port rabbitmq 5672") echo 127.0.0.1:40002 ;;
esac
"""


class Docker:
    """A stand-in for the command, and what it was asked."""

    def __init__(self, directory: Path) -> None:
        self._script = directory / "docker"
        self._calls = directory / "calls"

    def be(self, *, answers: bool = True, running: str = "") -> None:
        script = _DOCKER.format(calls=self._calls, answers=int(not answers), running=running)
        self._script.write_text(script)
        self._script.chmod(0o755)

    def asked(self, verb: str) -> list[str]:
        lines = self._calls.read_text().splitlines()
        return [
            line.partition("compose.yaml ")[2] for line in lines if f"compose.yaml {verb}" in line
        ]


@pytest.fixture
def docker(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Docker:
    directory = tmp_path_factory.mktemp("docker")
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return Docker(directory)


def test_compose_starts_both_servers_on_free_ports_and_stops_them(
    docker: Docker, state: Path
) -> None:
    docker.be()

    with servers.ensure("run", state=state, ways=[Way.DOCKER]) as found:
        assert found.database_url == "postgresql://postgres:postgres@127.0.0.1:40001/postgres"
        assert found.amqp_url == "amqp://guest:guest@127.0.0.1:40002/"
        assert docker.asked("stop") == []

    postgres, rabbitmq = docker.asked("up")
    assert postgres.startswith("up --detach --wait postgres ")
    assert rabbitmq.startswith("up --detach --wait rabbitmq ")
    assert postgres.rpartition(" ")[2].isdigit()
    assert [call.strip() for call in docker.asked("stop")] == ["stop rabbitmq", "stop postgres"]
    assert servers.stop_left_over(state) == 0


def test_containers_that_already_run_are_used_and_left_running(docker: Docker, state: Path) -> None:
    docker.be(running="0123456789ab")

    with servers.ensure("run", state=state, ways=[Way.DOCKER]):
        pass

    assert docker.asked("up") == []
    assert docker.asked("stop") == []


def test_an_engine_that_does_not_answer_is_passed_over(docker: Docker, state: Path) -> None:
    docker.be(answers=False)

    with (
        pytest.raises(ServerMissingError),
        servers.ensure("run", state=state, ways=[Way.DOCKER]),
    ):
        pass
