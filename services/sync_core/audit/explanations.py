"""What the codes beside a reason mean: which item, which field, which product."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT_REASONS

BRASILIA: Final = ZoneInfo("America/Sao_Paulo")

_OCCURRENCE: Final = re.compile(r"(.*):(\d*):([^:]*):(\d{8}T\d{6}Z|)", re.DOTALL)
"""A detail as ``detail_of`` writes it. Rules before revision 4 logged the code alone."""


def explanations(reason: str, details: Iterable[str], words: Words) -> tuple[str, ...]:
    """Say each of a reason's details in words, in their order."""
    return tuple(_explanation(reason, detail, words) for detail in details)


def _explanation(reason: str, detail: str, words: Words) -> str:
    match reason:
        case "parked" | "account_parked":
            return f"não foi possível {words.word('command', detail)}"
        case "occurrence" | "occurrence_noted":
            return _occurrence(detail, words)
        case "content_locked" | "cancel_refused":
            return words.word(reason, detail)
        case "hub_lacks":
            return words.word("lacks", detail)
        case "filtered":
            return words.word("criterion", detail)
        case "tracking_refused" if ":" not in detail:
            return words.word("tracking_refusal", detail)
    if reason in ACCOUNT_REASONS and (told := _of_the_account(detail, words)):
        return told
    return _named(detail, words)


def _of_the_account(detail: str, words: Words) -> str | None:
    """Say what only an account's reason has beside it."""
    name, _, about = detail.partition(":")
    match name:
        case "cause":
            return f"causa: {words.word('disconnection', about)}"
        case "unusable" | "deleted":
            return words.quoted(int(about))
        case "read":
            return "o Bling recusou a leitura das situações"
        case "create":
            made = f"“{about}”" if about else "uma situação"
            return f"o Bling recusou a criação de {made}"
        case "missed":
            return f"mudanças sem aviso: {about}"
        case "since":
            return f"último aviso: {_moment(about)}"
        case "transition":
            return _transition(about, words)
    return None


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(BRASILIA):%d/%m/%Y %H:%M}"


def _transition(about: str, words: Words) -> str:
    origin, destination, actions = about.split(":", 2)
    names = f"de {words.quoted(int(origin))} para {words.quoted(int(destination))}"
    told = [words.word("bling_action", action) for action in actions.split(" ")]
    return f"{names}: {', '.join(told)}"


def _occurrence(detail: str, words: Words) -> str:
    """Say what happened to which volume, what is to be done, and until when."""
    parts = _OCCURRENCE.fullmatch(detail)
    code, volume, action, until = parts.groups() if parts else (detail, "", "", "")
    told = words.word("occurrence", code)
    if volume:
        told += f" (volume {volume})"
    if action:
        told += f": {words.word('suggested_action', action)}"
    return f"{told} até {_moment(until)}" if until else told


def _label(about: str, words: Words) -> str:
    volume, _, failure = about.partition(":")
    return f"volume {volume}: {words.word('label_failure', failure)}"


def _named(detail: str, words: Words) -> str:
    """Say a detail that names its own kind: ``code``, or ``code:what it is about``."""
    name, _, about = detail.partition(":")
    match name:
        case "message":
            return f'"{about}"'
        case "hold":
            return f"pendência na 360Hub: {hold_sentence(about, words)}"
        case "product_pending":
            return f"o produto {about} espera a aprovação da 360Hub"
        case "label":
            return _label(about, words)
        case "volume":
            return f"volume {about}"
        case "product_missing":
            return f"o produto {about} não pôde ser importado na 360Hub"
        case "status":
            return f"a 360Hub mostra {words.format_field(about, 'status')}"
        case "situation":
            return f"a mudança era para {words.quoted(int(about))}"
    if about.startswith("/"):
        return f"a 360Hub recusou {words.place(about)} ({words.word('refused_field', name)})"
    if words.knows("detail", name):
        return words.word("detail", name)
    return words.problem(name, about)


def hold_sentence(code: str, words: Words) -> str:
    """Say what 360Hub's hold means, and what lifts it if the seller can."""
    told = words.word("hold", code)
    can_act = words.knows("hold_action", code)
    return f"{told} ({words.word('hold_action', code)})" if can_act else told
