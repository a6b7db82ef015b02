"""A process that consumes a queue, and that one message kills: the victim of a test.

It keeps what it did in files, as a real one keeps it in a database.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.bus import Delivery, PartitionLoop, connect
from tests.shared.bus.recorder import sequence_of

KILLED = 9
POISON = 2
LAST = 3


class Victim:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.done = asyncio.Event()

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        for sequence in map(sequence_of, deliveries):
            if sequence == POISON:
                os._exit(KILLED)
        for sequence in map(sequence_of, deliveries):
            self._note("taken", f"{sequence}\n")
            if sequence == LAST:
                self.done.set()

    async def mark(self, delivery: Delivery) -> bool:
        mark = mark_of(self._directory, sequence_of(delivery))
        is_new = not mark.exists()
        mark.touch()
        return is_new

    async def unmark(self, delivery: Delivery) -> None:
        mark_of(self._directory, sequence_of(delivery)).unlink()

    async def park(self, delivery: Delivery, error: BaseException) -> None:
        self._note("parked", f"{sequence_of(delivery)} {type(error).__name__}\n")

    def _note(self, name: str, line: str) -> None:
        with (self._directory / name).open("a") as file:
            file.write(line)


def mark_of(directory: Path, sequence: int) -> Path:
    return directory / f"mark-{sequence}"


async def main(amqp_url: str, queue: str, directory: Path) -> None:
    async with await connect(amqp_url, "tests: victim") as connection:
        victim = Victim(directory)
        loop = PartitionLoop(connection, queue, victim)
        loop.start()
        await victim.done.wait()
        await loop.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
