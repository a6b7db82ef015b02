"""The account: what its seller chose, how it is connected, and how that is folded."""

from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from services.sync_core.domain.event import CommandKind, Event
from shared.contracts import Frozen, commands
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Direction, Filter, Mapping, Mode, Policies

ACCOUNT: Final = "account"

GONE_WINDOW: Final = timedelta(hours=1)
GONE_LIMIT: Final = 5
"""More orders than this vanishing within the window is more likely an accident than a wish."""

Side = Literal["bling", "hub"]


class Import(Frozen):
    """The last import that a person asked for, and how far it has come."""

    command_id: UUID
    since: date
    found: int = 0
    read: int = 0
    finished: bool = False


class Erasure(Frozen):
    """An erasure that is not done: it waits for shipments, or for the gateways' answers."""

    waits_for: tuple[int, ...] = ()
    orders: tuple[int, ...] = ()
    command_id: UUID | None = None
    answered: tuple[Side, ...] = ()


class AccountState(Frozen):
    """What is in force in an account, and what its seller can choose from.

    ``former``: situações that Bling once listed and no longer does. ``accepted``: the transitions
    whose actions a person accepted, as they were then. ``refusals``: what Bling refused about
    the situações. ``stores`` and ``services`` are None until Bling let them be read.
    ``lacks``: what the hub behind the gateway cannot do; ``photos_refused``: it answered that it
    takes no photos. ``disconnected`` and ``paused``: side → why. ``silence``: webhooks are missing.
    ``parked``: the account's own commands. ``gone``: the orders that vanished lately.
    ``erasures``: subject → how far its erasure has come. ``reasons``: code → details.
    """

    name: str = ""
    tag: str = ""
    mapping: Mapping | None = None
    filter: Filter = Filter()
    mode: Mode = Mode()
    policies: Policies = Policies()
    go_live: date | None = None
    company_id: str | None = None
    hub_account_id: str | None = None
    lacks: tuple[hub.Capability, ...] = ()
    photos_refused: bool = False
    disconnected: dict[Side, str] = Field(default_factory=dict)
    paused: dict[Side, str] = Field(default_factory=dict)
    situations: tuple[bling.SituationDefinition, ...] = ()
    former: tuple[bling.SituationDefinition, ...] = ()
    unusable: tuple[bling.UnusableSituation, ...] = ()
    transitions: tuple[bling.Transition, ...] | None = None
    accepted: tuple[bling.Transition, ...] = ()
    seen_lately: tuple[bling.Situation, ...] = ()
    refusals: tuple[bling.SituationsRefused, ...] = ()
    stores: tuple[bling.Store, ...] | None = None
    services: tuple[bling.LogisticsService, ...] | None = None
    importing: Import | None = None
    silence: bling.WebhooksSilent | None = None
    parked: dict[str, str] = Field(default_factory=dict)
    gone: dict[int, datetime] = Field(default_factory=dict)
    erasures: dict[str, Erasure] = Field(default_factory=dict)
    reasons: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def names(self) -> tuple[bling.SituationDefinition, ...]:
        """Every situação that ever had a name here, the present ones last."""
        return (*self.former, *self.situations)

    @property
    def missing_capabilities(self) -> tuple[hub.Capability, ...]:
        """What 360Hub cannot do, as it was said or found out."""
        found: tuple[hub.Capability, ...] = ("photos",) if self.photos_refused else ()
        return tuple(dict.fromkeys((*self.lacks, *found)))

    @property
    def hands_photos_over(self) -> bool:
        """Whether the seller wants photos of products at 360Hub, and it takes them."""
        return self.policies.product_photos and "photos" not in self.missing_capabilities

    def gone_within_the_hour(self, now: datetime, *, but: int | None = None) -> int:
        """Count the orders (``but`` that one) that vanished in the hour before ``now``."""
        since = now - GONE_WINDOW
        return sum(at > since and order_id != but for order_id, at in self.gone.items())


def sending(direction: Direction) -> CommandKind | None:
    """Return how a command in this direction is logged; None: it is not even decided."""
    match direction:
        case "live":
            return "command"
        case "observe":
            return "withheld"
        case "off":
            return None


