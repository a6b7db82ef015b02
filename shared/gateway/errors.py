"""How a piece of work can fail to be done.

WorkError
├── Overtaken      another process has it now, or it is gone: nothing was stored
└── Setback        raised by handlers; the worker turns it into a decision
    ├── TryAgain   later, by itself
    ├── NoTurn     at once, as soon as the account's pace allows; counts as no failure
    └── ParkWork   a person must look
"""

from typing import Literal


class WorkError(Exception):
    """A piece of work did not end as planned."""


class Overtaken(WorkError):  # noqa: N818 - a state of affairs, like StopIteration
    """The work is no longer ours: its attempt was raised, or it is gone."""


class Setback(WorkError):  # noqa: N818
    """The work cannot be done now. ``cause`` goes into logs and facts: no personal data."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class TryAgain(Setback):
    """Try the work again after ``after_s`` (None: after the usual back-off).

    ``scope`` says whose trouble it is: with ``account`` the account's other work rests as long
    (without ``after_s``: once it is the third trouble in a row); with ``ours`` too, and the time
    does not count against it.
    """

    def __init__(
        self,
        after_s: float | None,
        cause: str,
        *,
        scope: Literal["work", "account", "ours"] = "work",
    ) -> None:
        super().__init__(cause)
        self.after_s = after_s
        self.scope = scope


class NoTurn(Setback):
    """The account may not be called for another ``after_s``."""

    def __init__(self, after_s: float, cause: str) -> None:
        super().__init__(cause)
        self.after_s = after_s


class ParkWork(Setback):
    """Keep the work until a person retries it. ``shown`` is the situação read last, if one was."""

    def __init__(self, cause: str, *, shown: int | None = None) -> None:
        super().__init__(cause)
        self.shown = shown
