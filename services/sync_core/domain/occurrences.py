"""Occurrences: departures from the normal delivery, and who has to do something about them.

The codes, groups and severities are those that 360Hub's contract lists. What a fact says itself
counts before this table, and a code that is not in it is shown as it came.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.contracts import Frozen
from shared.contracts import hub_gateway as hub

QUIET: Final = frozenset({"info", "warning"})
"""Severities that need nobody: the carrier goes on by itself. Any other may need a person."""

UNCLASSIFIED: Final = "carrier_status_unmapped"
"""What 360Hub cannot name: the carrier's own code says what it is."""

BEHIND: Final = "delivery_delayed"
"""How 360Hub itself tells of a volume that is behind the others of its order."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an occurrence of a code is like."""

    group: str
    severity: str
    responsible: str
    suggested_action: str


KINDS: Final = {
    "collection_failed": Kind("collection", "warning", "carrier", "contact_carrier"),
    "posting_expired": Kind("collection", "action_required", "sender", "contact_carrier"),
    "delivery_delayed": Kind("transit", "info", "carrier", "none"),
    "misrouted": Kind("transit", "info", "carrier", "none"),
    "fiscal_hold": Kind("transit", "action_required", "authority", "provide_document"),
    "damaged": Kind("transit", "action_required", "carrier", "open_claim"),
    "stolen": Kind("transit", "final", "third_party", "open_claim"),
    "lost": Kind("transit", "final", "carrier", "open_claim"),
    "recipient_absent": Kind("delivery_attempt", "warning", "recipient", "wait_new_attempt"),
    "establishment_closed": Kind("delivery_attempt", "warning", "recipient", "wait_new_attempt"),
    "address_not_found": Kind("delivery_attempt", "action_required", "sender", "correct_address"),
    "address_incomplete": Kind("delivery_attempt", "action_required", "sender", "correct_address"),
    "recipient_unknown": Kind("delivery_attempt", "action_required", "sender", "contact_recipient"),
    "refused_by_recipient": Kind("delivery_attempt", "final", "recipient", "contact_recipient"),
    "restricted_area": Kind(
        "delivery_attempt", "action_required", "third_party", "contact_carrier"
    ),
    "outside_delivery_area": Kind(
        "delivery_attempt", "action_required", "carrier", "contact_carrier"
    ),
    "awaiting_pickup_at_unit": Kind("pickup", "action_required", "recipient", "contact_recipient"),
    "pickup_expired": Kind("pickup", "final", "recipient", "authorise_return"),
    "return_started": Kind("return", "warning", "carrier", "none"),
    "return_refused": Kind("return", "action_required", "sender", "contact_carrier"),
    "carrier_status_unmapped": Kind("other", "info", "unknown", "none"),
}
"""Code → what it is like."""

_UNKNOWN: Final = Kind("other", "unknown", "unknown", "none")


class Occurrence(Frozen):
    """One occurrence as last told. ``resolved_at`` is None while it is open.

    ``sequence`` is that of the event that told it: what an earlier one says comes too late.
    """

    code: str
    volume: int | None
    group: str
    severity: str
    responsible: str
    suggested_action: str
    attempt: int | None
    act_before: datetime | None
    carrier_code: str | None
    opened_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None
    sequence: int

    @property
    def is_open(self) -> bool:
        """Whether it still lasts."""
        return self.resolved_at is None

    @property
    def needs_person(self) -> bool:
        """Whether somebody must do something. A severity that we do not know is taken seriously."""
        return self.severity not in QUIET


Occurrences = dict[str, Occurrence]
"""360Hub's id of an occurrence → the occurrence, those that ended included."""


def told(known: Occurrences, fact: hub.SequencedFact) -> Occurrences:
    """Return the occurrences after a fact about one; a doubled or late one changes nothing."""
    match fact:
        case hub.OrderOccurrenceOpened(occurrence=news):
            resolved_at = None
        case hub.OrderOccurrenceResolved(occurrence=news):
            resolved_at = fact.happened_at
        case _:
            return known
    before = known.get(news.occurrence_id)
    if before is not None and fact.hub_sequence <= before.sequence:
        return known
    opened_at = before.opened_at if before else fact.happened_at
    made = _made(news, before, fact.hub_sequence, opened_at, resolved_at)
    return {**known, news.occurrence_id: made}


def _made(
    news: hub.Occurrence,
    before: Occurrence | None,
    sequence: int,
    opened_at: datetime,
    resolved_at: datetime | None,
) -> Occurrence:
    """Return what is known now: what the news leave out stays, and the table fills the rest in."""
    kind = KINDS.get(news.code, _UNKNOWN)
    said = news.model_dump(exclude={"occurrence_id"}, exclude_none=True)
    kept: dict[str, object] = {}
    if before is not None and before.code == news.code:
        kept = before.model_dump(exclude={"resolution"}, exclude_none=True)
    usual = {
        "volume": None,
        "group": kind.group,
        "severity": kind.severity,
        "responsible": kind.responsible,
        "suggested_action": kind.suggested_action,
        "attempt": None,
        "act_before": None,
        "carrier_code": None,
    }
    place = {"sequence": sequence, "opened_at": opened_at, "resolved_at": resolved_at}
    return Occurrence.model_validate({**usual, **kept, **said, **place})


def detail_of(occurrence: Occurrence) -> str:
    """Return the occurrence as a reason's detail: what, of which volume, what to do, until when.

    ``code:volume:action:until``, read from the right, because the code is 360Hub's own word.
    """
    until = occurrence.act_before
    return ":".join(
        (
            occurrence.code,
            "" if occurrence.volume is None else str(occurrence.volume),
            "" if occurrence.suggested_action == "none" else occurrence.suggested_action,
            f"{until:%Y%m%dT%H%M%SZ}" if until else "",
        )
    )
