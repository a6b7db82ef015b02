"""The bundle of an account's history that a third party can check offline.

A series of files, made one after the other, so that no bundle is too large for the memory:
``verify.py`` and ``LEIA-ME.txt``, the events in pages of JSON lines, the proof that a checkpoint
holds the account, the schemas of the types that occurred, and last ``manifest.json`` with the
SHA-256 of each.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from services.sync_core.checkpoints.inclusion import Inclusion, as_json
from services.sync_core.checkpoints.store import checkpoint_numbered, inclusion_of
from services.sync_core.export import sql
from services.sync_core.log import sql as log_sql
from services.sync_core.log.chain import GENESIS
from services.sync_core.log.connection import Source
from services.sync_core.log.events import Logged
from services.sync_core.log.history import events_at, history, position_before
from services.sync_core.log.lines import line_of, time_text
from shared.contract_lock.published import read
from shared.contracts import partition_of

FORMAT: Final = "bling-360hub-sync/export/1"

_HERE: Final = Path(__file__).parent
_STANDING: Final = {"LEIA-ME.txt": _HERE / "LEIA-ME.txt", "verify.py": _HERE / "verify.py"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the bundle; ``events`` counts those in it."""

    name: str
    content: bytes
    events: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is exported: what was recorded from ``begin`` until before ``end``.

    The events ``first`` to ``last`` hold one more on each side, so that whoever has them sees that
    none of that time is missing. Those of a bundle end where ``inclusion`` proves that the log
    was, and leave ``left_out`` later ones of that time out, which no checkpoint holds yet.
    """

    account_id: UUID
    begin: datetime | None
    end: datetime | None
    first: int
    last: int
    inclusion: Inclusion | None = None
    left_out: int = 0

    def asks_for(self, logged: Logged) -> bool:
        """Tell whether the event is of the asked time itself."""
        at = logged.row.recorded_at
        return not (self.begin and at < self.begin) and not (self.end and at >= self.end)


async def chosen(
    source: Source, account_id: UUID, begin: datetime | None, end: datetime | None
) -> Chosen:
    """Find the positions of a time; without a limit, the log's own."""
    first = await position_before(source, account_id, begin) if begin else 0
    head = await source.fetchrow(log_sql.HEAD, partition_of(account_id), account_id)
    last = head["position"] if head else 0
    if end is not None:
        last = min(last, await position_before(source, account_id, end) + 1)
    return Chosen(account_id, begin, end, max(1, first), last)


async def provable(source: Source, what: Chosen) -> Chosen:
    """Let what was chosen end where a checkpoint holds it: the first one after, or the newest.

    It stays as it is where no checkpoint holds any of it.
    """
    place = (partition_of(what.account_id), what.account_id)
    number = await source.fetchval(sql.FIRST_STATING, *place, what.last)
    if number is None:
        number = await source.fetchval(sql.LAST_STATING, *place, what.first)
    stored = None if number is None else await checkpoint_numbered(source, number)
    held = None if stored is None else await inclusion_of(source, what.account_id, stored)
    if held is None:
        return what
    asked = what.last
    if what.end is not None:
        asked = await position_before(source, what.account_id, what.end)
    left_out = max(0, asked - held.position)
    return replace(what, last=held.position, inclusion=held, left_out=left_out)


@dataclass
class _Manifest:
    """What has been put in the bundle so far."""

    files: dict[str, Any] = field(default_factory=dict)
    types: set[tuple[str, int]] = field(default_factory=set)
    hash_last: bytes = GENESIS

    def add(self, file: File) -> File:
        digest = hashlib.sha256(file.content).hexdigest()
        self.files[file.name] = {"bytes": len(file.content), "sha256": digest}
        return file

    def page(self, events: list[Logged]) -> File:
        self.types.update((logged.row.type, logged.row.schema_version) for logged in events)
        self.hash_last = events[-1].hash
        first, last = events[0].row.position, events[-1].row.position
        name = f"events/{first:012}-{last:012}.jsonl"
        return self.add(File(name, b"".join(map(line_of, events)), len(events)))

    def schemas(self) -> Iterator[File]:
        published = read()
        for name, version in sorted(self.types):
            schema = _pretty(published[f"{name}:{version}"])
            yield self.add(File(f"schemas/{name}-{version}.json", schema))


async def bundle(
    source: Source, what: Chosen, exported_at: datetime, keys: Sequence[str]
) -> AsyncIterator[File]:
    """Make the bundle's files, one after the other. Raises ``ArchiveError`` as ``history``.

    ``keys`` are the verifier lines of those who sign checkpoints.
    """
    manifest = _Manifest(hash_last=await _hash_before(source, what))
    hash_before = manifest.hash_last
    for name, path in _STANDING.items():
        yield manifest.add(File(name, path.read_bytes()))
    async for page in history(source, what.account_id, after=what.first - 1, upto=what.last):
        yield manifest.page(page)
    if what.inclusion is not None:
        yield manifest.add(File("checkpoints/inclusion.json", _pretty(as_json(what.inclusion))))
    for schema in manifest.schemas():
        yield schema
    told = {
        "format": FORMAT,
        "account_id": str(what.account_id),
        "exported_at": time_text(exported_at),
        "requested": {"from": _time(what.begin), "to": _time(what.end)},
        "events": {
            "first": what.first,
            "last": what.last,
            "hash_before": hash_before.hex(),
            "hash_last": manifest.hash_last.hex(),
            "left_out": what.left_out,
        },
        "keys": list(keys),
        "files": manifest.files,
    }
    yield File("manifest.json", _pretty(told))


async def _hash_before(source: Source, what: Chosen) -> bytes:
    if what.first == 1:
        return GENESIS
    place = (what.account_id, what.first - 1)
    return (await events_at(source, partition_of(what.account_id), [place]))[place].hash


def _time(moment: datetime | None) -> str | None:
    return time_text(moment) if moment else None


def _pretty(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
