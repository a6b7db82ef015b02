"""The rules of any revision, asked in JSON: what state a history gives, what would be decided.

One object a line comes in, one goes out. Run apart with that revision's code first on the path.
Events are lines of the log (``log/lines.py``); what is asked stands in :meth:`Host.answer`.
"""

import sys
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import ValidationError

from services.sync_core.audit.rules.walk import Differing, Ended, Walk
from services.sync_core.domain import (
    RULES_REVISION,
    Decision,
    Event,
    State,
    UnknownStreamError,
    evolve,
    initial,
)
from shared.contracts import CONTRACTS, upcast
from shared.contracts.account import Mapping


class UnknownEventError(Exception):
    """These rules cannot read the event. Says its type and version, or its stream."""


class Host:
    """Answers what is asked of the rules beside it."""

    def __init__(self) -> None:
        self._walk: Walk | None = None
        self._state: State | None = None
        self._unknown: str | None = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one question.

        - ``rules``: their ``revision``.
        - ``fold``: ``events`` of one stream; after the ``last``, its ``state``, or the ``unknown``
          type that they cannot read.
        - ``walk``: ``events`` of one account in the order of its log, with a ``mapping`` or null;
          each time what was ``found`` (see ``walk.py``); the ``last`` ends the account.
        """
        match asked["ask"]:
            case "fold":
                return self._fold(asked["events"], last=asked["last"])
            case "walk":
                return {"found": [*self._found(asked)]}
            case _:
                return {"revision": RULES_REVISION}

    def _fold(self, events: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
        for told in events:
            try:
                event = event_of(told)
                self._state = evolve(self._state or initial(event.stream), event)
            except (UnknownEventError, UnknownStreamError) as error:
                self._unknown = self._unknown or str(error)
        if not last:
            return {}
        state, unknown = self._state, self._unknown
        self._state = self._unknown = None
        if unknown or state is None:
            return {"unknown": unknown}
        return {"state": state.model_dump(mode="json")}

    def _found(self, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        mapping = asked["mapping"]
        walk = self._walk = self._walk or Walk(mapping and Mapping.model_validate(mapping))
        for told in asked["events"]:
            try:
                found = walk.take(event_of(told))
            except UnknownEventError as error:
                found = walk.miss(told["stream"], told["position"], str(error))
            yield from map(_told, found)
        if asked["last"]:
            yield from map(_told, walk.finish())
            self._walk = None


def event_of(told: dict[str, Any]) -> Event:
    """Return a line of the log as these rules see it. Raises :class:`UnknownEventError`."""
    model = CONTRACTS.get(told["type"])
    version = told["schema_version"]
    if model is None or version > model.VERSION:
        raise UnknownEventError(f"{told['type']}:{version}")
    data = upcast(told["type"], version, orjson.loads(told["data"]))
    try:
        known = {**told, "id": told["event_id"], "data": model.model_validate(data)}
    except ValidationError as error:  # a word that came later
        raise UnknownEventError(f"{told['type']}:{version}") from error
    return Event.model_validate(known)


def _told(found: Differing | Ended) -> dict[str, Any]:
    match found:
        case Ended():
            return {"stream": found.stream, "ended_at": found.position, "of": found.of}
        case Differing(cause=cause):
            return {
                "stream": found.stream,
                "position": cause.position,
                "at": cause.recorded_at.isoformat(),
                "cause": {"stream": cause.stream, "type": cause.data.TYPE},
                "decided": _entry(found.decided),
                "would_be": _entry(found.would_be),
            }


def _entry(entry: Event | Decision | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "stream": entry.stream,
        "kind": entry.kind,
        "type": entry.data.TYPE,
        "schema_version": entry.data.VERSION,
        "data": entry.data.model_dump(mode="json"),
    }


def main() -> None:
    """Answer line by line until there are no more questions."""
    host = Host()
    for line in sys.stdin.buffer:
        answer = host.answer(orjson.loads(line))
        sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
