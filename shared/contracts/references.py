"""How an order's shipment and a product are called at 360Hub.

360Hub allows 1 to 64 characters of ``A-Z a-z 0-9 . _ ~ -``, never reused. Several Bling companies
may share one 360Hub account, hence the account's tag.
"""

import re
from typing import Final

_PRODUCT: Final = re.compile(r"bling-[^-]+-([1-9][0-9]{0,18})")
_LARGEST_ID: Final = 2**63 - 1


def order_reference(tag: str, order_id: int, shipment: int) -> str:
    """Return ``bling-<tag>-<order id>``, with ``~2``, ``~3``, … for later shipments."""
    suffix = "" if shipment == 1 else f"~{shipment}"
    return f"bling-{tag}-{order_id}{suffix}"


def product_reference(tag: str, product_id: int) -> str:
    """Return ``bling-<tag>-<product id>``."""
    return f"bling-{tag}-{product_id}"


def product_id_of(reference: str) -> int | None:
    """Return the Bling product that a `product_reference` is about; None: it is not one of ours."""
    found = _PRODUCT.fullmatch(reference)
    product_id = int(found[1]) if found else None
    return product_id if product_id is not None and product_id <= _LARGEST_ID else None
