"""A PostgreSQL of our own, from the machine's binaries: loopback only, data below .run/."""

import shutil
import signal
from pathlib import Path

from deploy import logins, places, records, users
from deploy.errors import ServerFailedError, tail
from deploy.records import Record

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "''",
    "max_connections": "200",  # three services, their replicas in tests, and a person's psql
}


def binaries() -> Path | None:
    """Return the directory of the newest PostgreSQL programs here, or nothing."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest_first = sorted(packaged, key=_version, reverse=True)
    if newest_first:
        return newest_first[0].parent
    in_path = shutil.which("postgres")
    return Path(in_path).resolve().parent if in_path else None


def start(state: Path, label: str) -> Record:
    """Start the instance, making its data directory the first time, and record it.

    Logins need no password: only this machine reaches it.
    """
    programs = binaries()
    if programs is None:
        raise ServerFailedError("PostgreSQL's programs are gone")
    user = users.servers_user("postgres")
    home = users.home_of(state / label, user)
    data, log = home / "data", home / "postgresql.log"
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data, user)
    port = places.free_port()
    _start(programs, data, log, port, user)
    pid = int((data / "postmaster.pid").read_text().split()[0])
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    record = Record(label, pid, records.birth(pid), stop_signal=signal.SIGINT, url=url)
    records.write(state, record)
    if refusal := logins.postgresql(url):
        raise ServerFailedError(f"private PostgreSQL does not let us in: {refusal}")
    return record


def _version(program: Path) -> float:
    number = program.parent.parent.name
    return float(number) if number.replace(".", "", 1).isdigit() else 0


def _initialise(programs: Path, data: Path, user: str | None) -> None:
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted first start left
    command = [str(programs / "initdb"), "--pgdata", str(data), "--username", "postgres"]
    command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    answer = users.run_as(user, command)
    if answer.returncode:
        raise ServerFailedError(f"initdb failed:\n{tail(answer.stderr)}")


def _start(programs: Path, data: Path, log: Path, port: int, user: str | None) -> None:
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    control = [str(programs / "pg_ctl"), "--pgdata", str(data), "--wait", "--timeout", "60"]
    if users.run_as(user, [*control, "status"]).returncode == 0:  # unrecorded: we were killed
        users.run_as(user, [*control, "stop", "--mode", "fast"])
    start = [*control, "start", "--log", str(log), "--options", f"{options} -p {port}"]
    answer = users.run_as(user, start)
    if answer.returncode:
        said = log.read_text() if log.exists() else answer.stderr
        raise ServerFailedError(f"private PostgreSQL did not start:\n{tail(said)}")
