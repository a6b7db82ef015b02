"""The reasons: why an order is not in step, or needs a person, in one table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from services.sync_core.domain.comparison import (
    cancelled_in_bling,
    in_entry,
    passes_through,
    shows_delivered,
    target_of,
    unmapped,
    withdrawn,
)
from services.sync_core.domain.context import Context
from services.sync_core.domain.event import Decision, Event, decided
from services.sync_core.domain.occurrences import BEHIND, detail_of
from services.sync_core.domain.order import (
    BEFORE_INTAKE,
    FINISHED,
    PENDING_APPROVAL,
    UNDELIVERED,
    OrderState,
    Shipment,
)
from services.sync_core.domain.track import tracking_wanted
from services.sync_core.domain.verdict import aligning
from services.sync_core.domain.volumes import behind, failed_labels
from shared.contracts import sync_core as core

Action = Literal[
    "confirm_start",
    "confirm_reopening",
    "confirm_gone",
    "keep_bling",
    "apply_hub",
    "retry",
    "discard",
    "edit_in_bling",
    "change_mapping",
    "change_filter",
    "go_live",
    "act_at_hub",
    "reconnect",
    "resume",
    "read_options",
    "accept_side_effects",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """What a seller reads about a reason, of an order or of an account, and what settles it.

    ``needs_person`` is False where waiting, or the seller's own choice, is all there is to it.
    """

    sentence: str
    actions: tuple[Action, ...]
    needs_person: bool = True


REASONS: Final[dict[str, Reason]] = {
    "not_started": Reason(
        "O pedido ainda não entrou em andamento no Bling depois da ativação.",
        (),
        needs_person=False,
    ),
    "awaiting_confirmation": Reason(
        "O pedido já estava em andamento antes da ativação e espera a sua confirmação para ir à "
        "360Hub.",
        ("confirm_start",),
    ),
    "filtered": Reason(
        "O pedido ficou fora do filtro da conta e não é enviado à 360Hub.",
        ("change_filter", "edit_in_bling"),
        needs_person=False,
    ),
    "held": Reason(
        "O pedido está retido até que as pendências sejam resolvidas.",
        ("edit_in_bling", "act_at_hub", "confirm_gone", "retry"),
    ),
    "withdrawn": Reason(
        "O pedido saiu de andamento no Bling antes das etiquetas, mas continua aberto na 360Hub.",
        ("edit_in_bling",),
    ),
    "delivered_by_hand": Reason(
        "O pedido foi marcado como atendido no Bling antes de a transportadora recebê-lo.",
        ("keep_bling", "apply_hub"),
    ),
    "conflict": Reason(
        "O Bling mostra uma situação que a 360Hub não esperava. Nada foi sobrescrito; escolha qual "
        "lado vale.",
        ("keep_bling", "apply_hub"),
    ),
    "write_refused": Reason(
        "O Bling recusou a mudança de situação pedida pela 360Hub.",
        ("retry", "keep_bling"),
    ),
    "unmapped_status": Reason(
        "A 360Hub está em um status que não tem situação escolhida no Bling.",
        ("change_mapping",),
    ),
    "cancel_refused": Reason(
        "O pedido foi cancelado no Bling, mas a 360Hub não pode mais cancelar a remessa.",
        ("act_at_hub", "edit_in_bling", "keep_bling"),
    ),
    "hub_cancelled": Reason(
        "A 360Hub cancelou a remessa por conta própria; no Bling o pedido continua aberto. "
        "Cancele-o, ou deixe-o em andamento e confirme uma nova remessa.",
        ("edit_in_bling", "confirm_reopening"),
    ),
    "reopened": Reason(
        "O pedido cancelado foi reaberto no Bling. Deixe-o em andamento e confirme para abrir uma "
        "nova remessa.",
        ("confirm_reopening",),
    ),
    "parked": Reason(
        "Uma ação falhou repetidas vezes e espera uma nova tentativa.",
        ("retry", "discard"),
    ),
    "withheld": Reason(
        "A conta está em observação, ou o envio está desligado: nada é enviado.",
        ("go_live",),
        needs_person=False,
    ),
    "content_locked": Reason(
        "O pedido foi editado no Bling, mas a 360Hub continua com os dados anteriores.",
        ("act_at_hub",),
    ),
    "tracking_refused": Reason(
        "O código de rastreio não foi gravado no pedido do Bling.",
        ("retry", "discard", "edit_in_bling"),
    ),
    "occurrence": Reason(
        "A transportadora informou uma ocorrência na entrega que precisa de uma pessoa.",
        ("act_at_hub",),
    ),
    "occurrence_noted": Reason(
        "A transportadora informou uma ocorrência na entrega, que ela mesma resolve.",
        (),
        needs_person=False,
    ),
    "label_failed": Reason(
        "A 360Hub não conseguiu gerar uma etiqueta do pedido.",
        ("act_at_hub",),
    ),
    "volume_behind": Reason(
        "Um volume do pedido está mais de 48 horas atrasado em relação a outro, que já foi "
        "entregue.",
        ("act_at_hub",),
    ),
}
"""Code → what it means and what settles it."""

BESIDE_THE_STEP: Final = frozenset(
    {
        "content_locked",
        "tracking_refused",
        "occurrence",
        "occurrence_noted",
        "label_failed",
        "volume_behind",
    }
)
"""Reasons that may stand beside the one that says why the order is not in step."""


def tell_reasons(order: OrderState, event: Event, context: Context) -> Iterator[Decision]:
    """Raise the reasons that hold now, and clear those that no longer do."""
    now = reasons_of(order, context)
    mapping = context.account.mapping
    for code in order.reasons:
        if code not in now:
            yield decided(order.stream, core.OrderReasonCleared(code=code), about=code)
    for code, details in now.items():
        if order.reasons.get(code) != details:
            raised = core.OrderReasonRaised(
                code=code,
                details=details,
                shown=order.shown_id,
                target=target_of(order, mapping) if mapping and order.shipment else None,
                status=order.shipment.status if order.shipment else None,
            )
            yield decided(order.stream, raised, about=code)


def offers(order: OrderState, action: str) -> bool:
    """Whether one of the order's open reasons asks a person for this."""
    return any(action in REASONS[code].actions for code in order.reasons)


