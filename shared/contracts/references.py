"""How an order's shipment and a product are called at 360Hub.

360Hub allows 1 to 64 characters of ``A-Z a-z 0-9 . _ ~ -``, never reused. Several Bling companies
may share one 360Hub account, hence the account's tag.
"""


def order_reference(tag: str, order_id: int, shipment: int) -> str:
    """Return ``bling-<tag>-<order id>``, with ``~2``, ``~3``, … for later shipments."""
    suffix = "" if shipment == 1 else f"~{shipment}"
    return f"bling-{tag}-{order_id}{suffix}"


def product_reference(tag: str, product_id: int) -> str:
    """Return ``bling-<tag>-<product id>``."""
    return f"bling-{tag}-{product_id}"
