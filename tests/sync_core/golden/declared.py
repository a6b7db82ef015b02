"""What is declared to fold otherwise than it did, held against what does."""

import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.sync_core.golden import GOLDEN

Declared = dict[str, int]
"""``order.shipment.labels`` → in how many streams it, or what is below it, differs."""


class Found(NamedTuple):
    """A difference: the stream that it is in, what differs there, what it was and what it is.

    ``field`` is ``order.shipment.labels`` for a state, ``decided.hub.register_order`` for a
    decision.
    """

    stream: str
    field: str
    was: Any
    now: Any

    def is_below(self, declared: str) -> bool:
        return f"{self.field}.".startswith(f"{declared}.")


def declared_of(name: str) -> Declared:
    """Return what is declared about a golden log."""
    declared: dict[str, Declared] = tomllib.loads((GOLDEN / "declared.toml").read_text("utf-8"))
    return declared.get(name, {})


def complaints(declared: Declared, found: list[Found]) -> Iterator[str]:
    """Say what differs and is not declared, and what is declared and does not differ so often."""
    for each in found:
        if not any(each.is_below(name) for name in declared):
            yield f"{each.stream}: {each.field} was {each.was!r}, is {each.now!r}: not declared"
    for name, streams in declared.items():
        differing = [each.stream for each in found if each.is_below(name)]
        if len(set(differing)) != streams:
            told = f"{name} differs in {len(set(differing))} streams, declared are {streams}"
            yield f"{told}: {sorted(set(differing))}"
