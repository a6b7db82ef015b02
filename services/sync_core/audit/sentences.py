"""One sentence for each type of event: what a person reads in a timeline."""

from collections.abc import Sequence
from typing import Final

from services.sync_core.audit.explanations import explanations
from services.sync_core.audit.words import Words
from services.sync_core.domain import Event
from services.sync_core.domain.occurrences import KINDS, UNCLASSIFIED
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.references import product_id_of

_PARKED: Final = "parou e espera uma pessoa: {command_type:command} ({cause:trouble})"
_SUPERSEDED: Final = "não foi mais preciso {command_type:command}: um pedido mais novo o substituiu"
_DISCARDED: Final = "desistência de {command_type:command} ({cause})"
_PAUSED: Final = "trabalho da conta pausado por {by} ({reason})"
_RESUMED: Final = "trabalho da conta retomado por {by}"

TEMPLATES: Final = {
    # what Bling's gateway saw and did
    "bling.order.observed": (
        "Bling: pedido {number} lido {trigger:trigger}, na situação {situation:situation}"
    ),
    "bling.order.gone": "Bling: o pedido não existe mais ({evidence:evidence})",
    "bling.product.observed": "Bling: produto {product_id} lido {trigger:trigger}",
    "bling.product.gone": "Bling: o produto {product_id} não existe mais",
    "bling.situation.set": "Bling: situação {target:situation} {outcome:outcome}",
    "bling.situation.refused": (
        "Bling: situação {target:situation} não gravada, porque {cause:refusal};"
        " o pedido mostra {shown:situation}"
    ),
    "bling.tracking.written": "Bling: rastreio do pedido {outcome:tracking_outcome}",
    "bling.tracking.refused": "Bling: rastreio não gravado, porque {cause:tracking_refusal}",
    "bling.situations.observed": "Bling: lista de situações lida ({situations:count})",
    "bling.situations.refused": "Bling: recusou {action:situations_action} ({message})",
    "bling.entry_options.observed": "Bling: lojas e serviços de entrega lidos",
    "bling.import.progressed": "Bling: importação, {read} de {found} pedidos lidos",
    "bling.webhooks.silent": "Bling: {missed} mudanças chegaram sem aviso",
    "bling.webhooks.heard": "Bling: os avisos voltaram a chegar",
    "bling.account.connected": "Bling: conta conectada",
    "bling.account.disconnected": "Bling: conta desconectada ({cause:disconnection})",
    "bling.account.paused": "Bling: " + _PAUSED,
    "bling.account.resumed": "Bling: " + _RESUMED,
    "bling.command.parked": "Bling: " + _PARKED,
    "bling.command.superseded": "Bling: " + _SUPERSEDED,
    "bling.command.discarded": "Bling: " + _DISCARDED,
    "bling.subject_erased": "Bling: dados pessoais de {subject} apagados na integração",
    # what 360Hub's gateway saw and did
    "hub.subject_erased": "360Hub: dados pessoais de {subject} apagados na integração",
    "hub.order.registered": "360Hub: pedido registrado, versão {version} ({outcome:outcome})",
    "hub.order.refused": "360Hub: versão {version} recusada, porque {cause:refusal}",
    "hub.order.status_changed": "360Hub: status {status:status}",
    "hub.order.cancelled": "360Hub: cancelamento respondido ({outcome:outcome})",
    "hub.order.cancel_refused": "360Hub: cancelamento recusado, porque {cause:refusal}",
    "hub.order.content_updated": "360Hub: dados do pedido atualizados",
    "hub.order.hold_changed": "360Hub: pendências do pedido",
    "hub.order.labels_updated": "360Hub: etiquetas",
    "hub.order.tracking_updated": "360Hub: leitura da transportadora",
    "hub.order.occurrence_opened": "360Hub: ocorrência na entrega",
    "hub.order.occurrence_resolved": "360Hub: ocorrência resolvida",
    "hub.order.event_unrecognised": "360Hub: aviso que ainda não conhecemos ({raw_type})",
    "hub.product.imported": (
        "360Hub: produto {product_id} importado ({outcome:outcome}),"
        " aprovação: {approval.status:approval}"
    ),
    "hub.product.refused": "360Hub: produto {product_id} recusado, porque {cause:refusal}",
    "hub.product.approval_changed": (
        "360Hub: aprovação do produto {product_id}: {approval.status:approval}"
    ),
    "hub.product.photo_added": (
        "360Hub: foto {position} do produto {product_id} recebida ({status:photo})"
    ),
    "hub.product.photo_refused": (
        "360Hub: foto {position} do produto {product_id} recusada, porque {cause:photo_refusal}"
    ),
    "hub.manifest.closed": "360Hub: romaneio fechado ({references:count} pedidos)",
    "hub.account.connected": "360Hub: conta conectada",
    "hub.account.disconnected": "360Hub: conta desconectada ({cause:disconnection})",
    "hub.account.paused": "360Hub: " + _PAUSED,
    "hub.account.resumed": "360Hub: " + _RESUMED,
    "hub.command.parked": "360Hub: " + _PARKED,
    "hub.command.superseded": "360Hub: " + _SUPERSEDED,
    "hub.command.discarded": "360Hub: " + _DISCARDED,
    # what was ordered
    "bling.set_situation": (
        "Gravar {target:situation} no Bling, se ele ainda mostrar {expected:situation}"
    ),
    "bling.read_product": "Ler o produto {product_id} no Bling",
    "bling.read_order": "Ler o pedido de novo no Bling",
    "bling.ensure_situations": "Procurar ou criar as situações da 360Hub no Bling",
    "bling.read_entry_options": "Ler lojas, serviços de entrega e situações no Bling",
    "bling.import_orders": "Ler no Bling os pedidos em andamento desde {since}",
    "bling.write_tracking": "Gravar o rastreio nos volumes do pedido no Bling",
    "hub.register_order": "Registrar o pedido na 360Hub: remessa {shipment}, versão {version}",
    "hub.cancel_order": "Cancelar a remessa {shipment} na 360Hub",
    "hub.import_product": "Importar o produto {product_id} na 360Hub, versão {version}",
    "hub.add_product_photo": "Enviar à 360Hub a foto {position} do produto {product_id}",
    "account.connect": "Apresentar a conta {name} aos dois lados",
    "account.pause": "Pausar o trabalho da conta ({reason})",
    "account.resume": "Retomar o trabalho da conta",
    "account.disconnect": "Desconectar a conta: {side:system}",
    "work.retry": "Tentar de novo o que estava parado",
    "work.discard": "Desistir do que estava parado ({cause})",
    "command.withdrawn": (
        "Não enviado: os dados pessoais de que precisava foram apagados ({command_type:command})"
    ),
    "privacy.erase_subject": "Apagar os dados pessoais de {subject} nos dois lados da integração",
    "sync.checkpoint.signed": (
        "Ponto de verificação nº {number} assinado: {accounts} contas, {events} acontecimentos"
    ),
    # what was decided
    "privacy.erasure_held": (
        "Os dados pessoais de {subject} serão apagados quando acabarem as remessas em andamento"
        " ({orders:count})"
    ),
    "privacy.shipment_ended": (
        "A remessa do pedido {order_id} acabou: o apagamento de {subject} já não espera por ela"
    ),
    "privacy.key_destroyed": (
        "Chave dos dados pessoais de {subject} destruída: ninguém mais pode lê-los"
    ),
    "privacy.subject_erased": "Dados pessoais de {subject} apagados em toda a integração",
    "sync.order.started": "Começa a remessa {shipment}, porque o pedido {cause:start}",
    "sync.order.entry_held": "O pedido não é enviado, porque {cause:entry}",
    "sync.order.product_ready": "O produto {product_id} já não segura o pedido",
    "sync.order.product_missing": "O produto {product_id} falta na 360Hub: {cause:missing}",
    "sync.order.content_changed": "Os novos dados vão à 360Hub como versão {version}",
    "sync.order.agreed": "Os dois lados concordam: {situation:situation}",
    "sync.order.cancelled": "A remessa {shipment} acabou: cancelada {by:side}",
    "sync.order.gone_held": (
        "Retido: {gone_within_the_hour} pedidos sumiram do Bling em uma hora; falta confirmar"
    ),
    "sync.order.stage_changed": "Etapa do pedido: {stage:stage}",
    "sync.order.reason_raised": "Atenção: {code:reason}",
    "sync.order.reason_cleared": "Resolvido: {code:reason}",
    "sync.order.deadline_set": "Prazo marcado: {deadline:deadline_set}",
    "sync.order.deadline_cleared": "Prazo desmarcado",
    "sync.product.approval_changed": "Produto {product_id} na 360Hub: {status:approval}",
    "sync.account.mapping_adopted": "Mapeamento inicial de situações adotado",
    "sync.account.order_gone": "O pedido {order_id} sumiu do Bling",
    "sync.account.photos_refused": (
        "A 360Hub não recebe fotos pela integração: nenhuma outra será enviada"
    ),
    "sync.account.reason_raised": "Atenção na conta: {code:reason}",
    "sync.account.reason_cleared": "Resolvido na conta: {code:reason}",
    # what people did
    "account.created": "Conta {name} criada",
    "account.mapping_changed": "Mapeamento de situações alterado",
    "account.filter_changed": "Filtro de pedidos alterado",
    "account.mode_changed": (
        "Modo alterado: para a 360Hub {mode.to_hub:direction},"
        " para o Bling {mode.to_bling:direction}"
    ),
    "account.policies_changed": "Regras da conta alteradas",
    "account.went_live": "Conta ativada para pedidos a partir de {go_live}",
    "account.side_effects_accepted": (
        "Aceito o que o Bling faz por conta própria em {transitions:count} transições"
    ),
    "account.import_requested": "Importação pedida: pedidos em andamento desde {since}",
    "account.options_requested": "Nova leitura de lojas, serviços e situações pedida",
    "account.pause_requested": "Pausa da conta pedida ({reason})",
    "account.resume_requested": "Retomada da conta pedida",
    "account.disconnection_requested": "Desconexão pedida: {side:system}",
    "order.start_confirmed": "Confirmado: enviar o pedido à 360Hub",
    "order.reopening_confirmed": "Confirmado: abrir uma nova remessa",
    "order.settled": "Conflito decidido: {choice:choice} (o Bling mostrava {seen:situation})",
    "order.gone_confirmed": "Confirmado: o pedido não existe mais",
    "order.retry_requested": "Nova tentativa pedida",
    "order.discard_requested": "Desistência do que estava parado ({cause})",
    "product.send_requested": "Novo envio do produto à 360Hub pedido",
    "privacy.erasure_requested": "Apagamento dos dados pessoais de {subject} pedido",
    "privacy.erasure_reapplied": (
        "Dados pessoais de {subject}, trazidos de volta por uma cópia de segurança, são apagados"
    ),
    # time
    "order.deadline_passed": "O prazo passou: {deadline:deadline}",
}


