"""Where things are on this machine."""

import socket
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".run"
"""Everything that running makes on disk: data, logs, development secrets, records of processes."""


_reserving: list[socket.socket] = []


def free_port(*, reserved: bool = True) -> int:
    """Return a port that nobody listens on, reserved until this process ends.

    Reserved means that the system gives it to nobody who asks for any port, while a server that
    names it may listen there, also again after a restart: a socket stays bound to it that never
    listens and, as servers do, allows others. Only Linux lets them share a port like this.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    if reserved and sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserving.append(holder)
    else:
        holder.close()
    return port


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
