"""What the operator's page calls things, in Portuguese; what has no name here is shown raw."""

from sandbox.hub.carrier import STAGES
from sandbox.hub.faults import FaultName
from sandbox.hub.statuses import LABELS, MANIFEST_LABELS, PRODUCT_LABELS

STATUSES = {status.value: label for status, label in LABELS.items()}

MANIFESTS = MANIFEST_LABELS

HOLDS = {
    "product_pending_approval": "produto sem aprovação",
    "fiscal_document_missing": "sem documento fiscal",
    "volume_data_missing": "sem pesos e medidas",
    "address_invalid": "endereço não entregável",
    "insufficient_balance": "saldo insuficiente",
}

APPROVALS = {status.value: label for status, label in PRODUCT_LABELS.items()}

LABEL_STATES = {
    "processing": "Em preparo",
    "ready": "Pronta",
    "failed": "Falhou",
    "voided": "Anulada",
}

LABEL_OUTCOMES = {
    "ready": "prontas",
    "processing": "em preparo",
    "carrier_unavailable": "falham: transportadora indisponível",
    "address_rejected": "falham: endereço recusado",
}

LABEL_FAILURES = {
    "insufficient_balance": "saldo insuficiente",
    "carrier_unavailable": "transportadora indisponível",
    "address_rejected": "endereço recusado pela transportadora",
}

PHOTOS = {"processing": "Em análise", "accepted": "Aceita", "rejected": "Recusada"}

SCANS = {stage: description for stage, (_, description) in STAGES.items()}

ENDPOINTS = {
    "pending_verification": "Aguardando verificação",
    "active": "Ativo",
    "disabled": "Desativado",
}

DELIVERIES = {
    "pending": "Pendente",
    "delivered": "Entregue",
    "failed": "Falhou",
    "dropped": "Perdida no caminho",
}

ACTORS = {
    "integration": "integração",
    "operator": "operador",
    "carrier": "transportadora",
    "system": "sistema",
}

_F = FaultName

FAULTS = {
    _F.WEBHOOK_DUPLICATE: "Webhook entregue duas vezes",
    _F.WEBHOOK_REORDER: "Webhook fora de ordem",
    _F.WEBHOOK_DROP: "Webhook perdido no caminho",
    _F.WEBHOOK_DELAY: "Webhook atrasado",
    _F.WEBHOOK_BAD_SIGNATURE: "Webhook com assinatura errada",
    _F.WEBHOOK_MISSING_SIGNATURE: "Webhook sem assinatura",
    _F.WEBHOOK_OLD_SIGNATURE: "Webhook com assinatura antiga",
    _F.WEBHOOK_BODY_CHANGED: "Webhook com corpo alterado",
    _F.ENDPOINT_DISABLED: "Endpoint de webhooks desativado",
    _F.SKIPPED_INTAKE: "Transportadora não informa a entrada",
    _F.LATE_SCAN: "Leitura atrasada da transportadora",
    _F.UNKNOWN_STATUS: "Status fora da lista",
    _F.UNKNOWN_OCCURRENCE: "Ocorrência fora da lista",
    _F.LABEL_WITHOUT_TRACKING: "Etiqueta sem código de rastreio",
    _F.CONCURRENT_UPDATE: "Outra escrita em andamento (409)",
    _F.RATE_LIMITED: "Chamadas demais (429)",
    _F.ERROR_BEFORE: "Erro 5xx antes do efeito",
    _F.ERROR_AFTER: "Erro 5xx depois do efeito",
    _F.SLOW: "Resposta lenta depois do efeito",
    _F.SLOW_BEFORE: "Espera antes do efeito",
    _F.EXPIRED_TOKEN: "Token expirado",
    _F.PROBLEM: "Recusa com o código escolhido",
}

FIELDS = {
    "amount": "Valor",
    "code": "Código",
    "count": "Quantidade",
    "every": "Probabilidade",
    "fault": "Falha",
    "name": "Nome",
    "occurred_at": "Quando",
    "orders": "Pedidos",
    "probability": "Probabilidade",
    "seconds": "Segundos",
    "stage": "Etapa",
    "text": "Texto",
}

PROBLEMS = {
    "order-not-found": "Este pedido não existe.",
    "product-not-found": "Este produto não existe.",
    "manifest-not-found": "Este romaneio não existe.",
    "endpoint-not-found": "Este endpoint de webhooks não existe.",
    "delivery-not-found": "Esta entrega de webhook não existe.",
    "account-not-found": "Esta conta não existe.",
}