def evolve(account: AccountState, event: Event) -> AccountState:
    """Return the account after one event of its stream."""
    return account.model_copy(update=_change(account, event))


def _change(account: AccountState, event: Event) -> dict[str, object]:
    match event.data:
        case commands.CommandOutcome() as outcome:
            return _command_outcome(account, outcome)
        case commands.SubjectErased() as answer:
            return _erasure_answered(account, answer)
        case bling.SituationsObserved() as observed:
            return _situations(account, observed)
        case bling.SituationsRefused() as refusal:
            return {"refusals": (*_but_for(refusal, account.refusals), refusal)}
        case bling.EntryOptionsObserved(stores=stores, services=services):
            known = {"stores": stores, "services": services}
            return known | {"parked": _parked_but(account, core.ReadEntryOptions.TYPE)}
        case bling.ImportProgressed() as progress:
            return _import(account, progress)
        case bling.WebhooksSilent() as silence:
            return {"silence": silence}
        case bling.WebhooksHeard():
            return {"silence": None}
    return (
        _connection(account, event)
        or _choice(account, event)
        or _erasure(account, event)
        or _own(account, event)
    )


def _command_outcome(account: AccountState, outcome: commands.CommandOutcome) -> dict[str, object]:
    parked = {key: t for key, t in account.parked.items() if key != str(outcome.command_id)}
    match outcome:
        case commands.CommandParked(command_id=command_id, command_type=command_type):
            return {"parked": {**parked, str(command_id): command_type}}
        case commands.CommandDiscarded(command_id=command_id):
            importing = account.importing
            given_up = importing is not None and importing.command_id == command_id
            return {"parked": parked, "importing": None if given_up else importing}
    return {"parked": parked}


def _parked_but(account: AccountState, command_type: str) -> dict[str, str]:
    return {key: parked for key, parked in account.parked.items() if parked != command_type}


def _situations(account: AccountState, observed: bling.SituationsObserved) -> dict[str, object]:
    listed = {known.id for known in observed.situations}
    return {
        "situations": observed.situations,
        "former": tuple(known for known in _latest(account.names) if known.id not in listed),
        "unusable": observed.unusable,
        "transitions": observed.transitions,
        "seen_lately": observed.seen_lately,
        "refusals": tuple(each for each in account.refusals if _still_refused(each, observed)),
        "parked": _parked_but(account, core.EnsureSituations.TYPE),
    }


def _but_for(
    news: bling.SituationsRefused, refusals: tuple[bling.SituationsRefused, ...]
) -> tuple[bling.SituationsRefused, ...]:
    """Return the refusals of anything else."""
    what = (news.action, news.name)
    return tuple(each for each in refusals if (each.action, each.name) != what)


def _still_refused(refusal: bling.SituationsRefused, observed: bling.SituationsObserved) -> bool:
    """Whether a list leaves the refusal true: a creation whose name is there by now is settled."""
    listed = {known.name.strip().casefold() for known in observed.situations}
    return refusal.name is not None and refusal.name.strip().casefold() not in listed


def _latest(
    names: tuple[bling.SituationDefinition, ...],
) -> tuple[bling.SituationDefinition, ...]:
    """Keep what each id was called last."""
    return tuple({known.id: known for known in names}.values())


def _import(account: AccountState, progress: bling.ImportProgressed) -> dict[str, object]:
    importing = account.importing
    if importing is None or importing.command_id != progress.command_id:
        return {}  # of an earlier import
    news = progress.model_dump(include={"found", "read", "finished"})
    return {"importing": importing.model_copy(update=news)}


def _connection(account: AccountState, event: Event) -> dict[str, object]:
    match event.data:
        case bling.AccountConnected(company_id=company_id):
            return {"company_id": company_id, "disconnected": _but(account.disconnected, "bling")}
        case hub.AccountConnected(hub_account_id=hub_account_id, lacks=lacks):
            known = {"hub_account_id": hub_account_id, "lacks": lacks}
            return known | {"disconnected": _but(account.disconnected, "hub")}
        case bling.AccountDisconnected(cause=cause):
            return {"disconnected": {**account.disconnected, "bling": cause}}
        case hub.AccountDisconnected(cause=cause):
            return {"disconnected": {**account.disconnected, "hub": cause}}
        case bling.AccountPaused(reason=why):
            return {"paused": {**account.paused, "bling": why}}
        case hub.AccountPaused(reason=why):
            return {"paused": {**account.paused, "hub": why}}
        case bling.AccountResumed():
            return {"paused": _but(account.paused, "bling")}
        case hub.AccountResumed():
            return {"paused": _but(account.paused, "hub")}
    return {}


