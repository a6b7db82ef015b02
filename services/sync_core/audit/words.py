"""The Portuguese words for what the log holds as codes and numbers."""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from services.sync_core.domain import ACCOUNT_REASONS, BUILT_IN_SITUATIONS, REASONS
from shared.contracts.bling_gateway import Situation, SituationDefinition

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
    "tracking_outcome": {"written": "gravado", "already": "já era esse"},
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
        "unsupported": "a 360Hub não o recebe pela integração",
        "parked": "a importação parou depois de várias tentativas",
        "discarded": "uma pessoa desistiu da importação",
    },
    "approval": {
        "awaiting_photos": "aguardando fotos",
        "in_review": "em análise",
        "approved": "aprovado",
        "rejected": "reprovado",
        "suspended": "suspenso",
    },
    "standing": {
        "awaiting_photos": "A 360Hub espera as fotos do produto.",
        "in_review": (
            "A equipe da 360Hub está analisando o produto. Pode levar dias; nada precisa ser feito."
        ),
        "approved": "A 360Hub aprovou o produto.",
        "suspended": "A 360Hub suspendeu o produto. Fale com ela: só a 360Hub pode liberá-lo.",
    },
    "rejection": {
        "photo_quality": "as fotos não têm qualidade suficiente",
        "photo_mismatch": "as fotos não mostram este produto",
        "missing_information": "faltam informações do produto",
        "prohibited_item": "a 360Hub não transporta este tipo de produto",
        "duplicate": "o produto já está cadastrado lá",
        "other": "outro motivo",
    },
    "mending": {
        **dict.fromkeys(
            ("photo_quality", "photo_mismatch"),
            "Troque as fotos: as novas passam por outra análise.",
        ),
        "missing_information": (
            "Complete o produto no Bling (descrição, GTIN, NCM, peso e medidas): ele é enviado de"
            " novo automaticamente."
        ),
        "prohibited_item": "Envie por outro meio os pedidos que têm este produto.",
        "duplicate": "Resolva com a 360Hub qual dos dois cadastros vale.",
    },
    "photo": {
        "processing": "em processamento",
        "accepted": "aceita",
        "rejected": "reprovada",
        "sent": "a caminho da 360Hub",
        "withheld": "não enviada (modo observação)",
        "refused": "recusada",
        "parked": "o envio parou depois de várias tentativas",
        "discarded": "uma pessoa desistiu do envio",
    },
    "photo_refusal": {
        "unsupported": "a 360Hub só recebe fotos pela própria tela",
        "invalid": "a 360Hub não conseguiu usar a foto",
        "not_found": "a 360Hub não tem o produto",
    },
    "refusal": {
        "locked": "as etiquetas já existem",
        "closed": "a remessa está encerrada",
        "stale": "a versão é antiga",
        "invalid": "há dados inválidos",
        "unknown_product": "há um produto desconhecido",
        "unsupported": "a 360Hub não aceita essa mudança",
        "not_cancellable": "a remessa não pode mais ser cancelada",
        "changed": "a situação tinha mudado",
        "refused": "o Bling não aceitou",
        "order_gone": "o pedido não existe mais",
    },
    "tracking_refusal": {
        "refused": "o Bling não aceitou",
        "invoice_issued": "o Bling não deixa mudar um pedido com NF-e emitida",
        "order_gone": "o pedido não existe mais",
        "occupied": "um volume do pedido já tem outro código de rastreio",
        "not_kept": "o Bling não guardou o que foi gravado",
        "parked": "a gravação falhou repetidas vezes",
    },
    "lacks": {
        "webhooks": (
            "a 360Hub não avisa mudanças: elas só são vistas na conferência, a cada poucos minutos"
        ),
        "event_sequence": (
            "a 360Hub não numera os passos de um pedido: os que acontecem entre duas leituras podem"
            " não aparecer"
        ),
        "updates": (
            "a 360Hub não recebe mudanças: edite na própria tela dela o pedido ou produto que já"
            " foi enviado"
        ),
        "cancellation": ("a 360Hub não recebe cancelamentos: cancele também na própria tela dela"),
        "holds": ("a 360Hub não diz por que um pedido espera: veja na própria tela dela"),
        "photos": ("a 360Hub não recebe fotos de produtos: cadastre-as na própria tela dela"),
        "signed_time": (
            "os avisos da 360Hub não trazem hora assinada: um aviso repetido só é reconhecido pelo"
            " seu número"
        ),
    },
    "situations_action": {
        "read": "a leitura das situações",
        "create": "a criação de uma situação",
    },
    "disconnection": {
        "requested": "a pedido",
        **dict.fromkeys(
            ("invalid_grant", "unauthorized_client", "VALIDATION_ERROR"),
            "a autorização foi retirada ou expirou",
        ),
        "UNAUTHORIZED_ERROR": (
            "o usuário que autorizou perdeu a permissão no Bling, ou a conta do Bling está com "
            "pagamento em atraso"
        ),
        "company_inactive": "o Bling informa que a empresa está inativa",
        **dict.fromkeys(
            ("invalid_client", "token-missing", "token-expired", "token-invalid"),
            "a 360Hub não aceita mais as credenciais",
        ),
        "scope": "as credenciais da 360Hub não dão acesso a tudo o que é preciso",
        "account-suspended": "a conta está suspensa na 360Hub",
    },
    "system": {"bling": "Bling", "hub": "360Hub"},
    "deadline": {
        "volume_behind": "um volume continua atrás dos outros",
        "withdrawn": "o pedido continua fora de andamento",
        "cancel_recheck": "está na hora de conferir o cancelamento",
    },
    "deadline_set": {
        "volume_behind": "avisar se um volume continuar atrás dos outros",
        "withdrawn": "avisar se o pedido continuar fora de andamento",
        "cancel_recheck": "conferir se o cancelamento precisa ser pedido de novo",
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
    "hold_action": {
        "fiscal_document_missing": "emita a NF-e no Bling",
        "volume_data_missing": "complete peso e medidas no Bling",
        "address_invalid": "corrija o endereço no Bling",
        "insufficient_balance": "recarregue o saldo na 360Envios",
    },
    "label_failure": {
        "insufficient_balance": "saldo insuficiente na 360Envios",
        "carrier_unavailable": "a transportadora não está disponível",
        "address_rejected": "a transportadora não aceita o endereço",
        "unknown": "a 360Hub não diz por quê",
    },
    "content_locked": {
        "locked": (
            "as etiquetas já existem: se forem anuladas na 360Hub, os novos dados seguem"
            " automaticamente"
        ),
        "unsupported": "a 360Hub não recebe mudanças: edite o pedido também na própria tela dela",
    },
    "cancel_refused": {
        "unsupported": "a 360Hub não recebe cancelamentos: cancele na própria tela dela",
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
        "unknown": "sem classificação",
    },
    "problem": {
        "no_items": "pedido sem itens",
        "no_contact": "pedido sem cliente (contato)",
        "no_address": "pedido sem endereço de entrega",
        "address_incomplete": "endereço de entrega incompleto: falta {where}",
        "address_foreign": "endereço de entrega fora do Brasil",
        "postal_code_invalid": "CEP de entrega inválido",
        "document_invalid": "CPF ou CNPJ do cliente inválido",
        "data_masked": "dado oculto por asteriscos: {where}",
        "item_without_product": "{where} sem produto",
        "quantity_fractional": "{where} com quantidade fracionada",
        "quantity_not_positive": "{where} com quantidade zero ou negativa",
        "date_invalid": "pedido com data inválida",
        "number_missing": "pedido sem número",
        "name_missing": "destinatário sem nome",
        "field_invalid": "valor inválido: {where}",
        "invoice_denied": "NF-e denegada",
        "invoice_cancelled": "NF-e cancelada",
        "invoice_key_invalid": "NF-e autorizada, mas com chave de acesso inválida",
        "not_readable": "o Bling não deixa ler: {where}",
        "amount_out_of_range": "valor negativo ou alto demais para a 360Hub: {where}",
        "text_too_long": "texto longo demais para a 360Hub: {where}",
        "too_many_volumes": "pedido com mais de mil volumes",
    },
    "refused_field": {
        "required": "campo obrigatório",
        "pattern": "formato inválido",
        "type": "tipo inválido",
        "invalid": "valor inválido",
        "unknown-field": "campo desconhecido",
        "unknown-product": "produto não importado",
    },
    "place": {
        # parts that only hold others say nothing to a seller
        **dict.fromkeys(("recipient", "address", "transporte", "etiqueta", "totals"), ""),
        **dict.fromkeys(("items", "itens"), "item"),
        **dict.fromkeys(("product", "product_ref", "produto"), "produto"),
        **dict.fromkeys(("quantity", "quantidade"), "quantidade"),
        **dict.fromkeys(("unit_price", "valor"), "valor"),
        **dict.fromkeys(("contact", "contato"), "cliente (contato)"),
        **dict.fromkeys(("name", "nome"), "nome"),
        **dict.fromkeys(("document", "numeroDocumento"), "CPF ou CNPJ"),
        **dict.fromkeys(("phone", "telefone"), "telefone"),
        **dict.fromkeys(("street", "endereco"), "rua"),
        **dict.fromkeys(("number", "numero"), "número"),
        **dict.fromkeys(("complement", "complemento"), "complemento"),
        **dict.fromkeys(("district", "bairro"), "bairro"),
        **dict.fromkeys(("city", "municipio"), "cidade"),
        **dict.fromkeys(("state", "uf"), "UF"),
        **dict.fromkeys(("postal_code", "cep"), "CEP"),
        **dict.fromkeys(("invoice", "notaFiscal"), "NF-e"),
        **dict.fromkeys(("shipping", "frete"), "frete"),
        **dict.fromkeys(("discount", "desconto"), "desconto"),
        "fiscal_document": "documento fiscal",
        "access_key": "chave de acesso",
        "totalProdutos": "total dos produtos",
        "total": "total do pedido",
        "numeroLoja": "número do pedido na loja",
        "sku": "código (SKU)",
        "service": "serviço de entrega",
        "pesoBruto": "peso bruto",
        "quantidadeVolumes": "quantidade de volumes",
        "volumes": "volume",
        "weight_g": "peso",
        "length_mm": "comprimento",
        "width_mm": "largura",
        "height_mm": "altura",
    },
    "criterion": {
        "stores": "a loja do pedido",
        "services": "o serviço de entrega do pedido",
        "freight_payers": "quem paga o frete",
        "business_units": "a unidade de negócio do pedido",
    },
    "occurrence": {
        "collection_failed": "coleta não realizada",
        "posting_expired": "postagem expirada",
        "delivery_delayed": "entrega atrasada",
        "misrouted": "encaminhado para a unidade errada",
        "fiscal_hold": "retido em fiscalização",
        "damaged": "avaria",
        "stolen": "roubo ou furto",
        "lost": "extravio",
        "recipient_absent": "destinatário ausente",
        "establishment_closed": "estabelecimento fechado",
        "address_not_found": "endereço não localizado",
        "address_incomplete": "endereço incompleto",
        "recipient_unknown": "destinatário desconhecido ou mudou-se",
        "refused_by_recipient": "recusado pelo destinatário",
        "restricted_area": "área de risco ou restrita",
        "outside_delivery_area": "fora da área de entrega",
        "awaiting_pickup_at_unit": "aguardando retirada na unidade",
        "pickup_expired": "prazo de retirada encerrado",
        "return_started": "devolução iniciada",
        "return_refused": "devolução não recebida pelo remetente",
        "carrier_status_unmapped": "ocorrência não classificada",
    },
    "occurrence_group": {
        "collection": "coleta",
        "transit": "transporte",
        "delivery_attempt": "tentativa de entrega",
        "pickup": "retirada",
        "return": "devolução",
        "other": "outra",
    },
    "severity": {
        "info": "informação",
        "warning": "atenção",
        "action_required": "exige ação",
        "final": "encerra a entrega",
        "unknown": "gravidade desconhecida",
    },
    "responsible": {
        "carrier": "transportadora",
        "sender": "remetente",
        "recipient": "destinatário",
        "authority": "fiscalização",
        "third_party": "terceiros",
        "unknown": "não informado",
    },
    "suggested_action": {
        "none": "nada a fazer",
        "wait_new_attempt": "aguarde a nova tentativa",
        "correct_address": "corrija o endereço com a 360Envios",
        "contact_recipient": "fale com o destinatário",
        "contact_carrier": "fale com a transportadora",
        "provide_document": "envie o documento pedido",
        "authorise_return": "autorize a devolução",
        "open_claim": "abra uma reclamação na 360Envios",
    },
    "detail": {
        "cancel_discarded": "uma pessoa desistiu de cancelar a remessa na 360Hub",
        "content_erased": "os dados pessoais do pedido foram apagados",
        "register_closed": "a 360Hub encerrou a remessa",
        "register_discarded": "uma pessoa desistiu de registrar o pedido",
        "orders_gone": "muitos pedidos sumiram do Bling na mesma hora",
        "possibly_overwritten": (
            "uma mudança feita no Bling no mesmo instante pode ter sido sobrescrita"
        ),
    },
    "bling_action": {
        "lancarEstoque": "lançar estoque",
        "estornarEstoque": "estornar estoque",
        "lancarContas": "lançar contas",
        "estornarContas": "estornar contas",
    },
    "command": {
        "bling.set_situation": "gravar a situação no Bling",
        "bling.read_order": "ler o pedido no Bling",
        "bling.read_product": "ler o produto no Bling",
        "bling.ensure_situations": "criar as situações no Bling",
        "hub.register_order": "registrar o pedido na 360Hub",
        "hub.cancel_order": "cancelar o pedido na 360Hub",
        "hub.import_product": "importar o produto na 360Hub",
        "hub.add_product_photo": "enviar a foto do produto à 360Hub",
        "bling.read_entry_options": "ler lojas e serviços de entrega no Bling",
        "bling.import_orders": "importar os pedidos do Bling",
        "bling.write_tracking": "gravar o rastreio no Bling",
        "account.connect": "conectar a conta",
        "account.pause": "pausar a conta",
        "account.resume": "retomar a conta",
        "account.disconnect": "desconectar a conta",
        "work.retry": "tentar de novo o que estava parado",
        "work.discard": "desistir do que estava parado",
        "privacy.erase_subject": "apagar os dados pessoais",
    },
}

