"""Why a process cannot start, in one line for whoever started it."""

from typing import Final

EXIT_CANNOT_START: Final = 2


class CannotStartError(Exception):
    """Something outside refuses us, or is not what we rely on. The text is what a person reads."""
