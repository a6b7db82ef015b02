"""What an account cannot do now, said before it is logged in vain."""

from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words
from services.sync_core.domain import AccountState, account_reasons, new_side_effects
from shared.contracts import Contract
from shared.contracts import sync_core as core
from shared.web import Problem


def must_be_possible(account: AccountState, data: Contract) -> None:
    """Refuse what would do harm unseen, or nothing at all. Raises a problem."""
    match data:
        case core.ModeChanged(mode=mode) if mode.to_bling == "live":
            if account.mode.to_bling != "live" and new_side_effects(account):
                raise _not_accepted(account)
        case core.PoliciesChanged(policies=policies) if policies.product_photos:
            if not account.policies.product_photos and "photos" in account.lacks:
                detail = "Photos are registered at 360Hub, by its own procedure."
                raise Problem(409, "photos_unsupported", "360Hub takes no photos", detail)
        case core.SideEffectsAccepted(transitions=ids):
            known = {each.id for each in account.transitions or ()}
            if unknown := sorted(set(ids) - known):
                detail = f"Bling does not list {', '.join(map(str, unknown))}."
                raise Problem(409, "transition_unknown", "There is no such transition", detail)
        case core.ImportRequested():
            _must_be_ready_to_import(account)


def _not_accepted(account: AccountState) -> Problem:
    details = account_reasons(account)["new_side_effects"]
    told = explanations("new_side_effects", details, Words(account.names))
    return Problem(
        409,
        "side_effects_not_accepted",
        "Bling would do more than change the situação, and nobody accepted that",
        f"{'; '.join(told)}.",
        transitions=[each.id for each in new_side_effects(account)],
    )


def _must_be_ready_to_import(account: AccountState) -> None:
    missing = None
    if account.mapping is None:
        missing = "There is no mapping yet, and so no start situação."
    elif account.company_id is None or "bling" in account.disconnected:
        missing = "Bling is not connected."
    elif account.mode.to_hub == "off":
        missing = "The direction to 360Hub is off."
    if missing:
        raise Problem(409, "not_ready_to_import", "Nothing can be imported yet", missing)
