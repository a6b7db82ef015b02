"""What two states of one stream say differently, field by field."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_ABSENT: Final = object()
_EMPTY: Final[tuple[Any, ...]] = (None, False, 0, "", [], {})


class Difference(NamedTuple):
    """A field, by its path (``shipment.status``), and what each of two states holds there."""

    field: str
    one: Any
    other: Any


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[Difference]:
    """Compare two states as JSON. A field that only one of them has is no difference if empty.

    So a field more is told where it says something, and not for every state that there is.
    """
    return list(_compared("", one, other))


def _compared(where: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            place = f"{where}.{name}" if where else name
            yield from _compared(place, one.get(name, _ABSENT), other.get(name, _ABSENT))
    elif one != other and not (_is_nothing(one, other) or _is_nothing(other, one)):
        yield Difference(where, _said(one), _said(other))


def _is_nothing(absent: Any, value: Any) -> bool:
    return absent is _ABSENT and value in _EMPTY


def _said(value: Any) -> Any:
    return None if value is _ABSENT else value
