"""Servers are found or started in the documented order, and only our own are stopped."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import database, logins, private_postgresql, private_rabbitmq, records, servers
from deploy.errors import ServerMissingError, ServerRefusesError
from deploy.places import PROJECT, free_port
from deploy.servers import Way

needs_binaries = pytest.mark.skipif(
    not (private_postgresql.binaries() and private_rabbitmq.binaries()),
    reason="NOT TESTED: this machine has no PostgreSQL or RabbitMQ programs",
)


@needs_binaries
def test_private_servers_start_again_on_their_data_and_end_with_the_block(state: Path) -> None:
    with servers.ensure("test", state=state, ways=[Way.PRIVATE]) as first:
        assert logins.rabbitmq(first.amqp_url) is None
        assert logins.postgresql(first.database_url) is None
        asyncio.run(database.create(first.database_url, "kept"))

    assert logins.rabbitmq(first.amqp_url) is not None
    assert logins.postgresql(first.database_url) is not None
    assert list(records.left_over(state)) == []

    with servers.ensure("test", state=state, ways=[Way.PRIVATE]) as second:
        url = second.database_url.removesuffix("postgres") + "kept"
        assert logins.postgresql(url) is None


@needs_binaries
def test_a_second_command_uses_what_runs_and_leaves_it_running(state: Path) -> None:
    with servers.ensure("test", state=state, ways=[Way.PRIVATE]) as first:
        with servers.ensure("test", state=state, ways=[Way.PRIVATE]) as second:
            assert second == first

        assert logins.rabbitmq(first.amqp_url) is None
        assert logins.postgresql(first.database_url) is None


@needs_binaries
def test_servers_of_a_command_that_was_killed_are_stopped_later(state: Path) -> None:
    script = (
        "import os, pathlib, sys; from deploy import servers\n"
        "ways = [servers.Way.PRIVATE]\n"
        "with servers.ensure('test', state=pathlib.Path(sys.argv[1]), ways=ways):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(state)], cwd=PROJECT, check=False)
    left = list(records.left_over(state))
    assert {record.label for record in left} >= {"postgresql-test", "rabbitmq-test"}

    servers.stop_left_over(state)

    assert not any(record.alive for record in left)


def test_a_wrong_address_in_the_environment_is_one_clear_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    url = f"postgresql://someone:opensesame@127.0.0.1:{free_port()}/postgres"
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(ServerRefusesError) as refusal, servers.ensure("test", state=state):
        pass

    said = str(refusal.value)
    assert said.startswith("DATABASE_URL (postgresql://someone:***@127.0.0.1:")
    assert "\n" not in said
    assert "opensesame" not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "postgresql://127.0.0.1:port/", "nonsense"])
def test_what_is_no_address_is_refused_and_not_a_traceback(url: str) -> None:
    assert logins.postgresql(url)
    assert logins.rabbitmq(url)


def test_without_any_way_the_message_says_what_to_install(state: Path) -> None:
    with (
        pytest.raises(ServerMissingError, match="sudo apt-get install postgresql"),
        servers.ensure("test", state=state, ways=[]),
    ):
        pass


def test_the_command_says_a_wrong_address_in_one_line_and_fails() -> None:
    environment = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "PATH": "/usr/bin:/bin"}

    answer = subprocess.run(
        [sys.executable, "-m", "deploy", "servers"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert answer.stderr == ""
    assert answer.stdout.startswith("✗ DATABASE_URL (postgresql://127.0.0.1:1/none)")
    assert answer.stdout.count("\n") == 1
