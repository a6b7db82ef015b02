"""What an answer of 360Hub's means, whichever call it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from pydantic import ValidationError

from services.hub_gateway.hub_api import wire
from services.hub_gateway.port import (
    BusyError,
    HubError,
    MisunderstoodError,
    RepeatedError,
    ThrottledError,
    UnauthorisedError,
    UnavailableError,
)

W = TypeVar("W", bound=wire.Wire)

_DEFAULT_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 900.0
_STILL_RUNS_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether 360Hub did what it was asked."""
        return 200 <= self.status < 300

    def read(self, model: type[W]) -> W:
        """Parse the body.

        Raises `MisunderstoodError` if it has another shape, and `UnavailableError` if it is no
        JSON at all: then somebody in between answered, and the result is unknown.
        """
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            if error.errors(include_input=False)[0]["type"] == "json_invalid":
                raise UnavailableError(f"answered {self.status} without JSON") from None
            # pydantic would repeat the body, which may tell of a person: name the model only.
            raise MisunderstoodError(f"an answer is no {model.__name__}") from _shape_only(error)

    @property
    def refusal(self) -> str:
        """What was refused, in 360Hub's code if it gave one."""
        return self.problem.code or f"360Hub answered {self.status}"

    @property
    def problem(self) -> wire.Problem:
        """The problem document (RFC 9457); an empty one if the body is something else."""
        try:
            return wire.Problem.model_validate_json(self.body)
        except ValidationError:
            return wire.Problem()


def settle(answer: Answer) -> Answer:
    """Return an answer that decides something, raise the `HubError` that any other one means.

    What bears no code of 360Hub's was said by somebody in between, who settles nothing.
    """
    if answer.ok or _decides(answer):
        return answer
    if "Idempotent-Replayed" in answer.headers:
        raise RepeatedError(f"an earlier answer was repeated: {answer.status}")
    raise _setback(answer)


def _decides(answer: Answer) -> bool:
    """Tell whether a refusal is 360Hub's last word, which another attempt would not change."""
    problem = answer.problem
    match answer.status:
        case 404 | 410:
            return bool(problem.code)
        case 409 | 422:
            is_about_the_key = problem.code.startswith("idempotency-")
            return bool(problem.code) and not (problem.retryable or is_about_the_key)
        case 501:
            return problem.code == "capability-off"
        case _:
            return False


def _setback(answer: Answer) -> HubError:
    problem = answer.problem
    match answer.status:
        case 429:
            return ThrottledError(retry_after_s(answer.headers) or _DEFAULT_PAUSE_S)
        case 401 | 403 if problem.code:
            return UnauthorisedError(problem.code)
        case status if status < 400 or status in (401, 403, 404, 408, 410):
            return UnavailableError(f"answered {status} without 360Hub's code")
        case 409 if problem.code == "idempotency-in-progress":
            return UnavailableError(problem.code, _STILL_RUNS_S)
        case status if status >= 500 and status != 501:
            pause_s = retry_after_s(answer.headers) or None
            return UnavailableError(f"360Hub answered {status}", pause_s)
        case _ if problem.retryable:
            return BusyError(answer.refusal)
        case _:
            return MisunderstoodError(answer.refusal)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause that ``Retry-After`` asks for: seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return min(float(value), _LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return _DEFAULT_PAUSE_S
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    pause_s = (until - datetime.now(UTC)).total_seconds()
    return min(max(pause_s, 0.0), _LONGEST_PAUSE_S)


def exhausted_for_s(headers: Mapping[str, str]) -> float:
    """Return for how long the account has no call left, by the ``RateLimit-*`` headers."""
    if headers.get("RateLimit-Remaining", "").strip() != "0":
        return 0.0
    reset = headers.get("RateLimit-Reset", "").strip()
    return min(float(reset), _LONGEST_PAUSE_S) if reset.isdecimal() else 0.0


def _shape_only(error: ValidationError) -> ValueError:
    places = (".".join(str(part) for part in found["loc"]) for found in error.errors())
    return ValueError(f"unusable: {', '.join(places)}")
