"""What the account's situações mean to its mapping: made, proposed, missing, and what they set off.

All pure, over what Bling was seen to hold.
"""

from typing import Final

from services.sync_core.domain.account import AccountState
from services.sync_core.domain.order import CANCELLED_VALUE
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Mapping

START_SITUATION: Final = 15
DELIVERED_SITUATION: Final = 9
"""Em andamento and Atendido: built into every Bling account."""

BUILT_IN_SITUATIONS: Final = {
    6: "Em aberto",
    9: "Atendido",
    12: "Cancelado",
    15: "Em andamento",
    18: "Venda agenciada",
    21: "Em digitação",
    24: "Verificado",
}
"""Bling's own situações, the same in every account (Bling developer documentation, Situações)."""

WANTED_SITUATIONS: Final = (
    core.WantedSituation(role="in_manifest", name="Em romaneio", colour="#4A90D9"),
    core.WantedSituation(role="awaiting_pickup", name="Aguardando coleta", colour="#F5A623"),
    core.WantedSituation(role="in_transit", name="Em rota de entrega", colour="#7ED321"),
)

_ROLES: Final = tuple(wanted.role for wanted in WANTED_SITUATIONS)
_OPEN_VALUE: Final = 0
_TYPING_VALUE: Final = 10
_NO_PASSAGE: Final = frozenset({None, _OPEN_VALUE, CANCELLED_VALUE, _TYPING_VALUE})
"""Classes of situações in which no order is on its way to the customer (or we do not know)."""


def first_mapping(roles: dict[bling.Role, int]) -> Mapping | None:
    """Return the mapping that the made situações give; None while one of them is missing."""
    if any(role not in roles for role in _ROLES):
        return None
    return Mapping(
        start=START_SITUATION,
        situations={
            "order_created": START_SITUATION,
            "in_manifest": roles["in_manifest"],
            "awaiting_dispatch": roles["awaiting_pickup"],
            "with_carrier": roles["in_transit"],
            "delivered": DELIVERED_SITUATION,
        },
    )


def written_situations(account: AccountState) -> frozenset[int]:
    """Return the situações that our side may write."""
    mapping = account.mapping
    if mapping is None:
        return frozenset()
    written = {to for to in mapping.situations.values() if to is not None}
    if account.policies.hub_cancellation == "write":
        written.add(mapping.cancelled)
    return frozenset(written)


def side_effects(account: AccountState) -> tuple[bling.Transition, ...]:
    """Return the transitions that our writes may trigger, and that do something in Bling."""
    written = written_situations(account)
    return tuple(
        each
        for each in account.transitions or ()
        if each.active and each.actions and each.destination in written
    )


def new_side_effects(account: AccountState) -> tuple[bling.Transition, ...]:
    """Return those that nobody accepted as they are now."""
    return tuple(each for each in side_effects(account) if each not in account.accepted)


def proposed_mapping(account: AccountState) -> Mapping | None:
    """Return the mapping in force, with the situações that orders lately showed put in their place.

    What was neither begun, written, cancelled, open nor being typed is passed through. None: there
    is no mapping yet to build upon.
    """
    mapping = account.mapping
    if mapping is None:
        return None
    ended = {mapping.cancelled, *mapping.also_cancelled}
    placed = {mapping.start, *mapping.situations.values(), *ended}
    seen = [each for each in account.seen_lately if each.id not in placed]
    passing = {each.id for each in seen if each.value not in _NO_PASSAGE}
    cancelled = {each.id for each in seen if each.value == CANCELLED_VALUE}
    return mapping.model_copy(
        update={
            "pass_through": tuple(sorted({*mapping.pass_through, *passing} - cancelled)),
            "also_cancelled": tuple(sorted({*mapping.also_cancelled, *cancelled})),
        }
    )


def deleted_situations(account: AccountState) -> tuple[int, ...]:
    """Return the mapped situações that Bling no longer lists. Its own cannot be deleted."""
    mapping = account.mapping
    if mapping is None or not account.situations:
        return ()
    mapped = {mapping.start, mapping.cancelled, *mapping.also_cancelled, *mapping.pass_through}
    mapped |= {to for to in mapping.situations.values() if to is not None}
    listed = {known.id for known in account.situations}
    return tuple(sorted(mapped - listed - BUILT_IN_SITUATIONS.keys()))