def reasons_of(order: OrderState, context: Context) -> dict[str, tuple[str, ...]]:
    """Return every reason that holds, with its details: at most one about the step."""
    found: dict[str, tuple[str, ...]] = {}
    if step := _step(order, context):
        found[step] = _details(step, order)
    shipment = order.shipment
    if refusal := _tracking_refusal(order, context):
        found["tracking_refused"] = refusal
    if shipment is None:
        return found
    found |= _beside(order, shipment, found.get("held", ()))
    return found | _occurrences(shipment, dealt_with=cancelled_in_bling(order, context.account))


def _beside(
    order: OrderState, shipment: Shipment, holding: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Return what stands beside the step; ``holding`` is what the step tells of holds already."""
    found: dict[str, tuple[str, ...]] = {}
    if shipment.registration in ("locked", "unsupported") and not _over(shipment):
        found["content_locked"] = (shipment.registration,)
    if failed := _failed_labels(shipment, holding):
        found["label_failed"] = failed
    if late := _behind(order, shipment):
        found["volume_behind"] = late
    return found


def _occurrences(shipment: Shipment, *, dealt_with: bool) -> dict[str, tuple[str, ...]]:
    """Tell of open occurrences until the customer has the order, or it is cancelled.

    ``dealt_with``: it is cancelled in Bling, which after a return or a loss is the end of it.
    """
    if shipment.status == "delivered" or shipment.cancelled_at_hub:
        return {}
    if dealt_with and shipment.status in ("returned_to_sender", "lost"):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for occurrence in shipment.open_occurrences:
        code = "occurrence" if occurrence.needs_person else "occurrence_noted"
        said, detail = found.get(code, ()), detail_of(occurrence)
        if detail not in said:
            found[code] = (*said, detail)
    return found


def _failed_labels(shipment: Shipment, holding: tuple[str, ...]) -> tuple[str, ...]:
    """Name the labels that could not be made, but for causes that a hold tells already."""
    if shipment.status not in BEFORE_INTAKE or shipment.cancelled_at_hub:
        return ()
    # A status that moved since then has left the failure behind.
    return tuple(
        f"label:{label.volume}:{label.failure or 'unknown'}"
        for label in failed_labels(shipment.issued)
        if label.sequence >= shipment.status_sequence and f"hold:{label.failure}" not in holding
    )


def _behind(order: OrderState, shipment: Shipment) -> tuple[str, ...]:
    """Name the volumes that are behind for too long, unless 360Hub tells of them itself."""
    deadline = order.deadlines.get("volume_behind")
    if deadline is None or not deadline.passed:
        return ()
    told = {each.volume for each in shipment.open_occurrences if each.code == BEHIND}
    late = behind(shipment.issued, shipment.scans)
    return () if None in told else tuple(f"volume:{each}" for each in late if each not in told)


def _tracking_refusal(order: OrderState, context: Context) -> tuple[str, ...]:
    tracking = order.shipment.tracking if order.shipment else None
    if tracking is None or not tracking_wanted(order, context):
        return ()
    if core.WriteTracking.TYPE in order.parked.values():
        return ("parked",)
    return tracking.refusal


def _step(order: OrderState, context: Context) -> str | None:
    """Return the one reason why the two sides are not in step; None: they are, or soon will be."""
    shipment = order.shipment
    if order.gone == "held":
        return "held"
    if shipment is None:
        return _before_start(order, context)
    if any(parked != core.WriteTracking.TYPE for parked in order.parked.values()):
        return "parked"
    if shipment.cancellation == "discarded" and not _over(shipment):
        return "held"
    if cancelled_in_bling(order, context.account):
        return _cancelled_in_bling(order, shipment)
    if shipment.cancelled_at_hub:
        return _cancelled_at_hub(order, shipment)
    if not aligning(order, context):
        return _unregistered(order, shipment, context)
    return _registered(order, shipment, context)


def _over(shipment: Shipment) -> bool:
    return shipment.cancelled_at_hub or shipment.status in FINISHED


def _before_start(order: OrderState, context: Context) -> str:
    if order.entry and in_entry(order, context.account):
        return order.entry.cause
    return "not_started"


def _cancelled_in_bling(order: OrderState, shipment: Shipment) -> str | None:
    if shipment.cancelled_at_hub or shipment.status in UNDELIVERED:
        return None
    if shipment.cancellation == "refused":
        return None if order.kept == order.shown_id else "cancel_refused"
    if shipment.cancellation == "withheld":
        return "withheld"
    if shipment.cancellation in ("sent", "not_found"):
        return None  # on its way
    if shipment.status in FINISHED:
        return None if order.kept == order.shown_id else "conflict"
    return "withheld"


def _cancelled_at_hub(order: OrderState, shipment: Shipment) -> str | None:
    if order.pending:
        return None
    if order.rechecking:
        return None  # it is not certain yet that nothing of it is alive
    if shipment.cancellation is not None:
        return "reopened"
    refused = order.refused is not None and order.kept != order.shown_id
    return "write_refused" if refused else "hub_cancelled"


def _unregistered(order: OrderState, shipment: Shipment, context: Context) -> str | None:
    if shipment.cancellation is not None:
        return None  # re-opened while the cancellation is on its way: its answer decides
    if _delivered_by_hand(order, context) and order.kept != order.shown_id:
        return "delivered_by_hand"
    if withdrawn(order, context.account):
        return _withdrawn(order)
    if order.problems or order.missing_products or order.content is None:
        return "held"
    if shipment.registration in ("invalid", "discarded", "withdrawn", "closed"):
        return "held"
    return None if context.to_hub == "command" else "withheld"


def _registered(order: OrderState, shipment: Shipment, context: Context) -> str | None:
    mapping = context.account.mapping
    if mapping is None or order.pending:
        return None
    if order.overwritten is not None:
        return "conflict"
    if unmapped(order, mapping):
        return "unmapped_status"
    target = target_of(order, mapping)
    if target is None or order.shown_id == target or order.kept == order.shown_id:
        return _held(order, shipment)
    if passes_through(order, context.account) and order.base == target:
        return _held(order, shipment)
    return _out_of_step(order, target, context)


def _delivered_by_hand(order: OrderState, context: Context) -> bool:
    mapping = context.account.mapping
    by_hand = mapping is not None and shows_delivered(order, mapping)
    return by_hand and not passes_through(order, context.account)


def _out_of_step(order: OrderState, target: int, context: Context) -> str | None:
    if _delivered_by_hand(order, context):
        return "delivered_by_hand"
    if withdrawn(order, context.account):
        return _withdrawn(order)
    if order.refused == target:
        return "write_refused"
    if order.shown_id == order.base or passes_through(order, context.account):
        return None if context.to_bling == "command" else "withheld"
    return "conflict"


def _withdrawn(order: OrderState) -> str | None:
    """Return the reason once its two minutes are over."""
    deadline = order.deadlines.get("withdrawn")
    return "withdrawn" if deadline and deadline.passed else None


def _held(order: OrderState, shipment: Shipment) -> str | None:
    if _over(shipment):
        return None  # nothing is left that could be held back
    waits = order.problems or order.missing_products or shipment.holds
    unsent = shipment.registration in ("invalid", "discarded", "withdrawn")
    return "held" if waits or unsent else None


def _details(code: str, order: OrderState) -> tuple[str, ...]:
    shipment = order.shipment
    match code:
        case "held":
            return _holding(order)
        case "cancel_refused" if shipment and shipment.refused_cancel == "unsupported":
            return ("unsupported",)
        case "conflict" if order.overwritten is not None:
            return ("possibly_overwritten", f"situation:{order.overwritten}")
        case "conflict" if shipment and shipment.status in FINISHED:
            return (f"status:{shipment.status}",)
        case "parked":
            return tuple(sorted(set(order.parked.values()) - {core.WriteTracking.TYPE}))
        case "filtered" if order.entry and order.entry.criterion:
            return (order.entry.criterion,)
        case "write_refused" if order.refusal:
            return (f"message:{order.refusal}",)
        case "unmapped_status" if shipment and shipment.status:
            return (f"status:{shipment.status}",)
    return ()


def _holding(order: OrderState) -> tuple[str, ...]:
    shipment = order.shipment
    if order.gone == "held":
        return ("orders_gone",)
    holding = [*order.problems]
    holding += [f"product_missing:{product_id}" for product_id in order.missing_products]
    erased = shipment is not None and shipment.registration == "withdrawn"
    if erased or (order.content is None and not order.problems):
        holding.append("content_erased")
    if shipment:
        holding += _holds(shipment)
        holding += list(shipment.errors)
        if shipment.registration in ("closed", "discarded"):
            holding.append(f"register_{shipment.registration}")
        if shipment.cancellation == "discarded":
            holding.append("cancel_discarded")
    return tuple(holding)


def _holds(shipment: Shipment) -> list[str]:
    """Name 360Hub's holds; instead of *waits for approval*, the products that it waits for."""
    pending = [f"product_pending:{product_id}" for product_id in shipment.pending_products]
    codes = [code for code in shipment.holds if not (pending and code == PENDING_APPROVAL)]
    return pending + [f"hold:{code}" for code in codes]
