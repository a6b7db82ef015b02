"""Accounts as the API shows them: in a list, and one with all that its seller can choose from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.sync_core.api.models import (
    AccountSummary,
    AccountView,
    ImportView,
    SideEffectView,
    SituationView,
)
from services.sync_core.api.reasons import reason_views
from services.sync_core.audit.words import Words
from services.sync_core.domain import AccountState, proposed_mapping, side_effects


def account_summary(
    account_id: UUID, created_at: datetime, account: AccountState
) -> AccountSummary:
    """Return the account as one of a list."""
    reasons = tuple(account.reasons)
    return AccountSummary(**_common(account_id, created_at, account), reasons=reasons)


def account_view(account_id: UUID, created_at: datetime, account: AccountState) -> AccountView:
    """Return the account with everything about it."""
    words = Words(account.names)
    importing = account.importing
    return AccountView(
        **_common(account_id, created_at, account),
        reasons=reason_views(account.reasons, words),
        situations=tuple(SituationView(id=s.id, name=s.name) for s in account.situations),
        side_effects=_side_effects(account, words),
        proposed_mapping=proposed_mapping(account),
        stores=account.stores,
        services=account.services,
        importing=importing and ImportView.model_validate(importing, from_attributes=True),
    )


def _common(account_id: UUID, created_at: datetime, account: AccountState) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "created_at": created_at,
        "tag": account.tag,
        "name": account.name,
        "company_id": account.company_id,
        "hub_account_id": account.hub_account_id,
        "mode": account.mode,
        "mapping": account.mapping,
        "filter": account.filter,
        "policies": account.policies,
        "go_live": account.go_live,
    }


def _side_effects(account: AccountState, words: Words) -> tuple[SideEffectView, ...] | None:
    if account.transitions is None:
        return None
    return tuple(
        SideEffectView(
            transition=each.id,
            origin=_situation(each.origin, words),
            destination=_situation(each.destination, words),
            actions=tuple(words.word("bling_action", action) for action in each.actions),
            accepted=each in account.accepted,
        )
        for each in side_effects(account)
    )


def _situation(number: int, words: Words) -> SituationView:
    return SituationView(id=number, name=words.situation(number))
