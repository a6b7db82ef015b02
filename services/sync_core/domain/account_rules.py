"""The rules of an account: what is asked of the gateways, and what the account needs."""

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from services.sync_core.domain.account import ACCOUNT, GONE_LIMIT, AccountState
from services.sync_core.domain.account_reasons import account_reasons
from services.sync_core.domain.context import Context
from services.sync_core.domain.erasure import erase
from services.sync_core.domain.event import Decision, Event, commanded, decided
from services.sync_core.domain.situations import WANTED_SITUATIONS, first_mapping
from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core

AccountRule = Callable[[AccountState, Event, Context], Iterator[Decision]]


def set_up(account: AccountState, event: Event, context: Context) -> Iterator[Decision]:
    """Make the account known, and learn what its Bling has to choose from."""
    ensure = core.EnsureSituations(wanted=WANTED_SITUATIONS)
    match event.data:
        case core.AccountCreated(name=name, tag=tag):
            yield commanded(ACCOUNT, core.ConnectAccount(name=name, tag=tag))
        case bling.AccountConnected():
            yield commanded(ACCOUNT, ensure)
            yield commanded(ACCOUNT, core.ReadEntryOptions())
        case core.EntryOptionsRequested():
            if account.mapping is None:
                yield commanded(ACCOUNT, ensure)  # what was in its way may have been mended
            yield commanded(ACCOUNT, core.ReadEntryOptions())
        case bling.SituationsObserved(roles=roles) if account.mapping is None:
            if mapping := first_mapping(roles):
                yield decided(ACCOUNT, core.MappingAdopted(mapping=mapping))


def obey(account: AccountState, event: Event, context: Context) -> Iterator[Decision]:
    """Pass on what a person wants done with the account as a whole."""
    wanted = _wanted(account, event)
    if wanted is not None:
        yield commanded(ACCOUNT, wanted)
    elif isinstance(event.data, core.RetryRequested):
        for command_id in account.parked:
            again = core.RetryWork(command_id=UUID(command_id))
            yield commanded(ACCOUNT, again, about=command_id)


def _wanted(account: AccountState, event: Event) -> Contract | None:
    match event.data:
        case core.ImportRequested(since=since) if account.mapping is not None:
            return core.ImportOrders(situations=(account.mapping.start,), since=since)
        case core.PauseRequested(reason=reason):
            return core.PauseAccount(by=_person(event), reason=reason)
        case core.ResumeRequested():
            return core.ResumeAccount(by=_person(event))
        case core.DisconnectionRequested(side=side):
            return core.DisconnectAccount(side=side)
    return None


def _person(event: Event) -> str:
    return event.actor or "unknown"


def tell_account_reasons(
    account: AccountState, event: Event, context: Context
) -> Iterator[Decision]:
    """Raise the reasons that hold now, and clear those that no longer do."""
    now = account_reasons(account)
    if "orders_gone" in account.reasons or _many_gone(account, event):
        now["orders_gone"] = ()  # the last order that is confirmed clears it
    for code in account.reasons:
        if code not in now:
            yield decided(ACCOUNT, core.AccountReasonCleared(code=code), about=code)
    for code, details in now.items():
        if account.reasons.get(code) != details:
            raised = core.AccountReasonRaised(code=code, details=details)
            yield decided(ACCOUNT, raised, about=code)


def _many_gone(account: AccountState, event: Event) -> bool:
    if not isinstance(event.data, core.AccountOrderGone):
        return False
    return account.gone_within_the_hour(event.recorded_at) > GONE_LIMIT


ACCOUNT_RULES: Final[tuple[AccountRule, ...]] = (set_up, obey, erase, tell_account_reasons)
"""The rules of an account, in the order in which they look at it."""
