"""Why the rules concluded what they did about an order and its products: one whole sentence each.

What Align makes of an order has its own words (`why.py`): here is everything else that a timeline
tells of as decided or sent, by its type.
"""

from typing import Final

from services.sync_core.audit.words import Words
from services.sync_core.domain import Event, OrderState
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core

OBSERVING: Final = "a conta está em modo observação"

_AGAIN: Final = "uma pessoa pediu nova tentativa"

_STARTED: Final = {
    "taken_on": "o pedido entrou em {situation:situation} depois da ativação da conta",
    "first_seen": (
        "o pedido já chegou em {situation:situation}, com data igual ou posterior à da ativação"
    ),
    "confirmed": "uma pessoa confirmou o envio, e o Bling mostra {shown:situation}",
    "reopened": "uma pessoa confirmou a reabertura, e o Bling mostra {shown:situation}",
}

_REGISTERED_AGAIN: Final = {
    "stale": "a 360Hub tinha uma versão mais alta do que a enviada",
    "unlocked": "as etiquetas foram anuladas e a 360Hub volta a aceitar os dados do pedido",
    "withheld": "a conta passou a enviar o que antes só observava",
    **dict.fromkeys(("invalid", "discarded", "withdrawn"), _AGAIN),
}

RAISED: Final = {
    "not_started": (
        "ainda não vimos o pedido entrar em andamento no Bling com o envio à 360Hub ativo"
    ),
    "awaiting_confirmation": (
        "o pedido está em andamento no Bling sem que víssemos essa mudança depois da ativação"
    ),
    "filtered": "o filtro da conta não aceita o pedido",
    "held": "há pendências que não deixam o pedido seguir",
    "withdrawn": (
        "o Bling mostra o pedido fora de andamento (alterado no Bling, autor não informado) e a"
        " 360Hub continua com a remessa aberta"
    ),
    "delivered_by_hand": (
        "o Bling mostra o pedido como atendido (alterado no Bling, autor não informado) antes de a"
        " transportadora o receber"
    ),
    "conflict": (
        "os dois lados não combinam, e o que não foi gravado por nós no Bling não é sobrescrito"
    ),
    "write_refused": "o Bling recusou a situação que a 360Hub pede",
    "unmapped_status": "o status da 360Hub não tem situação escolhida no mapeamento da conta",
    "cancel_refused": (
        "o pedido foi cancelado ou excluído no Bling, e a 360Hub recusou cancelar a remessa"
    ),
    "hub_cancelled": "a remessa está cancelada na 360Hub, e o pedido continua aberto no Bling",
    "reopened": "a remessa foi cancelada, e o pedido voltou a ficar aberto no Bling",
    "parked": "uma ação falhou e não segue sem que uma pessoa decida",
    "withheld": "o modo da conta não deixa enviar o que este pedido pede agora",
    "content_locked": "a 360Hub não aceitou os novos dados do pedido",
    "tracking_refused": "o rastreio que a conta quer no Bling não pôde ser gravado",
    "occurrence": "a 360Hub informou uma ocorrência que precisa de uma pessoa",
    "occurrence_noted": "a 360Hub informou uma ocorrência que a transportadora mesma resolve",
    "label_failed": "a 360Hub informou que uma etiqueta não pôde ser gerada",
    "volume_behind": "um volume continuou atrás de outro, já entregue, até o fim do prazo",
}
"""An order's reason → what was seen."""

_DEADLINES: Final = {
    "withdrawn": "o pedido saiu de andamento no Bling, e quem o tirou pode colocá-lo de volta",
    "cancel_recheck": (
        "a 360Hub não achou a remessa a cancelar, e um registro dela ainda podia estar a caminho"
    ),
    "volume_behind": "um volume do pedido está atrás de outro, que já foi entregue",
}

