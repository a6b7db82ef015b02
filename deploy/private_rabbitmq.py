"""A RabbitMQ of our own, from the machine's binaries: loopback only, data below .run/."""

import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import logins, places, records, users
from deploy.errors import ServerFailedError, tail
from deploy.records import Record

_START_LIMIT_S = 90
_POLL_S = 0.1


@dataclass(frozen=True)
class Programs:
    """RabbitMQ's start script and Erlang's port mapper."""

    server: Path
    port_mapper: Path


def binaries() -> Programs | None:
    """Return RabbitMQ's programs here, or nothing.

    Debian's script in PATH changes the user and the directories; the real one stands elsewhere.
    """
    packaged = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    server = str(packaged) if packaged.exists() else shutil.which("rabbitmq-server")
    mapper = shutil.which("epmd") or _packaged_port_mapper()
    return Programs(Path(server), Path(mapper)) if server and mapper else None


def start(state: Path, label: str) -> Record:
    """Start the instance with the port mapper it needs, and record both.

    It keeps apart from any other RabbitMQ of the machine: own name, cookie, ports, directories and
    port mapper, and no plug-ins.
    """
    programs = binaries()
    if programs is None:
        raise ServerFailedError("RabbitMQ's programs are gone")
    user = users.servers_user("rabbitmq")
    home = users.home_of(state / label, user)
    mapper_port, port = places.free_port(), places.free_port()
    mapper = [str(programs.port_mapper), "-port", str(mapper_port), "-address", "127.0.0.1"]
    _launch(state, _mapper_label(label), mapper, home, user, _plain_environment(home))
    environment = _plain_environment(home) | _settings(home, port, mapper_port)
    _write_configuration(home, user)
    url = f"amqp://guest:guest@127.0.0.1:{port}/"
    record = _launch(state, label, [str(programs.server)], home, user, environment, url)
    try:
        _wait_until_ready(record, port, home)
    except BaseException:  # Ctrl-C as well
        stop(state, record)
        raise
    return record


def stop(state: Path, record: Record) -> None:
    """Stop the instance, then its port mapper."""
    record.stop()
    if mapper := records.running(state, _mapper_label(record.label)):
        mapper.stop()
    records.forget(state, _mapper_label(record.label))


def _mapper_label(label: str) -> str:
    return f"{label}-port-mapper"


def _packaged_port_mapper() -> str | None:
    found = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return str(found[-1]) if found else None


def _launch(
    state: Path,
    label: str,
    command: list[str],
    home: Path,
    user: str | None,
    environment: dict[str, str],
    url: str = "",
) -> Record:
    """Start a program as leader of its own group, so that Ctrl-C at the terminal misses it."""
    with (home / "output.log").open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home,
            env=environment,
            start_new_session=True,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    born = records.birth(process.pid)
    record = Record(label, process.pid, born, leads_group=True, url=url)
    records.write(state, record)
    return record


def _plain_environment(home: Path) -> dict[str, str]:
    # Erlang makes its cookie in HOME, so that no other node of this machine can talk to ours.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def _settings(home: Path, port: int, mapper_port: int) -> dict[str, str]:
    return {
        "RABBITMQ_NODENAME": "bling-360hub-sync@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(places.free_port()),
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # not the machine's own settings
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server instead of its parent
    }


def _write_configuration(home: Path, user: str | None) -> None:
    (home / "conf.d").mkdir(exist_ok=True)
    (home / "rabbitmq.conf").write_text("loopback_users.guest = true\n")
    (home / "advanced.config").write_text("[].\n")
    (home / "enabled_plugins").write_text("[].\n")
    if user:
        for path in home.iterdir():
            shutil.chown(path, user)


def _wait_until_ready(record: Record, port: int, home: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    refusal: str | None = "no answer"
    while record.alive and time.monotonic() < deadline:
        if places.is_taken(port):
            refusal = logins.rabbitmq(record.url)
            if refusal is None:
                return
        time.sleep(_POLL_S)
    said = tail((home / "output.log").read_text(errors="replace"))
    raise ServerFailedError(f"private RabbitMQ did not start ({refusal}):\n{said}")
