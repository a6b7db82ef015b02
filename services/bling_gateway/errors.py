"""What can go wrong with a call to Bling, arranged by what to do about it.

BlingError
├── UnavailableError       try again; what was sent may or may not have taken effect
│   └── AppRefusedError    our own registration is at fault: no account is to blame
├── LeftAloneError         try again later; nothing was sent, because the last calls all failed
├── ThrottledError         try again after a pause (of the account, or of our address)
├── AccountDeadError       the seller must connect again
├── NotFoundError          there is no such record
├── RefusedError           asking again will not help
│   └── SameSituationError what was asked for is so already
├── TooLateError           nothing was sent: the read before it is too old by now
└── UnreadableError        Bling answered with something that we do not understand
    └── MisshapenError     the record is at fault: asking again will not help until it is mended
"""

from http import HTTPStatus
from typing import Final, Literal

INSUFFICIENT_SCOPE: Final = "insufficient_scope"
"""A missing scope: with status 403 nowadays, once 401."""

Period = Literal["second", "day", "address"]


class BlingError(Exception):
    """A call to Bling did not do what was asked."""


class UnavailableError(BlingError):
    """Bling did not answer, or answered that it is in trouble: the result is unknown."""


class AppRefusedError(UnavailableError):
    """Bling does not accept our client id and secret. A person must look; all work waits."""


class LeftAloneError(BlingError):
    """The account's last calls all failed, so nothing is asked for it for a while."""

    def __init__(self, for_s: float) -> None:
        super().__init__("left alone after several failures in a row")
        self.for_s = for_s


class ThrottledError(BlingError):
    """A limit was reached: the account's, by the second or by the day, or our address's."""

    def __init__(self, period: Period, limit: int | None = None) -> None:
        super().__init__(f"limit by the {period} reached (limit {limit})")
        self.period: Period = period
        self.limit = limit


class AccountDeadError(BlingError):
    """Bling no longer accepts this account's authorisation.

    ``cause`` is Bling's error type, or ``company_inactive``.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class NotFoundError(BlingError):
    """Bling has no such record (any more)."""


class RefusedError(BlingError):
    """Bling refused for good. ``code`` and ``message`` are Bling's own, fit to show a seller."""

    def __init__(self, status: int, kind: str, code: int | None, message: str) -> None:
        super().__init__(f"{status} {kind} code={code}")
        self.status = status
        self.kind = kind
        self.code = code
        self.message = message

    @property
    def is_lack_of_permission(self) -> bool:
        """Whether the app, or who authorised it, may not do this (any more)."""
        return self.status == HTTPStatus.FORBIDDEN or self.kind == INSUFFICIENT_SCOPE


class SameSituationError(RefusedError):
    """The order already has the situação that was asked for."""


class TooLateError(BlingError):
    """The call's turn came too late. Nothing was sent."""


class UnreadableError(BlingError):
    """The answer has not the shape that Bling documents."""


class MisshapenError(UnreadableError):
    """A record has fields of another type than Bling documents."""
