"""Where checkpoints go that are to contradict us one day: the bus, a file, a URL."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from services.sync_core.checkpoints.store import Stored
from shared.bus import ExchangeName
from shared.contracts import Message, derived_id
from shared.contracts.sync_core import SOURCE, WHOLE_LOG, CheckpointSigned

_ANSWER_S: Final = 10.0
_BETWEEN: Final = b"\n\n"
_NOTE: Final = re.compile(r"(?:[^\n]+\n)+\n(?:— [^\n]+\n)+")


class Place(Protocol):
    """Somewhere that keeps checkpoints. It may be given the same one again."""

    name: str

    async def publish(self, stored: Stored) -> None:
        """Return when the place has it; raise whatever hindered that."""


class Publishes(Protocol):
    """What the bus offers: it returns when the broker has confirmed."""

    async def publish(self, exchange: ExchangeName, message: Message) -> None: ...


class Bus:
    """Whoever subscribes to events."""

    name = "bus"

    def __init__(self, publisher: Publishes) -> None:
        self._publisher = publisher

    async def publish(self, stored: Stored) -> None:
        """Publish ``sync.checkpoint.signed``, the same however often it is published."""
        checkpoint = stored.checkpoint
        data = CheckpointSigned(
            number=checkpoint.number,
            accounts=checkpoint.size,
            events=checkpoint.events,
            note=stored.note,
        )
        message_id = derived_id(WHOLE_LOG, data.TYPE, f"{checkpoint.origin}|{checkpoint.number}")
        message = Message(
            id=message_id,
            source=SOURCE,
            type=data.TYPE,
            subject="checkpoint",
            time=checkpoint.at,
            dataschema=data.dataschema(),
            accountid=WHOLE_LOG,
            sequence=checkpoint.number,
            correlationid=message_id,
            data=data.model_dump(mode="json"),
        )
        await self._publisher.publish("events", message)


class AppendedFile:
    """A text file to which notes are appended, each with an empty line after it."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def publish(self, stored: Stored) -> None:
        """Append the note, and wait until it is on disk."""
        await asyncio.to_thread(self._append, stored.note)

    def _append(self, note: str) -> None:
        with self._path.open("a+b") as file:
            file.seek(max(0, file.tell() - len(_BETWEEN)))
            torn = file.read() not in (b"", _BETWEEN)
            file.write((_BETWEEN if torn else b"") + f"{note}\n".encode())
            file.flush()
            os.fsync(file.fileno())


class PostedUrl:
    """An address that takes notes as plain text, one by one."""

    name = "url"

    def __init__(self, url: str) -> None:
        self._url = url

    async def publish(self, stored: Stored) -> None:
        """Post the note; any answer but 2xx is a failure."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as client,
            client.post(
                self._url,
                data=stored.note.encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
            ),
        ):
            pass


def notes_in(path: Path) -> Iterator[str]:
    """Give the notes of a file in their order; what a broken write left in between is no note."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return (found[0] for found in _NOTE.finditer(text))
