"""Whether webhooks still come: Bling switches them off silently. Pure: no I/O, no clock.

After three days of refusals Bling disables a resource for all sellers at once, and sends nothing of
what happens meanwhile (developer documentation, Webhooks). Then only polling finds changes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

PATIENCE: Final = timedelta(minutes=10)
"""How long a webhook may be under way when polling has found its change already."""

NOTED_EVERY: Final = timedelta(minutes=1)
"""That a webhook came is noted so often: the last one may have come that much later."""


class News(Enum):
    """What is to be told."""

    SILENT = "silent"
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class Listening:
    """What polling found since ``missed_since`` of which no webhook told; ``silent``: that is told.

    ``heard_at`` is when an order's webhook last came.
    """

    heard_at: datetime | None = None
    missed_since: datetime | None = None
    missed: int = 0
    silent: bool = False


def after_comparison(
    listening: Listening, missed: int, now: datetime
) -> tuple[Listening, News | None]:
    """Return how things stand after a comparison that found ``missed`` changes untold."""
    news = None
    if _was_heard(listening):
        news = News.HEARD if listening.silent else None
        listening = Listening(heard_at=listening.heard_at)
    if missed:
        since = listening.missed_since or now
        listening = replace(listening, missed_since=since, missed=listening.missed + missed)
    if _is_silent(listening, now):
        return replace(listening, silent=True), News.SILENT
    return listening, news


def _was_heard(listening: Listening) -> bool:
    since = listening.missed_since
    heard_at = listening.heard_at
    return since is not None and heard_at is not None and heard_at + NOTED_EVERY > since


def _is_silent(listening: Listening, now: datetime) -> bool:
    if listening.silent or listening.missed_since is None:
        return False
    return now - listening.missed_since >= PATIENCE
