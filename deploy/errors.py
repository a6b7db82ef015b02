"""What can go wrong while starting; every message is what the person reads."""


class DeployError(Exception):
    """The system cannot be started."""


class ServerRefusesError(DeployError):
    """A server named in the environment does not let us in."""


class ServerMissingError(DeployError):
    """A server is neither running nor can it be started here."""


class ServerFailedError(DeployError):
    """A server that we started did not come up."""


class ProgramFailedError(DeployError):
    """A service or sandbox ended, or did not become ready in time."""


def tail(text: str, lines: int = 15) -> str:
    """Return the last lines of a log, for the end of a message."""
    return "\n".join(text.rstrip().splitlines()[-lines:])
