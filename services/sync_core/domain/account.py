"""The account: what its seller chose, how it is connected, and the rules about it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import Field

from services.sync_core.domain.event import CommandKind, Decision, Event, commanded, decided
from shared.contracts import Frozen
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Direction, Filter, Mapping, Mode, Policies

STREAM: Final = "account"

GONE_WINDOW: Final = timedelta(hours=1)
GONE_LIMIT: Final = 5
"""More orders than this vanishing within the window is more likely an accident than a wish."""

START_SITUATION: Final = 15
DELIVERED_SITUATION: Final = 9
"""Em andamento and Atendido: built into every Bling account."""

WANTED_SITUATIONS: Final = (
    core.WantedSituation(role="in_manifest", name="Em romaneio", colour="#4A90D9"),
    core.WantedSituation(role="awaiting_pickup", name="Aguardando coleta", colour="#F5A623"),
    core.WantedSituation(role="in_transit", name="Em rota de entrega", colour="#7ED321"),
)


class AccountState(Frozen):
    """What is in force in an account. ``gone``: the orders that vanished lately."""

    name: str = ""
    tag: str = ""
    mapping: Mapping | None = None
    filter: Filter = Filter()
    mode: Mode = Mode()
    policies: Policies = Policies()
    go_live: date | None = None
    company_id: str | None = None
    hub_account_id: str | None = None
    situations: tuple[bling.SituationDefinition, ...] = ()
    gone: dict[int, datetime] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def gone_within_the_hour(self, now: datetime, *, but: int | None = None) -> int:
        """Count the orders (``but`` that one) that vanished in the hour before ``now``."""
        since = now - GONE_WINDOW
        return sum(at > since and order_id != but for order_id, at in self.gone.items())


def evolve(account: AccountState, event: Event) -> AccountState:
    """Return the account after one event of its stream."""
    return account.model_copy(update=_change(account, event))


def _change(account: AccountState, event: Event) -> dict[str, object]:
    match event.data:
        case core.AccountCreated(name=name, tag=tag):
            return {"name": name, "tag": tag}
        case core.MappingChanged(mapping=mapping) | core.MappingAdopted(mapping=mapping):
            return {"mapping": mapping}
        case core.FilterChanged(filter=chosen):
            return {"filter": chosen}
        case core.ModeChanged(mode=mode):
            return {"mode": mode}
        case core.PoliciesChanged(policies=policies):
            return {"policies": policies}
        case core.WentLive(go_live=go_live):
            return {"go_live": go_live}
        case bling.AccountConnected(company_id=company_id):
            return {"company_id": company_id}
        case hub.AccountConnected(hub_account_id=hub_account_id):
            return {"hub_account_id": hub_account_id}
        case bling.SituationsObserved(situations=situations):
            return {"situations": situations}
        case core.AccountOrderGone(order_id=order_id):
            since = event.recorded_at - GONE_WINDOW
            recent = {known: at for known, at in account.gone.items() if at > since}
            return {"gone": recent | {order_id: event.recorded_at}}
        case core.AccountReasonRaised(code=code):
            return {"reasons": tuple(sorted({*account.reasons, code}))}
        case core.AccountReasonCleared(code=code):
            return {"reasons": tuple(known for known in account.reasons if known != code)}
    return {}


def decide(account: AccountState, event: Event) -> Iterator[Decision]:
    """Conclude what follows from an event of the account's stream (already folded)."""
    match event.data:
        case core.AccountCreated(name=name, tag=tag):
            yield commanded(STREAM, core.ConnectAccount(name=name, tag=tag))
        case bling.AccountConnected():
            yield commanded(STREAM, core.EnsureSituations(wanted=WANTED_SITUATIONS))
            yield from _clear(account, "bling_disconnected")
        case hub.AccountConnected():
            yield from _clear(account, "hub_disconnected")
        case bling.AccountDisconnected():
            yield from _raise(account, "bling_disconnected")
        case hub.AccountDisconnected():
            yield from _raise(account, "hub_disconnected")
        case bling.SituationsObserved(roles=roles) if account.mapping is None and len(roles) == len(
            WANTED_SITUATIONS
        ):
            yield decided(STREAM, core.MappingAdopted(mapping=_first_mapping(roles)))
        case core.AccountOrderGone():
            if account.gone_within_the_hour(event.recorded_at) > GONE_LIMIT:
                yield from _raise(account, "orders_gone")


def sending(direction: Direction) -> CommandKind | None:
    """Return how a command in this direction is logged; None: it is not even decided."""
    match direction:
        case "live":
            return "command"
        case "observe":
            return "withheld"
        case "off":
            return None


def _first_mapping(roles: dict[bling.Role, int]) -> Mapping:
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


def _raise(account: AccountState, code: str) -> Iterator[Decision]:
    if code not in account.reasons:
        yield decided(STREAM, core.AccountReasonRaised(code=code), about=code)


def _clear(account: AccountState, code: str) -> Iterator[Decision]:
    if code in account.reasons:
        yield decided(STREAM, core.AccountReasonCleared(code=code), about=code)