AFTER: Final = {
    "bling.order.observed": "a leitura do pedido no Bling",
    "bling.order.gone": "o sumiço do pedido no Bling",
    "bling.situation.set": "a resposta do Bling à gravação da situação",
    "bling.situation.refused": "a recusa da situação pelo Bling",
    "bling.tracking.written": "a resposta do Bling à gravação do rastreio",
    "bling.tracking.refused": "a recusa do rastreio pelo Bling",
    "bling.command.parked": "a parada de uma ação no Bling",
    "bling.command.superseded": "a substituição de uma ação no Bling por outra mais nova",
    "bling.command.discarded": "a desistência de uma ação no Bling",
    "hub.order.registered": "o registro do pedido na 360Hub",
    "hub.order.refused": "a recusa do pedido pela 360Hub",
    "hub.order.status_changed": "o novo status da 360Hub",
    "hub.order.cancelled": "a resposta da 360Hub ao cancelamento",
    "hub.order.cancel_refused": "a recusa do cancelamento pela 360Hub",
    "hub.order.content_updated": "a atualização dos dados do pedido na 360Hub",
    "hub.order.hold_changed": "a mudança das pendências na 360Hub",
    "hub.order.labels_updated": "a mudança das etiquetas na 360Hub",
    "hub.order.tracking_updated": "a leitura da transportadora",
    "hub.order.occurrence_opened": "a ocorrência informada pela 360Hub",
    "hub.order.occurrence_resolved": "a solução da ocorrência na 360Hub",
    "hub.order.event_unrecognised": "um aviso da 360Hub que ainda não conhecemos",
    "hub.command.parked": "a parada de uma ação na 360Hub",
    "hub.command.superseded": "a substituição de uma ação na 360Hub por outra mais nova",
    "hub.command.discarded": "a desistência de uma ação na 360Hub",
    "sync.order.product_ready": "a notícia de que o produto já não segura o pedido",
    "sync.order.product_missing": "a notícia de que um produto falta na 360Hub",
    "command.withdrawn": "o apagamento dos dados pessoais",
    "order.start_confirmed": "a confirmação do envio por uma pessoa",
    "order.reopening_confirmed": "a confirmação da nova remessa por uma pessoa",
    "order.settled": "a escolha de uma pessoa",
    "order.gone_confirmed": "a confirmação, por uma pessoa, de que o pedido não existe mais",
    "order.retry_requested": "a nova tentativa que uma pessoa pediu",
    "order.discard_requested": "a desistência pedida por uma pessoa",
    "order.deadline_passed": "o fim do prazo",
}
"""What the rules looked at → what it was. Anything else is told as news."""

_DONE: Final = {
    core.OrderStarted.TYPE: "Começamos a remessa {shipment}",
    core.OrderEntryHeld.TYPE: "Não enviamos o pedido à 360Hub",
    core.OrderProductReady.TYPE: "Deixamos de esperar pelo produto {product_id}",
    core.OrderProductMissing.TYPE: "Anotamos que o produto {product_id} falta na 360Hub",
    core.OrderContentChanged.TYPE: "Anotamos a versão {version} dos dados do pedido",
    core.OrderCancelled.TYPE: "Demos a remessa {shipment} por acabada",
    core.OrderGoneHeld.TYPE: "Não cancelamos a remessa",
    core.OrderStageChanged.TYPE: "Mudamos a etapa do pedido para “{stage:stage}”",
    core.OrderReasonRaised.TYPE: "Mostramos o aviso",
    core.OrderReasonCleared.TYPE: "Tiramos o aviso",
    core.OrderDeadlineSet.TYPE: "Marcamos um prazo",
    core.OrderDeadlineCleared.TYPE: "Desmarcamos o prazo",
    core.ProductApprovalMoved.TYPE: "Anotamos o produto {product_id} como “{status:approval}”",
    core.CommandWithdrawn.TYPE: "Desistimos de {command_type:command}",
}
"""Type of a decision → what was done."""


def concluded(event: Event, cause: Event | None, before: OrderState, words: Words) -> str | None:
    """Return why something was decided or sent, beginning with what; None: that needs no why.

    ``cause`` is the event that led to it, if it is known; ``before`` the order that the event met.
    """
    because = _because(event, cause, before, words)
    if because is None:
        return None
    if event.kind not in ("command", "withheld"):
        done = words.format(_DONE[event.data.TYPE], **vars(event.data))
        return f"{done}, porque {because}."
    ordered = words.word("command", event.data.TYPE)
    if event.kind == "withheld":
        return f"Não mandamos {ordered}, porque {OBSERVING}; o motivo seria este: {because}."
    return f"Mandamos {ordered}, porque {because}."


def _because(event: Event, cause: Event | None, before: OrderState, words: Words) -> str | None:
    match event.data:
        case core.OrderReasonRaised(code=code):
            return RAISED.get(code, "o que ele descreve passou a valer")
        case core.OrderReasonCleared():
            return f"o motivo dele deixou de valer com {_after(cause)}"
        case core.OrderDeadlineSet(deadline=deadline):
            return _DEADLINES[deadline]
        case core.OrderDeadlineCleared():
            return f"com {_after(cause)} ele deixou de ser preciso"
        case core.DiscardWork(cause=given):
            wanted = cause is not None and isinstance(cause.data, core.DiscardRequested)
            return "uma pessoa desistiu do que estava parado" if wanted else given
        case core.CommandWithdrawn():
            return "os dados pessoais de que a ação precisava foram apagados"
    if event.stream.startswith("product-"):
        return _of_a_product(event, cause)
    if event.kind in ("command", "withheld"):
        return _of_a_command(event, before, words)
    return _of_a_step(event, cause, before, words)


def _after(cause: Event | None) -> str:
    return AFTER.get(cause.data.TYPE, "uma novidade") if cause else "uma novidade"


