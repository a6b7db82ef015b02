"""Records of started processes, so that another command can find and stop them."""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL_S = 0.05


@dataclass(frozen=True)
class Record:
    """A process that we started, told apart from a later one with the same id by its birth."""

    label: str
    pid: int
    born: str
    stop_signal: int = signal.SIGTERM
    leads_group: bool = False
    url: str = ""

    @property
    def alive(self) -> bool:
        """Whether just this process still runs."""
        return self.born == birth(self.pid) != ""

    def stop(self, limit_s: float = 20) -> None:
        """Ask the process to end, wait, and kill it when the limit has passed."""
        self._send(self.stop_signal)
        if not self._ended_within(limit_s):
            self._send(signal.SIGKILL)
            self._ended_within(limit_s)

    def _send(self, number: int) -> None:
        if not self.alive:
            return
        try:
            if self.leads_group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def _ended_within(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True


def birth(pid: int) -> str:
    """Return when a process began, in the kernel's ticks, or nothing if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    is_zombie = fields[0] == "Z"
    return "" if is_zombie else fields[19]


def write(state: Path, record: Record) -> None:
    """Remember a process until it is forgotten."""
    path = _path(state, record.label)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record)))


def forget(state: Path, label: str) -> None:
    """Drop the record of a process that was stopped."""
    _path(state, label).unlink(missing_ok=True)


def running(state: Path, label: str) -> Record | None:
    """Return the record of this name if its process still runs."""
    path = _path(state, label)
    if not path.exists():
        return None
    record = Record(**json.loads(path.read_text()))
    return record if record.alive else None


def left_over(state: Path) -> Iterator[Record]:
    """Yield every recorded process that still runs, and drop the records of the others."""
    for path in sorted((state / "started").glob("*.json")):
        record = running(state, path.stem)
        if record is None:
            path.unlink(missing_ok=True)
        else:
            yield record


def _path(state: Path, label: str) -> Path:
    return state / "started" / f"{label}.json"