def _but(sides: dict[Side, str], side: Side) -> dict[Side, str]:
    return {known: why for known, why in sides.items() if known != side}


def _choice(account: AccountState, event: Event) -> dict[str, object]:
    match event.data:
        case core.AccountCreated(name=name, tag=tag):
            return {"name": name, "tag": tag}
        case core.MappingChanged(mapping=mapping):
            return {"mapping": mapping}
        case core.FilterChanged(filter=chosen):
            return {"filter": chosen}
        case core.ModeChanged(mode=mode):
            return {"mode": mode}
        case core.PoliciesChanged(policies=policies):
            again = policies.product_photos != account.policies.product_photos
            return {
                "policies": policies,
                "photos_refused": account.photos_refused and not again,
            }
        case core.WentLive(go_live=go_live):
            return {"go_live": go_live}
        case core.SideEffectsAccepted(transitions=ids):
            known = account.transitions or ()
            return {"accepted": tuple(each for each in known if each.id in ids)}
    return {}


def _erasure(account: AccountState, event: Event) -> dict[str, object]:
    match event.data:
        case core.ErasureRequested(subject=subject):
            return _erasing(account, subject, account.erasures.get(subject, Erasure()))
        case core.ErasureHeld(subject=subject, orders=orders):
            return _erasing(account, subject, Erasure(waits_for=orders))
        case core.ShipmentEnded(subject=subject, order_id=order_id):
            before = account.erasures.get(subject, Erasure())
            left = tuple(known for known in before.waits_for if known != order_id)
            return _erasing(account, subject, before.model_copy(update={"waits_for": left}))
        case core.EraseSubject(subject=subject, orders=orders):
            return _erasing(account, subject, Erasure(orders=orders, command_id=event.id))
        case core.SubjectErased(subject=subject):
            return {"erasures": {k: v for k, v in account.erasures.items() if k != subject}}
    return {}


def _erasing(account: AccountState, subject: str, erasure: Erasure) -> dict[str, object]:
    return {"erasures": {**account.erasures, subject: erasure}}


def _erasure_answered(account: AccountState, answer: commands.SubjectErased) -> dict[str, object]:
    erasure = account.erasures.get(answer.subject)
    if erasure is None or erasure.command_id != answer.command_id:
        return {}  # of an earlier request
    side: Side = "bling" if isinstance(answer, bling.SubjectErased) else "hub"
    answered = tuple(sorted({*erasure.answered, side}))
    return _erasing(account, answer.subject, erasure.model_copy(update={"answered": answered}))


def _own(account: AccountState, event: Event) -> dict[str, object]:
    """Fold what the sync core itself logged."""
    match event.data:
        case core.MappingAdopted(mapping=mapping):
            return {"mapping": mapping}
        case core.ImportOrders(since=since) as asked:
            importing = Import(command_id=event.id, since=since)
            return {"importing": importing, "parked": _parked_but(account, asked.TYPE)}
        case core.EnsureSituations() | core.ReadEntryOptions() as asked:
            return {"parked": _parked_but(account, asked.TYPE)}
        case core.RetryWork(command_id=command_id):
            # It has no answer of its own kind: if it fails again, it will be parked again.
            left = {key: t for key, t in account.parked.items() if key != str(command_id)}
            return {"parked": left}
        case core.AccountOrderGone(order_id=order_id):
            since = event.recorded_at - GONE_WINDOW
            recent = {known: at for known, at in account.gone.items() if at > since}
            return {"gone": recent | {order_id: event.recorded_at}}
        case core.AccountPhotosRefused():
            return {"photos_refused": True}
        case core.AccountReasonRaised(code=code, details=details):
            return {"reasons": {**account.reasons, code: details}}
        case core.AccountReasonCleared(code=code):
            return {"reasons": {k: why for k, why in account.reasons.items() if k != code}}
    return {}