def _of_a_step(event: Event, cause: Event | None, before: OrderState, words: Words) -> str | None:
    """Return why the order went on, or did not."""
    match event.data:
        case core.OrderStarted(cause=start, start_situation=situation):
            seen = {"situation": situation, "shown": before.shown_id}
            return f"{words.format(_STARTED[start], **seen)}, e o filtro da conta o deixa passar"
        case core.OrderEntryHeld(cause="filtered", criterion=str(criterion)):
            return f"o filtro da conta não aceita {words.word('criterion', criterion)}"
        case core.OrderEntryHeld(cause=held):
            return RAISED[held]
        case core.OrderProductReady():
            return _ready_because(cause)
        case core.OrderProductMissing(cause=missing):
            return words.word("missing", missing)
        case core.OrderContentChanged():
            return "o que vai à 360Hub mudou depois do registro do pedido"
        case core.OrderCancelled() as over:
            return _over_because(over, before)
        case core.OrderGoneHeld(gone_within_the_hour=gone):
            return f"{gone} pedidos sumiram do Bling em uma hora, e só uma pessoa sabe se é verdade"
        case core.OrderStageChanged(stage=stage):
            return _stage_because(stage, before, words)
    return None


def _ready_because(cause: Event | None) -> str:
    if cause is None:
        return "ele já não segura o pedido"
    imported = isinstance(cause.data, hub.ProductImported)
    return "a 360Hub já o tem" if imported else f"{OBSERVING} e ele não é enviado"


def _over_because(over: core.OrderCancelled, before: OrderState) -> str:
    if over.by == "hub":
        return "a 360Hub a cancelou por conta própria"
    ended = "não existe mais no Bling" if before.gone else "foi cancelado no Bling"
    if over.at_hub:
        return f"o pedido {ended}, e a 360Hub respondeu ao cancelamento"
    return f"o pedido {ended} antes de ser enviado à 360Hub"


def _stage_because(stage: str, before: OrderState, words: Words) -> str:
    status = before.shipment.status if before.shipment else None
    if stage == "cancelled" and status != "cancelled":
        return "a remessa está cancelada na 360Hub"
    if status is None:
        return "a remessa começou"
    return words.format("a 360Hub mostra {status:status}", status=status)


def _of_a_command(event: Event, before: OrderState, words: Words) -> str | None:
    """Return why something was sent for the order."""
    match event.data:
        case core.RegisterOrder() as register:
            return _registered_because(before, register)
        case core.CancelOrder() as cancel:
            return _cancelled_because(before, cancel, words)
        case core.WriteTracking():
            return "as etiquetas trouxeram rastreio, e a conta o quer nos volumes do Bling"
        case core.ReadOrder() | core.RetryWork():
            return _AGAIN
    return None


def _registered_because(before: OrderState, register: core.RegisterOrder) -> str:
    shipment = before.shipment
    if shipment is None or shipment.register_version == 0:
        return "a remessa começou e nenhum produto segura mais o pedido"
    if shipment.content_digest != register.content_digest:
        return "os dados do pedido mudaram (alterado no Bling, autor não informado)"
    if register.declares_content and not shipment.declares_content:
        return "o pedido passa a ir com declaração de conteúdo"
    return _REGISTERED_AGAIN.get(shipment.registration or "", _AGAIN)


def _cancelled_because(before: OrderState, cancel: core.CancelOrder, words: Words) -> str:
    shipment = before.shipment
    if shipment is not None and shipment.cancellation == "not_found":
        return "o cancelamento anterior não achou a remessa, e um registro podia estar a caminho"
    if shipment is not None and shipment.cancellation == "discarded":
        return _AGAIN
    if cancel.reason_code == "deleted_in_erp":
        return "o pedido não existe mais no Bling"
    shown = words.quoted(before.shown_id)
    return f"o Bling mostra {shown} (alterado no Bling, autor não informado)"


def _of_a_product(event: Event, cause: Event | None) -> str | None:
    """Return why a product was read, sent, or told of."""
    led = cause.data if cause else None
    match event.data, led:
        case core.ProductApprovalMoved(), _:
            return "é o que a 360Hub informa"
        case core.AddProductPhoto(), _:
            return "a 360Hub espera fotos do produto, e a conta as envia"
        case core.ReadProduct(), core.RetryRequested():
            return _AGAIN
        case (
            core.ReadProduct(),
            hub.ProductImported() | hub.ProductApprovalChanged() | core.ProductSendRequested(),
        ):
            return "a 360Hub espera fotos do produto, e os endereços que temos vencem logo"
        case core.ReadProduct(), _:
            return "um pedido precisa do produto como ele é agora"
        case core.ImportProduct(), core.ProductSendRequested():
            return "uma pessoa pediu que ele fosse enviado de novo"
        case core.ImportProduct(), bling.ProductObserved() | hub.ProductRefused():
            return "um pedido precisa do produto, e a 360Hub não o tem como o Bling o mostra"
        case core.ImportProduct(), _:
            return "um novo pedido precisa do produto como o Bling o mostra"
    return None
