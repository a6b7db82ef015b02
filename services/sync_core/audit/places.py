"""Where personal data is kept in this system, what for and how long, in one table."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A place that may hold what is personal of a recipient."""

    system: str
    table: str
    what: str
    purpose: str
    until: str


PLACES: Final = (
    Place(
        "sync_core",
        "event_log.personal",
        "name, document, e-mail, telephone and address of each reading of an order, sealed; of"
        " archived events in the archive's files",
        "to have the order shipped, and to prove what was sent",
        "its subject is erased (the key is destroyed; the sealed bytes stay)",
    ),
    Place(
        "sync_core",
        "person",
        "name, and a keyed digest of the document",
        "to find a person's orders",
        "its subject is erased",
    ),
    Place(
        "sync_core",
        "held_message, parked_message",
        "whole readings that came too early or met a defect, sealed",
        "to lose nothing",
        "it is taken up, or its subject is erased",
    ),
    Place(
        "bling_gateway",
        "reading",
        "the contact as Bling showed it, sealed",
        "not to ask Bling again and again",
        "12 hours, or its subject is erased",
    ),
    Place(
        "bling_gateway",
        "outbox",
        "readings of orders on their way to the bus",
        "to lose nothing",
        "they are sent, usually at once, or their subject is erased",
    ),
    Place(
        "bling_gateway",
        "inbox",
        "Bling's webhooks: ids of orders and contacts",
        "evidence of what Bling told",
        "35 days, or their subject is erased",
    ),
    Place(
        "hub_gateway",
        "work",
        "the order's content on its way to 360Hub",
        "to have the order shipped",
        "360Hub has answered, or its subject is erased",
    ),
    Place(
        "hub_gateway",
        "inbox",
        "360Hub's webhooks: the carrier's words may name who took the parcel",
        "evidence of what 360Hub told",
        "35 days, or their subject is erased",
    ),
)

OUTSIDE: Final = (
    "Bling keeps the order, the contact and the NF-e: the seller is their controller there.",
    "360Hub keeps the order that it shipped: the seller asks it to erase.",
)
"""What no command of ours reaches."""

GROUND_FOR_NFE: Final = (
    "the NF-e stays in Bling and at SEFAZ: a legal duty (LGPD art. 16, I; CTN art. 195)"
)
