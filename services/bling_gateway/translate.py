"""From an order that was read in Bling to what the contracts say. Pure: no I/O, no clock."""

from services.bling_gateway import wire
from services.bling_gateway.translation import documents, measures, parcels
from services.bling_gateway.translation.catalogue import TEXT_LIMIT
from services.bling_gateway.translation.problems import access_key, placed_at, problems_of
from services.bling_gateway.translation.sources import ReadOrder
from services.bling_gateway.translation.totals import totals_of
from shared.contracts.bling_gateway import Problem
from shared.contracts.content import Address, FiscalDocument, Item, OrderContent, Recipient


def data_subject(order_id: int, contact_id: int) -> str:
    """Name whose personal data an order holds."""
    return f"contact-{contact_id}" if contact_id else f"order-{order_id}"


def content_of(read: ReadOrder) -> tuple[OrderContent | None, tuple[Problem, ...]]:
    """Return the order's content, or every problem that stands in its way."""
    problems = tuple(problems_of(read))
    return (None, problems) if problems else (_content(read), ())


def phone_of(contact: wire.Contact | None) -> str | None:
    """Return the contact's mobile number, else the other one, in E.164."""
    return documents.normalised_phone(contact.celular, contact.telefone) if contact else None


def email_of(contact: wire.Contact | None) -> str | None:
    """Return the contact's first e-mail address."""
    return documents.normalised_email(contact.email) if contact else None


def _content(read: ReadOrder) -> OrderContent:
    order = read.order
    placed = placed_at(order)
    if placed is None:
        raise ValueError("an order without a date has a problem, not content")
    return OrderContent(
        number=order.numero,
        store_order_number=order.numeroLoja or None,
        placed_at=placed,
        recipient=_recipient(read),
        items=tuple(_item(line, item) for line, item in enumerate(order.itens, start=1)),
        totals=totals_of(order),
        fiscal_document=_fiscal_document(read.invoice),
        volumes=parcels.volumes(read),
        service_hint=next(iter(read.services), None),
    )


def _recipient(read: ReadOrder) -> Recipient:
    label = read.order.transporte.etiqueta
    return Recipient(
        name=read.recipient_name,
        document=documents.normalised_document(read.document),
        email=email_of(read.contact),
        phone=phone_of(read.contact),
        address=Address(
            postal_code=documents.normalised_postal_code(label.cep) or "",
            street=label.endereco,
            number=label.numero,
            complement=label.complemento or None,
            district=label.bairro or None,
            city=label.municipio,
            state=label.uf.upper(),
        ),
    )


def _item(line: int, item: wire.Item) -> Item:
    if item.produto is None:
        raise ValueError("an item without product is a problem, not content")
    return Item(
        line=str(line),
        product_id=item.produto,
        sku=item.codigo or None,
        name=(item.descricao or item.codigo or str(item.produto))[:TEXT_LIMIT],
        quantity=int(item.quantidade),
        unit_price=measures.money(item.valor),
    )


def _fiscal_document(invoice: wire.Invoice | None) -> FiscalDocument | None:
    key = access_key(invoice)
    return FiscalDocument(kind="nfe", access_key=key) if key else None
