"""What a seller chooses for an account: mapping, filter, mode and policies."""

from typing import Literal

from shared.contracts.model import Frozen


class Mapping(Frozen):
    """Which Bling situação stands for which 360Hub status.

    ``start`` and ``cancelled`` are the two that Bling leads. ``situations`` holds one situação for
    each status that 360Hub leads, or None for *do not write*; a status that is not in it is
    unmapped, and an order that reaches it gets a reason. ``pass_through`` are situações that an
    open order may hold for a while without anyone being contradicted.
    """

    start: int = 15
    cancelled: int = 12
    also_cancelled: tuple[int, ...] = ()
    pass_through: tuple[int, ...] = (24,)
    situations: dict[str, int | None]


class Filter(Frozen):
    """Which orders are 360Hub's to ship. None lets everything through."""

    stores: tuple[int, ...] | None = None
    services: tuple[str, ...] | None = None
    freight_payers: tuple[int, ...] | None = None
    business_units: tuple[int, ...] | None = None


Direction = Literal["off", "observe", "live"]


class Mode(Frozen):
    """What is done in each direction: nothing, everything but the sending, or everything."""

    to_hub: Direction = "observe"
    to_bling: Direction = "observe"


class Policies(Frozen):
    """How the seller wants the few cases handled in which reasonable people differ.

    ``content_declaration``: an order without NF-e travels with a declaration of its content.
    ``tracking_to_bling``: tracking codes are written into the order's volumes in Bling.
    ``product_photos``: the addresses of a product's photos are handed to 360Hub, where its own
    procedure for registering them is not the only one.
    """

    delivered_by_hand: Literal["reason", "pass_through"] = "reason"
    hub_cancellation: Literal["reason", "write"] = "reason"
    content_declaration: bool = False
    tracking_to_bling: bool = False
    product_photos: bool = False
