"""Bling's answers: the error envelope, and which error of ours each answer is."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from services.bling_gateway.errors import (
    INSUFFICIENT_SCOPE,
    AccountDeadError,
    AppRefusedError,
    BlingError,
    NotFoundError,
    RefusedError,
    SameSituationError,
    ThrottledError,
    UnavailableError,
    UnreadableError,
)
from services.bling_gateway.wire import parse_json

_SAME_SITUATION: Final = 50
_INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - the name of an error
_INVALID_CLIENT: Final = "invalid_client"
_COMPANY_INACTIVE: Final = "empresa inativa"
_MAX_SHOWN: Final = 500

# Bling developer documentation, Erros comuns; the second spelling is OAuth's own.
_DEAD_AUTHORISATION: Final = frozenset(
    {"invalid_grant", "unauthorized_client", "VALIDATION_ERROR", "UNAUTHORIZED_ERROR"}
)

# What an authorisation server calls a token that it does not know any more.
_ALREADY_REVOKED: Final = frozenset({"invalid_grant", "invalid_token"})


@dataclass(frozen=True)
class Answer:
    """A status and a body, parsed as JSON if it is any.

    ``sent_s`` is when the request was sent, on the monotonic clock, for those who need to know.
    """

    status: int
    body: Any
    sent_s: float = 0.0

    @classmethod
    def of(cls, status: int, body: bytes, *, sent_s: float = 0.0) -> "Answer":
        """Parse the body; what is no JSON becomes None."""
        try:
            return cls(status, parse_json(body) if body else None, sent_s)
        except ValueError:
            return cls(status, None, sent_s)

    @property
    def is_success(self) -> bool:
        """Whether Bling did what was asked."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def error(self) -> dict[str, Any] | None:
        """The error envelope's content; OAuth's plain form is made to look like it."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        if isinstance(error, str):
            return {"type": error, "message": self.body.get("error_description", "")}
        return error if isinstance(error, dict) else None

    @property
    def kind(self) -> str:
        """The error's type, an open list."""
        return str((self.error or {}).get("type", ""))

    @property
    def cause(self) -> str:
        """Why an authorisation is over: the error's type, unless its text says more."""
        error = self.error or {}
        words = f"{error.get('message', '')} {error.get('description', '')}".casefold()
        return "company_inactive" if _COMPANY_INACTIVE in words else self.kind

    @property
    def rejects_token(self) -> bool:
        """Whether a new access token may help: for this answer alone."""
        return self.status == HTTPStatus.UNAUTHORIZED and self.kind == _INVALID_TOKEN

    def data(self) -> Any:
        """Return what is inside ``data``. Raises :class:`UnreadableError`."""
        if not isinstance(self.body, dict) or "data" not in self.body:
            raise UnreadableError(f"{self.status} without data")
        return self.body["data"]


def resource_error(answer: Answer) -> BlingError:
    """Say what a failed answer of the resource API means."""
    error = answer.error
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"status {answer.status}")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(error or {})
    if error is None:
        # An address that is blocked gets no envelope; neither does a wrong path of a proxy.
        return _without_envelope(answer.status)
    if answer.status == HTTPStatus.NOT_FOUND:
        return NotFoundError(answer.kind)
    if answer.status == HTTPStatus.UNAUTHORIZED and answer.kind != INSUFFICIENT_SCOPE:
        return _unauthorized(answer)
    return _refused(answer, error)


def token_error(answer: Answer) -> BlingError:
    """Say what a failed answer of the token endpoint means."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"status {answer.status} of the token endpoint")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ThrottledError("address")
    if answer.error is None:
        return _without_envelope(answer.status)
    if answer.kind in _DEAD_AUTHORISATION:
        return AccountDeadError(answer.cause)
    if answer.kind == _INVALID_CLIENT:
        return AppRefusedError("Bling does not accept our client secret")
    return UnavailableError(f"status {answer.status} {answer.kind} of the token endpoint")


def is_revoked(answer: Answer) -> bool:
    """Tell whether a token is worth nothing any more, after Bling was asked to revoke it."""
    return answer.is_success or answer.kind in _ALREADY_REVOKED


def _throttled(error: dict[str, Any]) -> ThrottledError:
    by_day = error.get("period") == "day"
    return ThrottledError("day" if by_day else "second", _whole(error.get("limit")))


def _without_envelope(status: int) -> BlingError:
    if status == HTTPStatus.FORBIDDEN:
        return ThrottledError("address")
    return UnreadableError(f"status {status} without an error envelope")


def _unauthorized(answer: Answer) -> BlingError:
    if answer.rejects_token:
        return UnavailableError("a token was rejected right after it was renewed")
    return AccountDeadError(answer.cause)


def _refused(answer: Answer, error: dict[str, Any]) -> RefusedError:
    fields = _entries(error.get("fields"))
    code = _whole(fields[0].get("code")) if fields else None
    same = any(_whole(entry.get("code")) == _SAME_SITUATION for entry in fields)
    made = SameSituationError if same else RefusedError
    return made(answer.status, answer.kind, code, _words(answer, error)[:_MAX_SHOWN])


def _words(answer: Answer, error: dict[str, Any]) -> str:
    """Return what Bling says is wrong: every fault that it names, else the whole's description."""
    faults = [
        str(fault["msg"])
        for entry in _entries(error.get("fields"))
        for fault in (entry, *_entries(entry.get("collection")))
        if fault.get("msg")
    ]
    if faults:
        return " ".join(dict.fromkeys(faults))
    return str(error.get("description") or error.get("message") or answer.kind)


def _entries(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
