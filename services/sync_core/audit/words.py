"""The Portuguese words for what the log holds as codes and numbers."""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from services.sync_core.domain import REASONS
from shared.contracts.bling_gateway import Situation, SituationDefinition

BUILT_IN_SITUATIONS: Final = {
    6: "Em aberto",
    9: "Atendido",
    12: "Cancelado",
    15: "Em andamento",
    18: "Venda agenciada",
    21: "Em digitação",
    24: "Verificado",
}
"""Bling's own situações, the same in every account (Bling developer documentation, Situações)."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "status": {
        "order_created": "pedido criado",
        "in_manifest": "em romaneio",
        "awaiting_dispatch": "aguardando envio",
        "with_carrier": "com a transportadora",
        "delivered": "entregue",
        "cancelled": "cancelado",
        "returning_to_sender": "voltando ao remetente",
        "returned_to_sender": "devolvido ao remetente",
        "lost": "extraviado",
    },
    "stage": {
        "started": "iniciado",
        "in_manifest": "em romaneio",
        "awaiting_pickup": "aguardando coleta",
        "in_transit": "em rota de entrega",
        "delivered": "entregue",
        "cancelled": "cancelado",
        "returning": "voltando ao remetente",
        "returned": "devolvido",
        "lost": "extraviado",
    },
    "trigger": {
        "webhook": "depois de um aviso do Bling",
        "command": "a nosso pedido",
        "reconcile": "na conferência periódica",
        "import": "na importação",
    },
    "outcome": {
        "created": "criado",
        "updated": "atualizado",
        "unchanged": "já estava igual",
        "cancelled": "cancelado",
        "not_found": "não existe lá",
        "written": "gravada",
        "already": "já era essa",
    },
    "evidence": {
        "deleted_and_not_found": "o Bling avisou a exclusão e não o encontra mais",
        "not_found_twice": "o Bling não o encontrou em duas leituras",
    },
    "start": {
        "taken_on": "entrou em andamento",
        "first_seen": "já chegou em andamento",
        "confirmed": "uma pessoa confirmou",
        "reopened": "uma pessoa confirmou a reabertura",
    },
    "entry": {
        "filtered": "ficou fora do filtro da conta",
        "awaiting_confirmation": "espera a confirmação de uma pessoa",
    },
    "side": {"bling": "no Bling", "hub": "na 360Hub"},
    "choice": {"keep_bling": "vale o Bling", "apply_hub": "vale a 360Hub"},
    "missing": {
        "gone": "não existe mais no Bling",
        "refused": "foi recusado pela 360Hub",
        "parked": "a importação parou depois de várias tentativas",
    },
    "approval": {
        "awaiting_photos": "aguardando fotos",
        "in_review": "em análise",
        "approved": "aprovado",
        "rejected": "reprovado",
        "suspended": "suspenso",
    },
    "refusal": {
        "locked": "as etiquetas já existem",
        "closed": "a remessa está encerrada",
        "stale": "a versão é antiga",
        "invalid": "há dados inválidos",
        "unknown_product": "há um produto desconhecido",
        "not_cancellable": "a remessa não pode mais ser cancelada",
        "changed": "a situação tinha mudado",
        "refused": "o Bling não aceitou",
        "order_gone": "o pedido não existe mais",
    },
    "deadline": {
        "withdrawn": "o pedido continua fora de andamento",
        "cancel_recheck": "está na hora de conferir o cancelamento",
    },
    "direction": {"off": "desligado", "observe": "observação", "live": "ativo"},
    "fiscal": {"nfe": "NF-e", "content_declaration": "declaração de conteúdo"},
    "hold": {
        "product_pending_approval": "produto aguardando aprovação",
        "fiscal_document_missing": "falta o documento fiscal",
        "volume_data_missing": "faltam peso ou medidas",
        "address_invalid": "endereço inválido",
        "insufficient_balance": "saldo insuficiente",
    },
    "label": {
        "processing": "em preparo",
        "ready": "pronta",
        "failed": "falhou",
        "voided": "anulada",
    },
    "scan": {
        "accepted": "recebido",
        "in_transit": "em trânsito",
        "out_for_delivery": "saiu para entrega",
        "awaiting_pickup": "aguardando retirada",
        "delivery_attempted": "tentativa de entrega",
        "delivered": "entregue",
        "returning": "voltando ao remetente",
        "returned": "devolvido ao remetente",
    },
    "problem": {
        "no_items": "sem itens",
        "no_contact": "sem contato",
        "no_address": "sem endereço",
        "address_incomplete": "endereço incompleto",
        "address_foreign": "endereço fora do Brasil",
        "postal_code_invalid": "CEP inválido",
        "document_invalid": "CPF ou CNPJ inválido",
        "data_masked": "dados ocultos pelo Bling",
        "item_without_product": "item sem produto",
        "quantity_fractional": "quantidade fracionada",
        "quantity_not_positive": "quantidade menor que um",
        "date_invalid": "data inválida",
        "number_missing": "sem número",
        "name_missing": "sem nome",
        "field_invalid": "campo inválido",
        "invoice_denied": "NF-e denegada",
    },
    "command": {
        "bling.set_situation": "gravar a situação no Bling",
        "bling.read_order": "ler o pedido no Bling",
        "bling.read_product": "ler o produto no Bling",
        "bling.ensure_situations": "criar as situações no Bling",
        "hub.register_order": "registrar o pedido na 360Hub",
        "hub.cancel_order": "cancelar o pedido na 360Hub",
        "hub.import_product": "importar o produto na 360Hub",
        "account.connect": "conectar a conta",
        "work.retry": "tentar de novo",
    },
}


class Words(Formatter):
    """Fills a sentence's places: ``{target:situation}`` is the situação's name.

    A code without a word is shown as it is: 360Hub and Bling may send what we do not know yet.
    """

    def __init__(self, situations: tuple[SituationDefinition, ...] = ()) -> None:
        self._situations = BUILT_IN_SITUATIONS | {known.id: known.name for known in situations}

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return the value in the words that ``format_spec`` names."""
        if format_spec == "":
            return str(value)
        if format_spec == "situation":
            return self.situation(value)
        if format_spec == "reason":
            return REASONS[value].sentence if value in REASONS else str(value)
        if format_spec == "count":
            return str(len(value))
        return _WORDS[format_spec].get(value, str(value))

    def situation(self, value: Situation | int | None) -> str:
        """Return a situação's name, or its number if it is not among the account's."""
        if value is None:
            return "desconhecida"
        number = value.id if isinstance(value, Situation) else value
        return self._situations.get(number, f"nº {number}")
