"""The statuses of an order and the moves between them."""

from enum import StrEnum


class OrderStatus(StrEnum):
    ORDER_CREATED = "order_created"
    IN_MANIFEST = "in_manifest"
    AWAITING_DISPATCH = "awaiting_dispatch"
    WITH_CARRIER = "with_carrier"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNING_TO_SENDER = "returning_to_sender"
    RETURNED_TO_SENDER = "returned_to_sender"
    LOST = "lost"


_S = OrderStatus

LABELS = {
    _S.ORDER_CREATED: "Pedido gerado",
    _S.IN_MANIFEST: "Em romaneio",
    _S.AWAITING_DISPATCH: "Aguardando envio",
    _S.WITH_CARRIER: "Em rota de entrega",
    _S.DELIVERED: "Entregue",
    _S.CANCELLED: "Cancelado",
    _S.RETURNING_TO_SENDER: "Em devolução ao remetente",
    _S.RETURNED_TO_SENDER: "Devolvido ao remetente",
    _S.LOST: "Extraviado",
}

MOVES = {
    _S.ORDER_CREATED: {_S.IN_MANIFEST, _S.CANCELLED},
    _S.IN_MANIFEST: {_S.ORDER_CREATED, _S.AWAITING_DISPATCH, _S.CANCELLED},
    _S.AWAITING_DISPATCH: {_S.IN_MANIFEST, _S.WITH_CARRIER, _S.CANCELLED},
    _S.WITH_CARRIER: {_S.DELIVERED, _S.RETURNING_TO_SENDER, _S.LOST},
    _S.RETURNING_TO_SENDER: {_S.RETURNED_TO_SENDER, _S.DELIVERED, _S.LOST},
    _S.DELIVERED: set(),
    _S.CANCELLED: set(),
    _S.RETURNED_TO_SENDER: set(),
    _S.LOST: set(),
}
"""{from: where it may go}"""

TERMINAL = frozenset(status for status, targets in MOVES.items() if not targets)
EDITABLE = frozenset({_S.ORDER_CREATED, _S.IN_MANIFEST})
CANCELLABLE = frozenset({_S.ORDER_CREATED, _S.IN_MANIFEST, _S.AWAITING_DISPATCH})
ON_THE_WAY = frozenset({_S.WITH_CARRIER, _S.RETURNING_TO_SENDER})

UNKNOWN_STATUS = "held_for_inspection"
"""A status outside the published list, as a hub adds them without notice."""
UNKNOWN_STATUS_LABEL = "Retido para inspeção"
UNKNOWN_OCCURRENCE = "drone_grounded"


class ProductStatus(StrEnum):
    AWAITING_PHOTOS = "awaiting_photos"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


PRODUCT_LABELS = {
    ProductStatus.AWAITING_PHOTOS: "Aguardando fotos",
    ProductStatus.IN_REVIEW: "Em análise",
    ProductStatus.APPROVED: "Aprovado",
    ProductStatus.REJECTED: "Reprovado",
    ProductStatus.SUSPENDED: "Suspenso",
}

MANIFEST_LABELS = {
    "open": "Aberto",
    "closed": "Fechado",
    "handed_over": "Entregue à transportadora",
    "cancelled": "Cancelado",
}
