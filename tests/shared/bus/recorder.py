"""A consumer that remembers what it was given, and fails as it is told to."""

from collections.abc import Sequence

from shared.bus import Delivery
from shared.contracts import Message


class Recorder:
    """``failures`` are raised by the next takes; a sequence in ``poison`` always fails."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.parked: list[tuple[int, str]] = []
        self.marked: list[int] = []
        self.failures: list[Exception] = []
        self.poison: set[int] = set()
        self.marks: set[str] = set()

    @property
    def taken(self) -> list[int]:
        return [sequence for batch in self.batches for sequence in batch]

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        sequences = [sequence_of(delivery) for delivery in deliveries]
        if self.failures:
            raise self.failures.pop(0)
        if self.poison & set(sequences):
            raise ValueError("poison")
        self.batches.append(sequences)

    async def mark(self, delivery: Delivery) -> bool:
        is_new = delivery.digest not in self.marks
        self.marks.add(delivery.digest)
        self.marked.append(sequence_of(delivery))
        return is_new

    async def unmark(self, delivery: Delivery) -> None:
        self.marks.discard(delivery.digest)

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        self.parked.append((sequence_of(delivery), type(error).__name__))


def sequence_of(delivery: Delivery) -> int:
    return Message.decode(delivery.body).sequence
