"""Asking again what was decided in one account's log."""

from collections.abc import Iterable

from services.sync_core.audit.rules.walk import Differing, Ended, Walk
from services.sync_core.domain import Event
from shared.contracts.account import Mapping


def walked(events: Iterable[Event], mapping: Mapping | None = None) -> list[Differing | Ended]:
    """Return what differs."""
    walk = Walk(mapping)
    return [found for event in events for found in walk.take(event)] + [*walk.finish()]
