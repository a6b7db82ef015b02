"""An order and a product, each with all that was read to understand it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.bling_gateway import wire

_FOREIGNER = "E"
_OUTGOING = 1
_SALE = 1


@dataclass(frozen=True)
class ReadProduct:
    """A product; of a kit that has no measures of its own, also its components."""

    product: wire.Product
    components: Mapping[int, wire.Product] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadOrder:
    """An order, its contact and NF-e, and those of its products that could be read.

    ``our_services``: names of services that stand in it because we wrote them there, and
    ``volumes_before``: how many volumes it had before we wrote (None: we never did).
    """

    order: wire.Order
    contact: wire.Contact | None = None
    products: Mapping[int, ReadProduct] = field(default_factory=dict)
    named_invoice: wire.Invoice | None = None
    our_services: frozenset[str] = frozenset()
    volumes_before: int | None = None

    @property
    def recipient_name(self) -> str:
        """Who the label names; else the customer."""
        in_contact = self.contact.nome if self.contact else ""
        return self.order.transporte.etiqueta.nome or in_contact or self.order.contato.nome

    @property
    def document(self) -> str:
        """The customer's CPF or CNPJ as typed; empty for a foreigner, who has neither."""
        if _FOREIGNER in (self.order.contato.tipoPessoa, self.contact and self.contact.tipo):
            return ""
        in_contact = self.contact.numeroDocumento if self.contact else ""
        return in_contact or self.order.contato.numeroDocumento

    @property
    def volumes(self) -> int:
        """How many volumes its seller named."""
        listed = len(self.order.transporte.volumes)
        return listed if self.volumes_before is None else min(listed, self.volumes_before)

    @property
    def services(self) -> tuple[str, ...]:
        """The logistics services that the order's volumes name, each once, but for our own."""
        named = (parcel.servico for parcel in self.order.transporte.volumes)
        wished = (service for service in named if service and service not in self.our_services)
        return tuple(dict.fromkeys(wished))

    @property
    def invoice(self) -> wire.Invoice | None:
        """The sale's own NF-e: neither an incoming one nor that of a return or a correction."""
        found = self.named_invoice
        if found is None or found.tipo not in (None, _OUTGOING):
            return None
        return found if found.finalidade in (None, 0, _SALE) else None
