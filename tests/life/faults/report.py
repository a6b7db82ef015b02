"""What the faults did, and what had to be repeated because of them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.life.faults.fates import Life
from tests.life.faults.market import Market

_REFERENCE = re.compile(r"/(bling-[^/]+|whe_[^/]+|dlv_[^/]+|man_[^/]+)")


@dataclass
class Report:
    """Counts, summed over all accounts."""

    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    reconnections: int = 0

    @classmethod
    async def of(cls, markets: Sequence[Market]) -> "Report":
        """Count what happened in these accounts."""
        report = cls()
        for market in markets:
            await report._add(market)
        return report

    async def _add(self, market: Market) -> None:
        self.faults.update((await market.looks("/faults"))["struck"])
        self.reconnections += market.reconnections
        self._add_calls(await market.operator.calls())
        for delivery in (await market.looks("/webhooks"))["deliveries"]:
            self.deliveries["sent"] += 1
            self.deliveries[delivery["state"]] += 1
            self.deliveries["tried again"] += max(0, delivery["attempts"] - 1)

    def _add_calls(self, calls: Sequence[dict[str, object]]) -> None:
        seen: set[tuple[object, ...]] = set()
        for call in calls:
            kind = f"{call['method']} {_REFERENCE.sub('/…', str(call['path']))}"
            self.calls[kind] += 1
            self.answers[int(str(call["status"]))] += 1
            if call["method"] == "GET":
                continue
            # Our request id is the command's: a further call with it is the same wish again.
            wish = (call["path"], call["request_id"])
            self.repeated[kind] += wish in seen
            seen.add(wish)

    def print(self, console: Console, lives: Sequence[Life]) -> None:
        """Show it as tables."""
        console.print(_counts("Faults that struck", self.faults))
        table = Table("Call", "Made", "Of these repeated", title="Calls to 360Hub")
        for kind, made in sorted(self.calls.items()):
            table.add_row(kind, str(made), str(self.repeated[kind] or ""))
        console.print(table)
        console.print(_counts("360Hub's answers", self.answers))
        console.print(_counts("Webhook deliveries", self.deliveries))
        console.print(f"Credentials given again by a person: {self.reconnections} times")
        ends = Counter(life.situation for life in lives)
        console.print(_counts(f"How {len(lives)} orders ended in Bling", ends))


def _counts(title: str, counts: Counter[str] | Counter[int]) -> Table:
    table = Table(title, "Times")
    for what, times in sorted(counts.items(), key=lambda each: str(each[0])):
        table.add_row(str(what), str(times))
    return table