_TROUBLES: Final = tuple(
    (re.compile(pattern, re.DOTALL), told)
    for pattern, told in (
        (r"defect: .*", "uma falha da integração"),
        (r"tried for a day: .*", "um dia inteiro de tentativas sem resultado"),
        (r"the command came without the order's content", "faltaram os dados do pedido"),
        (r"the command came without the product's content", "faltaram os dados do produto"),
        (r"\d{3} \S+ code=\S+", "o Bling não aceitou"),
        (r"\w+: \d+ fields|an order that is no object", "o Bling respondeu fora do formato"),
        (r"an answer is no \w+", "a 360Hub respondeu fora do formato"),
        (r"360Hub answered \d{3}", "a 360Hub respondeu com um erro"),
    )
)
"""What the gateways park a command for (`shared/gateway/work.py`, both ``setbacks.py``)."""


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
            return self.quoted(value)
        if format_spec == "status":
            return f"“{self.word('status', value)}”" if self.knows("status", value) else str(value)
        if format_spec == "trouble":
            return _trouble(str(value))
        if format_spec == "reason":
            reason = REASONS.get(value) or ACCOUNT_REASONS.get(value)
            return reason.sentence if reason else str(value)
        if format_spec == "count":
            return str(len(value))
        return self.word(format_spec, value)

    def word(self, table: str, code: str) -> str:
        """Return the words of a code."""
        return _WORDS[table].get(code, str(code))

    def knows(self, table: str, code: str) -> bool:
        """Tell whether there are words for a code."""
        return code in _WORDS[table]

    def problem(self, code: str, where: str) -> str:
        """Return what is wrong with an order, and where in it."""
        if not self.knows("problem", code):
            return f"{code} ({self.place(where)})"
        return _WORDS["problem"][code].format(where=self.place(where))

    def place(self, where: str) -> str:
        """Return which part of an order is meant: ``items/2`` is its second item.

        Our own ``items/…`` counts from one; paths into Bling's JSON (``itens/…``) and 360Hub's
        pointers (``/items/…``) count from zero.
        """
        first = 1 if where.startswith("items/") else 0
        named: list[str] = []
        for part in where.split("/"):
            if part.isdecimal() and named:
                named[-1] += f" {int(part) - first + 1}"
            elif word := self.word("place", part):
                named.append(word)
        return ", ".join(named) or "pedido"

    def situation(self, value: Situation | int | None) -> str:
        """Return a situação's name, or its number if it is not among the account's."""
        if value is None:
            return "desconhecida"
        number = value.id if isinstance(value, Situation) else value
        return self._situations.get(number, f"nº {number}")

    def quoted(self, value: Situation | int | None) -> str:
        """Return a situação's name as it stands in a sentence: in quotes, if it has a name."""
        number = value.id if isinstance(value, Situation) else value
        told = self.situation(value)
        return f"“{told}”" if number in self._situations else told


def _trouble(cause: str) -> str:
    """Say why a command was parked. What nobody foresaw is shown as it is."""
    for pattern, told in _TROUBLES:
        if pattern.fullmatch(cause):
            return told
    return cause
