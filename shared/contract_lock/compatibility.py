"""Which changes of a contract every reader can bear, and which take a new version.

A reader of the same version must read what was logged before the change, and a reader of before
must read what is written after it. Two changes do that: a field more that may be missing, and a
word more that a field may hold (who does not know it parks the message until it does).
"""

from collections.abc import Iterator
from typing import Any

from shared.contracts.schema import Schema


def breaks(before: Schema, after: Schema, where: str = "") -> Iterator[str]:
    """Say, field by field, what of the change from one schema to the other breaks a reader."""
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        match key:
            case "properties":
                yield from _of_fields(was or {}, now or {}, where)
            case "required":
                yield from _of_required(before, after, where)
            case "enum" if was and now:
                yield from (f"{where}: no longer {word!r}" for word in was if word not in now)
            case "items" | "additionalProperties" if was and now:
                yield from breaks(was, now, f"{where}[]")
            case "anyOf" if was and now and len(was) == len(now):
                for one, other in zip(was, now, strict=True):
                    yield from breaks(one, other, where)
            case _:
                yield f"{where}: {key} was {_said(was)}, is {_said(now)}"


def _of_fields(was: dict[str, Schema], now: dict[str, Schema], where: str) -> Iterator[str]:
    for name, schema in was.items():
        place = f"{where}.{name}" if where else name
        if name in now:
            yield from breaks(schema, now[name], place)
        else:
            yield f"{place}: removed"


def _of_required(before: Schema, after: Schema, where: str) -> Iterator[str]:
    was, now = set(before.get("required", ())), set(after.get("required", ()))
    for name in sorted(was ^ now):
        place = f"{where}.{name}" if where else name
        if name not in after.get("properties", {}):
            continue  # told as removed
        if name in was:
            yield f"{place}: may be missing now"
        elif name in before.get("properties", {}):
            yield f"{place}: must be there now"
        else:
            yield f"{place}: new, and must be there"


def _said(value: Any) -> str:
    return "not said" if value is None else repr(value)
