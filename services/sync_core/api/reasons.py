"""A reason as people read it: its sentence, what settles it, and its details in words."""

from collections.abc import Mapping
from typing import Final

from services.sync_core.api.models import ReasonView
from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT_REASONS, REASONS, Reason

_ALL: Final[Mapping[str, Reason]] = {**REASONS, **ACCOUNT_REASONS}


def reason_views(reasons: Mapping[str, tuple[str, ...]], words: Words) -> tuple[ReasonView, ...]:
    """Return the reasons of an order or of an account, given as code → details."""
    return tuple(_view(code, details, words) for code, details in reasons.items())


def _view(code: str, details: tuple[str, ...], words: Words) -> ReasonView:
    reason = _ALL[code]
    return ReasonView(
        code=code,
        sentence=reason.sentence,
        actions=reason.actions,
        needs_person=reason.needs_person,
        details=details,
        explanations=explanations(code, details, words),
    )
