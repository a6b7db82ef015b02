"""The gateway put together."""

from typing import Final

from shared.contracts import hub_gateway as facts
from shared.gateway.pace import PaceRule
from shared.gateway.values import System

SYSTEM: Final = System(
    source=facts.SOURCE,
    parked=facts.CommandParked,
    superseded=facts.CommandSuperseded,
    discarded=facts.CommandDiscarded,
)

PACE: Final = PaceRule(per_second=3.5, burst=15)
"""A little under what 360Hub allows an account: 240 calls a minute, 20 at once."""
