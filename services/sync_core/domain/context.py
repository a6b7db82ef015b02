"""What a decision about one stream may look at beside that stream."""

from collections.abc import Mapping

from pydantic import Field

from services.sync_core.domain.account import AccountState, sending
from services.sync_core.domain.event import CommandKind
from services.sync_core.domain.order import OrderState
from services.sync_core.domain.product import ProductState
from shared.contracts import Frozen


class Context(Frozen):
    """The account as in force, and what else of it deciding may look at.

    The products that an order needs, the orders that wait for a product, the orders of a subject
    that is to be erased.
    """

    account: AccountState
    products: Mapping[int, ProductState] = Field(default_factory=dict)
    waiting_orders: Mapping[int, OrderState] = Field(default_factory=dict)
    subject_orders: Mapping[int, OrderState] = Field(default_factory=dict)

    @property
    def to_hub(self) -> CommandKind | None:
        """How a command to 360Hub is logged now."""
        return sending(self.account.mode.to_hub)

    @property
    def to_bling(self) -> CommandKind | None:
        """How a command to Bling is logged now."""
        return sending(self.account.mode.to_bling)

    def product(self, product_id: int) -> ProductState:
        """Return a product, known or not."""
        return self.products.get(product_id) or ProductState(product_id=product_id)
