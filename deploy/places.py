"""Where things are on this machine."""

import socket
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".run"
"""Everything that running makes on disk: data, logs, development secrets, records of processes."""


def free_port() -> int:
    """Return a port that nobody listens on now; take it soon, for nothing reserves it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