def sentence(event: Event, words: Words) -> str:
    """Return what happened, as a person would want to read it."""
    told = words.format(TEMPLATES[event.data.TYPE], **vars(event.data)) + _more(event, words)
    if event.kind == "withheld":
        return f"Não enviado (modo observação): {told[0].lower()}{told[1:]}"
    return f"{told}, por {event.actor}" if event.actor else told


def _more(event: Event, words: Words) -> str:
    """Return what depends on how much there is to say."""
    match event.data:
        case hub.ProductImported(approval=approval) | hub.ProductApprovalChanged(approval=approval):
            return _approval(approval, words)
        case core.ProductApprovalMoved(reason_code=str(code)):
            return f": {words.word('rejection', code)}"
        case hub.AccountConnected(lacks=lacks) if lacks:
            return "." + _in_detail([words.word("lacks", each) for each in lacks])
        case bling.OrderObserved(problems=problems) if problems:
            told = [words.problem(problem.code, problem.where or "") for problem in problems]
            return f", com dados que não podem ser enviados: {'; '.join(told)}"
        case hub.OrderHoldChanged(holds=holds):
            each = sorted({_hold(hold, words) for hold in holds})
            return f": {', '.join(each) or 'nenhuma'}"
        case hub.OrderLabelsUpdated(labels=labels):
            each = [_label(label, words) for label in labels]
            return f": {', '.join(each)}"
        case hub.OrderTrackingUpdated() as scanned:
            return f": {_scan(scanned, words)}"
        case (
            hub.OrderOccurrenceOpened(occurrence=occurrence)
            | hub.OrderOccurrenceResolved(occurrence=occurrence)
        ):
            return f": {_occurrence(occurrence, words)}"
        case (
            hub.OrderRefused(errors=errors)
            | hub.ProductRefused(errors=errors)
            | hub.ProductPhotoRefused(errors=errors)
        ) if errors:
            return f": {'; '.join(_refused_field(error, words) for error in errors)}"
        case bling.SituationRefused(message=str(said)) | bling.TrackingRefused(message=str(said)):
            return f': "{said}"'
        case bling.SituationsRefused(name=str(name)):
            return f": {name}"
        case bling.ImportProgressed(finished=True):
            return " (concluída)"
        case core.RegisterOrder(declares_content=True):
            return ", com declaração de conteúdo"
        case core.WriteTracking(volumes=volumes):
            return f": {', '.join(f'volume {v.volume} {v.tracking_code}' for v in volumes)}"
        case hub.OrderStatusChanged(inferred=True):
            return " (deduzido)"
        case core.OrderEntryHeld(criterion=str(criterion)):
            return f": {words.word('criterion', criterion)}"
        case core.OrderReasonRaised() as raised:
            return _in_detail(_details(raised, words))
        case core.AccountReasonRaised(code=code, details=details):
            return _in_detail(explanations(code, details, words))
    return ""


