"""Faults that a control arms and the next matching calls meet."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

OAUTH_PATHS = "/Api/v3/oauth/"
_ORDERS = "/Api/v3/pedidos/vendas/"


class Fault(StrEnum):
    """What can go wrong with a call."""

    SITUATION_PATCH_REFUSED = "situation_patch_refused"
    """400 VALIDATION_ERROR on changing a situação: a refusal for good."""
    SITUATION_RACE = "situation_race"
    """The seller changes the situação just before the API's change is applied."""
    MOVED_AFTER_READ = "moved_after_read"
    """The seller changes the situação right after the API has read the order."""
    STALE_READ = "stale_read"
    """An order is shown as it was `seconds` ago, or as it came about if it is younger."""
    ERROR_500 = "error_500"
    """500 with Bling's envelope before anything happened."""
    ERROR_AFTER_WRITE = "error_after_write"
    """500 although the call took effect."""
    BAD_GATEWAY = "bad_gateway"
    """502 with a page of HTML, as gateways in between answer."""
    UNAVAILABLE = "unavailable"
    """503 with a page of HTML."""
    SLOW = "slow_s"
    """The right answer after `seconds`."""
    TIMEOUT_AFTER_WRITE = "timeout_after_write"
    """The call takes effect; no answer for `seconds`, then the connection ends."""
    DROPPED_AFTER_WRITE = "dropped_after_write"
    """The call takes effect and the connection ends at once."""
    DROPPED_BEFORE = "dropped_before"
    """The connection ends before anything happened."""
    NOT_JSON = "not_json"
    """200 with a page that is not JSON, after the call took effect."""
    MALFORMED_JSON = "malformed_json"
    """The right answer's first half, after the call took effect."""
    WRONG_TYPES = "wrong_types"
    """In what is read, numbers are text, and lists are objects whose keys are positions."""
    NOT_FOUND = "not_found"
    """404 for something that exists."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """429 although this app was slow enough: the seller's other apps share the count."""
    INSUFFICIENT_SCOPE = "insufficient_scope"
    """403: the app was not given this scope."""


WRITE_FAULTS = frozenset(
    {Fault.ERROR_AFTER_WRITE, Fault.TIMEOUT_AFTER_WRITE, Fault.DROPPED_AFTER_WRITE}
)
SITUATION_FAULTS = frozenset({Fault.SITUATION_PATCH_REFUSED, Fault.SITUATION_RACE})
ORDER_READ_FAULTS = frozenset({Fault.MOVED_AFTER_READ, Fault.STALE_READ})
MOVING_FAULTS = frozenset({Fault.SITUATION_RACE, Fault.MOVED_AFTER_READ})
"""These need the situação that the seller chooses."""
RESOURCE_FAULTS = SITUATION_FAULTS | ORDER_READ_FAULTS
"""These cannot happen to a token call."""


@dataclass(slots=True)
class ArmedFault:
    """A fault waiting for `count` calls of one company.

    `match` is a prefix of the path; of the calls that match, it meets each with a `probability`.
    Token calls carry no company: a fault whose prefix lies under
    /Api/v3/oauth/ meets whoever calls.
    """

    fault: Fault
    company_id: str
    count: int
    match: str
    method: str | None
    seconds: float
    situation: int | None
    probability: float

    def meets(self, method: str, path: str, company_id: str | None) -> bool:
        """Tell whether a call is one that this fault waits for."""
        if self.fault in SITUATION_FAULTS and not (method == "PATCH" and "/situacoes/" in path):
            return False
        if self.fault in ORDER_READ_FAULTS and not (method == "GET" and path.startswith(_ORDERS)):
            return False
        if self.fault in WRITE_FAULTS and method == "GET":
            return False
        if self.fault is Fault.WRONG_TYPES and method != "GET":
            return False
        if company_id is None and not self.match.startswith(OAUTH_PATHS):
            return False
        return (
            path.startswith(self.match)
            and self.method in (None, method)
            and company_id in (None, self.company_id)
        )


class Faults:
    """The armed faults, oldest first."""

    def __init__(self) -> None:
        self.armed: list[ArmedFault] = []
        self._chance = Random("faults")

    def arm(self, fault: ArmedFault) -> None:
        """Let the next matching calls meet a fault."""
        self.armed.append(fault)

    def take(self, method: str, path: str, company_id: str | None) -> ArmedFault | None:
        """Find the fault that a call meets, and use up one of its count."""
        for armed in self.armed:
            if armed.meets(method, path, company_id) and self._happens(armed):
                armed.count -= 1
                self.armed = [other for other in self.armed if other.count > 0]
                return armed
        return None

    def _happens(self, armed: ArmedFault) -> bool:
        return self._chance.random() < armed.probability
