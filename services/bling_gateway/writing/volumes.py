"""Tracking put into an order as Bling showed it. Pure: no I/O, no clock.

Bling replaces an order wholly: what a write leaves out is emptied. So the whole order goes back as
it came, without what Bling alone writes, and with nothing changed but the tracking.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.contracts.sync_core import TrackedVolume

Json = Any
Raw = Mapping[str, Json]

_READ_ONLY: Final = ("id", "situacao", "notaFiscal", "total", "totalProdutos")
_WITHOUT_IDS: Final = ("itens", "parcelas")
"""Bling refuses the ids that it gave to these parts once it has saved the order anew."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """An order with its tracking: ``services`` and ``codes`` are those that are new in it.

    ``volumes_before``: how many volumes it had without it.
    """

    order: dict[str, Json]
    services: frozenset[str]
    codes: frozenset[str]
    volumes_before: int

    @property
    def is_new(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.services or self.codes)


class OccupiedError(Exception):
    """A volume holds a code that is not ours."""


def tracked(raw: Raw, volumes: Sequence[TrackedVolume], *, ours: Collection[str]) -> Tracked:
    """Put the tracking into a copy of the order. Raises `OccupiedError`.

    A code is put where none is or one of ``ours``, and a service only where none is named: that
    may be what the seller wished.
    """
    order = copy.deepcopy(dict(raw))
    known = _volumes_of(order)
    before = len(known)
    services: set[str] = set()
    codes: set[str] = set()
    for volume in sorted(volumes, key=lambda each: each.volume):
        known += [{} for _ in range(volume.volume - len(known))]
        place = known[volume.volume - 1]
        codes |= _put_code(place, volume.tracking_code, ours)
        services |= _put_service(place, volume)
    return Tracked(order, frozenset(services), frozenset(codes), before)


def body_of(order: Raw) -> dict[str, Json]:
    """Return what is sent to save the order: all of it but what Bling alone writes."""
    body: dict[str, Json] = _referring(
        {name: value for name, value in order.items() if name not in _READ_ONLY}
    )
    for name in _WITHOUT_IDS:
        body[name] = [_without_id(part) for part in body.get(name) or []]
    return body


def differences(expected: Raw, shown: Raw) -> tuple[str, ...]:
    """Name the places in which Bling shows another order than was written, never their values."""
    return tuple(_differ(_lasting(expected), _lasting(shown), ""))


def _volumes_of(order: dict[str, Json]) -> list[dict[str, Json]]:
    if not isinstance(order.get("transporte"), dict):
        order["transporte"] = {}
    transport = order["transporte"]
    transport["volumes"] = list(transport.get("volumes") or [])
    listed: list[dict[str, Json]] = transport["volumes"]
    return listed


def _put_code(place: dict[str, Json], code: str, ours: Collection[str]) -> set[str]:
    there = str(place.get("codigoRastreamento") or "").strip()
    if there == code:
        return set()
    if there and there not in ours:
        raise OccupiedError
    place["codigoRastreamento"] = code
    return {code}


def _put_service(place: dict[str, Json], volume: TrackedVolume) -> set[str]:
    service = " ".join(part for part in (volume.carrier, volume.service) if part)
    if not service or str(place.get("servico") or "").strip():
        return set()
    place["servico"] = service
    return {service}


def _referring(value: Json) -> Json:
    """Leave out references to nothing, which Bling shows as ``{"id": 0}``."""
    if isinstance(value, dict):
        inner = {name: _referring(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if not _is_no_reference(each)}
    return [_referring(each) for each in value] if isinstance(value, list) else value


def _is_no_reference(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() == {"id"} and value["id"] in (0, "0", None)


def _without_id(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "id"}


def _lasting(order: Raw) -> dict[str, Json]:
    """Leave out the ids that Bling gives anew whenever it saves an order."""
    parts = copy.deepcopy(dict(order))
    transport = parts.get("transporte")
    listed = [parts.get(name) for name in _WITHOUT_IDS]
    listed.append(transport.get("volumes") if isinstance(transport, dict) else None)
    for several in listed:
        for part in several or []:
            part.pop("id", None)
    return parts


def _differ(expected: Json, shown: Json, place: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(shown, dict):
        for name in sorted(expected.keys() | shown.keys()):
            yield from _differ(expected.get(name), shown.get(name), f"{place}/{name}")
    elif isinstance(expected, list) and isinstance(shown, list) and len(expected) == len(shown):
        for number, (one, other) in enumerate(zip(expected, shown, strict=True)):
            yield from _differ(one, other, f"{place}/{number}")
    elif (expected or None) != (shown or None):
        yield place