def _approval(approval: hub.Approval, words: Words) -> str:
    told = ""
    if approval.status == "awaiting_photos" and approval.photos_required is not None:
        told = f" ({approval.photos_accepted or 0} de {approval.photos_required} aceitas)"
    if approval.reason_code:
        told += f": {words.word('rejection', approval.reason_code)}"
    return f'{told}: "{approval.reason}"' if approval.reason else told


def _in_detail(told: Sequence[str]) -> str:
    return f" Detalhes: {'; '.join(told)}." if told else ""


def _label(label: hub.Label, words: Words) -> str:
    told = f"volume {label.volume} {words.word('label', label.status)}"
    if label.tracking_code:
        told += f" com o rastreio {label.tracking_code}"
    return f"{told} ({words.word('label_failure', label.failure)})" if label.failure else told


def _hold(hold: hub.Hold, words: Words) -> str:
    products = [product_id_of(reference) for reference in hold.product_references]
    named = ", ".join(str(product_id) for product_id in products if product_id is not None)
    told = words.word("hold", hold.code)
    return f"{told} ({named})" if named else told


def _scan(scanned: hub.OrderTrackingUpdated, words: Words) -> str:
    told = words.word("scan", scanned.scan or "unknown")
    if scanned.volume is not None:
        told = f"volume {scanned.volume} {told}"
    known = scanned.scan is not None and words.knows("scan", scanned.scan)
    return told if known else told + _carrier_code(scanned.carrier_code)


def _occurrence(occurrence: hub.Occurrence, words: Words) -> str:
    told = words.word("occurrence", occurrence.code)
    if occurrence.volume is not None:
        told += f", volume {occurrence.volume}"
    if occurrence.attempt is not None:
        told += f", {occurrence.attempt}ª tentativa"
    classified = occurrence.code in KINDS and occurrence.code != UNCLASSIFIED
    return told if classified else told + _carrier_code(occurrence.carrier_code)


def _carrier_code(code: str | None) -> str:
    return f" (código da transportadora: {code})" if code else ""


def _refused_field(error: hub.FieldError, words: Words) -> str:
    what = error.message or words.word("refused_field", error.code)
    return f"{words.place(error.pointer)} ({what})"


def _details(raised: core.OrderReasonRaised, words: Words) -> list[str]:
    told = list(explanations(raised.code, raised.details, words))
    if raised.code == "conflict" and raised.target not in (None, raised.shown):
        shown, target = words.quoted(raised.shown), words.quoted(raised.target)
        told.insert(0, f"o Bling mostra {shown}; a 360Hub pede {target}")
    return told
