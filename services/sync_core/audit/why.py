"""Why: one sentence for each decision, and for each decision to write nothing.

Made to be handed to the seller as it is. Bling names no author of a change, so nobody is named.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from services.sync_core.audit.concluded import OBSERVING, concluded
from services.sync_core.audit.words import Words
from services.sync_core.domain import ACCOUNT, Event, OrderState
from services.sync_core.domain.explain import Judgement, Step, explain
from services.sync_core.domain.verdict import Cause

BECAUSE: Final[dict[Cause, str]] = {
    "hub_moved": (
        "a 360Hub mostra {status:status} e o Bling ainda mostrava {shown:situation}, a última"
        " situação em que os dois lados concordavam"
    ),
    "over_pass_through": (
        "a 360Hub mostra {status:status} e o Bling mostrava {shown:situation}, uma situação de"
        " passagem, que não contradiz ninguém"
    ),
    "settled": (
        "uma pessoa escolheu o lado da 360Hub ({status:status}), vendo {shown:situation} no Bling"
    ),
    "hub_cancelled": (
        "a 360Hub cancelou a remessa por conta própria e a conta quer isso no Bling, que ainda"
        " mostrava {shown:situation}"
    ),
    "no_mapping": "a conta ainda não tem mapeamento de situações",
    "awaiting_answer": "ele ainda não respondeu à gravação anterior, de {target:situation}",
    "not_started": "o pedido ainda não começou a ser enviado pela 360Hub",
    "filtered": "o pedido ficou fora do filtro da conta",
    "awaiting_confirmation": "o envio do pedido à 360Hub espera a confirmação de uma pessoa",
    "not_registered": "a 360Hub ainda não tem o pedido",
    "gone": "o pedido não existe mais nele",
    "cancelling": "o cancelamento pedido à 360Hub ainda não foi respondido",
    "cancelled_in_bling": "o pedido está cancelado nele ({shown:situation})",
    "cancelled_at_hub": (
        "a remessa está cancelada na 360Hub; ele mostra {shown:situation}, e o resto do pedido é"
        " decidido no Bling"
    ),
    "unmapped": "o status {status:status} da 360Hub não tem situação escolhida na conta",
    "not_wanted": "a conta escolheu não gravar nada para o status {status:status} da 360Hub",
    "agreed": (
        "os dois lados passaram a concordar: ele mostra {shown:situation}, e a 360Hub,"
        " {status:status}"
    ),
    "in_step": "ele já mostra {shown:situation}, que é o que a 360Hub pede ({status:status})",
    "refused": "ele recusou {target:situation}, que a 360Hub pede ({status:status})",
    "parked": (
        "a gravação de {target:situation} falhou repetidas vezes e espera uma nova tentativa"
    ),
    "kept": "uma pessoa escolheu manter {shown:situation}; a 360Hub pedia {target:situation}",
    "passing_through": (
        "ele mostra {shown:situation}, uma situação de passagem, e a 360Hub não andou desde que os"
        " dois lados concordaram em {base:situation}"
    ),
    "delivered_by_hand": (
        "ele mostra {shown:situation} (alterado no Bling, autor não informado) antes de a"
        " transportadora receber o pedido; a 360Hub pede {target:situation}"
    ),
    "withdrawn": (
        "ele mostra {shown:situation} (alterado no Bling, autor não informado), que não faz parte"
        " do envio; a 360Hub pede {target:situation}"
    ),
    "conflict": (
        "ele mostra {shown:situation} (alterado no Bling, autor não informado), e não"
        " {base:situation}, em que os dois lados concordavam; a 360Hub pede {target:situation}, e o"
        " que não foi gravado por nós não é sobrescrito"
    ),
}
"""Cause → the sentence's second half. *Ele* is Bling."""

_NOTHING: Final = "Nada foi gravado no Bling, porque "
_OFF: Final = "o envio ao Bling está desligado"


def whys(order: OrderState, events: Sequence[Event], words: Words) -> dict[UUID, str]:
    """Explain what was decided, and what led to no writing, by the event's id.

    ``order`` is as yet without history. ``events`` are its own, its products' and its account's,
    in the order of the log; the account's are not explained.
    """
    known = {event.id: event for event in events}
    history = [event for event in events if event.stream in (order.stream, ACCOUNT)]
    steps = {step.event.id: step for step in explain(order, history)}
    told: dict[UUID, str] = {}
    for event in events:
        if event.stream != ACCOUNT:
            cause = known.get(event.causation_id) if event.causation_id else None
            step = steps.get(event.id)
            own = concluded(event, cause, step.before if step else order, words)
            aligned = _of_align(step, words) if step else None
            if said := " ".join(filter(None, (own, aligned))):
                told[event.id] = said
    return told


def _of_align(step: Step, words: Words) -> str | None:
    judgement = step.judgement
    if judgement is None or (judgement.logged is not None and step.event is not judgement.logged):
        return None  # the decision itself is told, where it stands
    if not judgement.fits:
        return "Decidido por uma versão anterior das regras, que as de hoje não explicam."
    return _opening(judgement, words) + _because(judgement, words) + "."


def _opening(judgement: Judgement, words: Words) -> str:
    found, order = judgement.verdict, judgement.order
    target = words.quoted(found.target)
    match found.act, found.held_back:
        case "write", _:
            shown = words.quoted(order.shown_id)
            return f"Mandamos gravar {target} no Bling no lugar de {shown}, porque "
        case "withhold", _:
            return f"{_NOTHING}{OBSERVING}; seria gravado {target}, porque "
        case _, "off":
            return f"{_NOTHING}{_OFF}; seria gravado {target}, porque "
        case _, "said":
            return f"{_NOTHING}{OBSERVING}, e isto já foi anotado; seria gravado {target}, porque "
    return _NOTHING


def _because(judgement: Judgement, words: Words) -> str:
    found, order = judgement.verdict, judgement.order
    seen = _seen(order) | {"target": found.target}
    told = words.format(BECAUSE[found.cause], **seen)
    match found.cause:
        case "filtered" if order.entry and order.entry.criterion:
            return f"{told}: {words.word('criterion', order.entry.criterion)}"
        case "refused" if order.refusal:
            return f'{told}: "{order.refusal.rstrip(".")}"'
        case "conflict" if order.overwritten is not None:
            hidden = words.quoted(order.overwritten)
            return f"{told}; uma mudança para {hidden} pode ter sido sobrescrita no mesmo instante"
    return told


def _seen(order: OrderState) -> dict[str, Any]:
    status = order.shipment.status if order.shipment else None
    shown = {"shown": order.shown_id, "base": order.base}
    return shown | {"status": status or "order_created"}
