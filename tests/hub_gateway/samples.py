"""An order and a product as the core hands them over; each test names only what it is about."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.contracts.content import (
    Address,
    FiscalDocument,
    Item,
    OrderContent,
    ProductContent,
    Recipient,
    Totals,
    Volume,
)

PRODUCT = "bling-7k2p-7"
NFE = FiscalDocument(kind="nfe", access_key="35260300000000000000550010000104821000104829")


def order_content(**changes: Any) -> OrderContent:
    values: dict[str, Any] = {
        "number": "10482",
        "placed_at": datetime(2026, 3, 10, 14, 2, 11, tzinfo=UTC),
        "recipient": Recipient(
            name="Cliente de Teste",
            document="00000000191",
            address=Address(
                postal_code="01310100",
                street="Avenida Exemplo",
                number="1000",
                city="São Paulo",
                state="SP",
            ),
        ),
        "items": (
            Item(line="1", product_id=7, name="Camiseta", quantity=2, unit_price=Decimal("49.90")),
        ),
        "totals": Totals(
            items=Decimal("99.80"),
            shipping=Decimal(0),
            discount=Decimal(0),
            total=Decimal("99.80"),
        ),
        "fiscal_document": FiscalDocument(kind="content_declaration"),
        "volumes": (Volume(volume=1, weight_g=600, length_mm=300, width_mm=200, height_mm=80),),
    }
    return OrderContent(**(values | changes))


def product_content(**changes: Any) -> ProductContent:
    values: dict[str, Any] = {
        "sku": "CAM-AZ-P",
        "name": "Camiseta azul P",
        "price": Decimal("49.90"),
        "weight_g": 250,
        "length_mm": 250,
        "width_mm": 200,
        "height_mm": 30,
    }
    return ProductContent(**(values | changes))
