"""The world, where moreover commands are parked, products vanish, and orders come back."""

from collections import deque
from uuid import UUID

from services.sync_core.domain import Event
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from tests.sync_core.domain.world import World

VOIDS = {
    core.SetSituation.TYPE: {core.SetSituation.TYPE},
    core.WriteTracking.TYPE: {core.WriteTracking.TYPE},
    core.ReadOrder.TYPE: {core.ReadOrder.TYPE},
    core.ReadProduct.TYPE: {core.ReadProduct.TYPE},
    core.RegisterOrder.TYPE: {core.RegisterOrder.TYPE},
    core.CancelOrder.TYPE: {core.RegisterOrder.TYPE, core.CancelOrder.TYPE},
    core.ImportProduct.TYPE: {core.ImportProduct.TYPE},
}
"""Command → the parked ones that it makes void."""


class TroubledWorld(World):
    """A `World` in which more goes wrong."""

    def __init__(self) -> None:
        self.parked: dict[UUID, Event] = {}
        self.product_exists, self.product_deleted = True, False
        super().__init__()

    # --- people

    def seller_restores(self) -> None:
        """The order is there again: it had not been deleted, or support brought it back."""
        self.deleted = False

    def product_vanishes(self) -> None:
        self.product_exists = False

    def product_is_deleted(self) -> None:
        """Bling still shows the product, marked as deleted."""
        self.product_deleted = True

    def product_returns(self) -> None:
        self.product_exists, self.product_deleted = True, False

    def discards(self) -> None:
        """A person gives up what is parked of the order."""
        self.take_human(core.DiscardRequested(cause="engano"))

    def operator_discards(self) -> None:
        """An operator gives up something parked, at the gateway itself."""
        if self.parked:
            self._discard(next(iter(self.parked)))

    def _discard(self, command_id: UUID) -> None:
        given_up = self.parked.pop(command_id, None)
        if given_up is None:
            return
        of_bling = given_up.data.TYPE[0] == "b"
        told = bling.CommandDiscarded if of_bling else hub.CommandDiscarded
        discarded = told(
            command_id=given_up.id,
            command_type=given_up.data.TYPE,
            shipment=getattr(given_up.data, "shipment", None),
            cause="engano",
        )
        self.publish(discarded, stream=given_up.stream)

    def confirms_gone(self) -> None:
        self.take_human(core.GoneConfirmed())

    # --- gateways

    def bling_parks(self) -> None:
        """The Bling gateway's next command goes on failing, and is parked."""
        self._park(self.bling_inbox, bling.CommandParked)

    def hub_parks(self) -> None:
        """The 360Hub gateway's next command goes on failing, and is parked."""
        self._park(self.hub_inbox, hub.CommandParked)

    def _park(
        self, inbox: deque[Event], told: type[bling.CommandParked] | type[hub.CommandParked]
    ) -> None:
        if not inbox:
            return
        command = inbox.popleft()
        self.parked[command.id] = command
        parked = told(
            command_id=command.id,
            command_type=command.data.TYPE,
            shipment=getattr(command.data, "shipment", None),
            cause="timeout",
            shown=self.shown if isinstance(command.data, core.SetSituation) else None,
        )
        self.publish(parked, stream=command.stream)

    def read_product(self, product_id: int, *, deleted: bool = False) -> None:
        if self.product_exists:
            super().read_product(product_id, deleted=self.product_deleted)
        else:
            gone = bling.ProductGone(product_id=product_id)
            self.publish(gone, stream=f"product-{product_id}")

    def route(self, logged: list[Event]) -> None:
        super().route(logged)
        for event in logged:
            if event.kind == "command":
                self._unpark(event)

    def _unpark(self, command: Event) -> None:
        """Take up what a person retries; what a newer command voids is told of."""
        if isinstance(command.data, core.RetryWork):
            again = self.parked.pop(command.data.command_id, None)
            if again is not None:
                inbox = self.bling_inbox if again.data.TYPE[0] == "b" else self.hub_inbox
                inbox.append(again)
            return
        if isinstance(command.data, core.DiscardWork):
            self._discard(command.data.command_id)
            return
        voided = VOIDS.get(command.data.TYPE, set())
        for known in [p for p in self.parked.values() if p.data.TYPE in voided]:
            del self.parked[known.id]
            told = bling.CommandSuperseded if known.data.TYPE[0] == "b" else hub.CommandSuperseded
            superseded = told(
                command_id=known.id,
                command_type=known.data.TYPE,
                shipment=getattr(known.data, "shipment", None),
                superseded_by=command.id,
            )
            self.publish(superseded, stream=known.stream)
