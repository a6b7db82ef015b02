"""Lives of orders, played at random by today's rules: those that tell most in fewest events."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.sync_core.domain import Event
from services.sync_core.log.events import Incoming
from shared.contracts import Contract, partition_of
from shared.contracts.account import Policies
from shared.contracts.bling_gateway import OrderObserved
from tests.sync_core.domain.core import NAMESPACE
from tests.sync_core.domain.test_trouble import MORE_STEPS, play
from tests.sync_core.seller import RECIPIENT

_PLAYED = 400
_LIVES = 7
_LONGEST = 100

_DELIVERED: list[tuple[str, object]] = [
    ("chooses", Policies(tracking_to_bling=True, content_declaration=True)),
    ("drain", None),
    ("hub_holds", ("insufficient_balance",)),
    ("drain", None),
    ("seller_edits", None),
    ("read", None),
    ("hub_advances", None),
    ("drain", None),
    ("hub_labels", 1),
    ("hub_fails_label", 2),
    ("hub_advances", None),
    ("drain", None),
    ("hub_labels", 2),
    ("hub_advances", None),
    ("hub_scans", (1, "in_transit")),
    ("hub_opens", "recipient_absent"),
    ("drain", None),
    ("hub_resolves", None),
    ("hub_advances", None),
    ("drain", None),
]
"""An order's whole way, with what stands beside it: chance alone seldom gets so far."""

Life = list[Event]
"""The log of one account with one order."""


def lives() -> list[Life]:
    """Return lives in which everything happens that did in hundreds: each adds the most to it."""
    played = [life for life in _played() if len(life) <= _LONGEST]
    chosen = [_lived(_DELIVERED)]
    told = _tells(chosen[0])
    while len(chosen) < _LIVES:
        best = max(played, key=lambda life: len(_tells(life) - told))
        chosen.append(best)
        told |= _tells(best)
    return chosen


def account_of(name: str, partition: int) -> UUID:
    """Return an account of the golden log called ``name``, the same in every making."""
    tries = (uuid5(NAMESPACE, f"{name}|{attempt}") for attempt in range(10_000))
    return next(account_id for account_id in tries if partition_of(account_id) == partition)


def entries(life: Life, account_id: UUID) -> Iterator[tuple[datetime, Incoming]]:
    """Give what came from outside in a life, and when: the rules conclude the rest again."""
    published = Counter[str]()
    for event in life:
        if event.kind not in ("fact", "human", "timer"):
            continue
        source = f"/{event.data.TYPE.partition('.')[0]}_gateway" if event.kind == "fact" else None
        if source:
            published[source] += 1
        yield (
            event.recorded_at,
            Incoming(
                account_id=account_id,
                event_id=event.id,
                stream=event.stream,
                kind=event.kind,
                data=_whole(event),
                occurred_at=event.occurred_at,
                correlation_id=event.id,
                actor="ana" if event.kind == "human" else None,
                source=source,
                source_sequence=published[source] if source else None,
            ),
        )


def _whole(event: Event) -> Contract:
    """Return the event's data with content that differs where its digest does, and a person."""
    match event.data:
        case OrderObserved(content=content, content_digest=digest) as seen if content:
            told = {"recipient": RECIPIENT, "service_hint": digest}
            return seen.model_copy(update={"content": content.model_copy(update=told)})
    return event.data


def _lived(steps: list[tuple[str, object]]) -> Life:
    world = play(steps)
    world.fall_silent()
    return world.core.log


def _played() -> list[Life]:
    found: list[Life] = []

    @seed(20261124)
    @settings(
        max_examples=_PLAYED,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(MORE_STEPS, min_size=12, max_size=40))
    def collect(steps: list[tuple[str, object]]) -> None:
        found.append(_lived(steps))

    collect()
    return found


def _tells(life: Life) -> set[str]:
    """Name what happens in a life, by what a fold or a rule could tell apart."""
    return {f"{event.kind} {event.data.TYPE} {_about(event)}" for event in life}


def _about(event: Event) -> str:
    names = ("code", "status", "cause", "outcome", "deadline", "stage", "criterion", "choice")
    return " ".join(str(getattr(event.data, name, "")) for name in names)
