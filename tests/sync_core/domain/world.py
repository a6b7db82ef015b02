"""Bling, 360Hub, their gateways and the people around them, as small honest models.

They act at random and the network between them loses, repeats and delays. What the gateways
promise (facts in order, one call at a time for each order, read before write) they keep here too.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from services.sync_core.domain import Event
from services.sync_core.domain.comparison import target_of
from shared.contracts import Contract
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Mode, Policies
from shared.contracts.content import Item, OrderContent, ProductContent, Totals
from tests.sync_core.domain.core import (
    CANCELLED,
    CHECKED,
    DONE,
    MANIFEST,
    MAPPING,
    OPEN,
    ORDER,
    ORDER_ID,
    PICKUP,
    START,
    TRANSIT,
    Core,
    situation,
)

PRODUCT_ID = 15990001
MONEY = Decimal("49.90")

LEGAL = {
    "order_created": {"in_manifest", "cancelled"},
    "in_manifest": {"order_created", "awaiting_dispatch", "cancelled"},
    "awaiting_dispatch": {"in_manifest", "with_carrier", "cancelled"},
    "with_carrier": {"delivered", "returning_to_sender", "lost"},
    "returning_to_sender": {"returned_to_sender", "delivered", "lost"},
}


def content() -> OrderContent:
    """Return an order's content; what differs between contents is their digest."""
    item = Item(line="1", product_id=PRODUCT_ID, name="Caneca", quantity=1, unit_price=MONEY)
    totals = Totals(items=MONEY, shipping=Decimal(0), discount=Decimal(0), total=MONEY)
    return OrderContent(
        number="1042",
        placed_at=datetime.fromisoformat("2026-03-10T03:00:00Z"),
        items=(item,),
        totals=totals,
    )


@dataclass
class Write:
    """One situação that our side wrote: over what, and whether a person was in the window."""

    before: int
    by_before: str
    after: int
    raced: bool


Told = tuple[type[hub.SequencedFact], dict[str, object]]
"""What one of 360Hub's events says: the fact that it is, and its fields."""


def status_event(previous: str | None, status: str) -> Told:
    return hub.OrderStatusChanged, {"previous": previous, "status": status}


@dataclass
class HubOrder:
    """360Hub's side of one shipment. ``events``: all of them, of which ``told`` were delivered."""

    version: int
    digest: str
    declared: bool
    status: str = "order_created"
    events: list[Told] = field(default_factory=lambda: [status_event(None, "order_created")])
    told: int = 0
    occurrences: list[str] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)

    def move(self, status: str) -> None:
        self.events.append(status_event(self.status, status))
        self.status = status

    def happens(self, fact: type[hub.SequencedFact], **fields: object) -> None:
        self.events.append((fact, fields))

    def fact(self, shipment: int, sequence: int, now: datetime) -> hub.SequencedFact:
        """Return the event of this place as the gateway publishes it."""
        kind, fields = self.events[sequence - 1]
        place = {"shipment": shipment, "hub_sequence": sequence, "happened_at": now}
        return kind.model_validate(place | fields)

    def declares(self, register: core.RegisterOrder) -> bool:
        """Whether the same content's declaration is no news, or may still be added."""
        new = register.declares_content != self.declared
        return not new or (register.declares_content and self.status == "awaiting_dispatch")

    @property
    def locked(self) -> bool:
        return self.status not in ("order_created", "in_manifest")


class World:
    """Everything outside the sync core, and the sync core."""

    def __init__(self) -> None:
        self.core = Core.live()
        self.shown, self.by = OPEN, "seller"
        self.agreed: set[int] = {OPEN, START}
        self.digest = "content-0"
        self.deleted = False
        self.hints: list[bling.Hint] = []
        self.observations = 0
        self.writes: list[Write] = []
        self.shipments: dict[int, HubOrder] = {}
        self.bling_inbox: deque[Event] = deque()
        self.hub_inbox: deque[Event] = deque()
        self.registers_received: list[tuple[int, int]] = []
        self.refuse_writes = 0
        self.lose_answers = 0
        self.racing: int | None = None
        self.tracking: dict[int, str] = {}
        self.refuse_tracking = 0
        self.paused = False
        self.read()

    # --- people in Bling

    def seller_sets(self, situation_id: int) -> None:
        """The seller moves the order; a webhook tells of it, unless it gets lost."""
        if not self.deleted and situation_id != self.shown:
            self.shown, self.by = situation_id, "seller"
            self.hints.append(bling.Hint(situation=situation_id, at=self.core.now))
            self.tick()

    def seller_edits(self) -> None:
        """The seller changes the order's content."""
        self.digest = f"content-{int(self.digest.split('-')[1]) + 1}"

    def seller_deletes(self) -> None:
        """The seller deletes the order for good."""
        self.deleted = True

    def lose_webhooks(self) -> None:
        """Webhooks that were not delivered yet never will be."""
        self.hints.clear()

    def imports(self) -> None:
        """The gateway reads the order because a person wants to see what could be sent."""
        self.read("import")

    def race(self, situation_id: int) -> None:
        """The seller will move the order between our next read and our write."""
        self.racing = situation_id

    # --- people at 360Hub

    def hub_moves(self, status: str) -> None:
        """Operator, carrier or 360Hub itself moves the last shipment, where that is legal."""
        if self.shipments:
            order = self.shipments[max(self.shipments)]
            if status in LEGAL.get(order.status, set()):
                order.move(status)

    def hub_advances(self) -> None:
        """The last shipment takes its next step towards delivery."""
        if self.shipments:
            status = self.shipments[max(self.shipments)].status
            if status in STATUSES[:4]:
                self.hub_moves(STATUSES[STATUSES.index(status) + 1])

    def last_shipment(self, *statuses: str) -> HubOrder | None:
        """Return 360Hub's side of the last shipment, if it has one of these statuses."""
        order = self.shipments.get(max(self.shipments, default=0))
        return order if order is not None and order.status in statuses else None

    def hub_labels(self, volume: int, status: str = "ready") -> None:
        """The last shipment's volume gets a (new) label with its tracking code, or should have."""
        if order := self.last_shipment("in_manifest", "awaiting_dispatch"):
            name = f"BR{len(order.events):04}"
            self.tells_of_label(order, volume, name, status)
            if status == "ready":
                order.labels[volume] = name

    def hub_fails_label(self, volume: int) -> None:
        """A label cannot be made."""
        self.hub_labels(volume, "failed")

    def hub_voids_label(self, volume: int) -> None:
        """The volume's label is not to be used."""
        order = self.last_shipment("in_manifest", "awaiting_dispatch")
        if order and volume in order.labels:
            self.tells_of_label(order, volume, order.labels.pop(volume), "voided")

    def tells_of_label(self, order: HubOrder, volume: int, name: str, status: str) -> None:
        code = {"tracking_code": name, "carrier": "Correios"} if status == "ready" else {}
        label = {"label_id": name, "volume": volume, "status": status} | code
        order.happens(hub.OrderLabelsUpdated, labels=(label,))

    def hub_scans(self, seen: tuple[int, str]) -> None:
        """The carrier scans a volume, in whatever order it likes."""
        if order := self.last_shipment("with_carrier", "returning_to_sender", "delivered"):
            volume, scan = seen
            order.happens(hub.OrderTrackingUpdated, volume=volume, scan=scan)

    def hub_opens(self, code: str) -> None:
        """Something departs from the normal delivery."""
        if order := self.last_shipment("awaiting_dispatch", "with_carrier", "returning_to_sender"):
            name = f"occ_{len(order.events)}"
            order.occurrences.append(name)
            occurrence = {"occurrence_id": name, "code": code, "volume": 1}
            order.happens(hub.OrderOccurrenceOpened, occurrence=occurrence)

    def hub_resolves(self) -> None:
        """The oldest occurrence ends."""
        order = self.shipments.get(max(self.shipments, default=0))
        if order and order.occurrences:
            occurrence = {"occurrence_id": order.occurrences.pop(0), "code": "damaged"}
            order.happens(hub.OrderOccurrenceResolved, occurrence=occurrence)

    def hub_holds(self, codes: tuple[str, ...]) -> None:
        """360Hub holds the order for these causes, and no others."""
        if order := self.last_shipment("order_created", "in_manifest"):
            order.happens(hub.OrderHoldChanged, holds=tuple({"code": code} for code in codes))

    def hub_repeats(self) -> None:
        """All that was told of any shipment is told once more, the last first."""
        for shipment, order in self.shipments.items():
            for sequence in range(order.told, 0, -1):
                self.publish(order.fact(shipment, sequence, self.core.now))

    # --- people at this system

    def pauses(self) -> None:
        """The account's work waits at both gateways, or goes on again."""
        self.paused = not self.paused
        for told in (
            (bling.AccountPaused, hub.AccountPaused)
            if self.paused
            else (bling.AccountResumed, hub.AccountResumed)
        ):
            self.publish(told.model_validate({"by": "ana", "reason": "inventário"}), "account")

    def settles(self, choice: str) -> None:
        """A person settles what stands open, having seen what the core shows."""
        if self.core.order.shown_id is not None:
            seen = self.core.order.shown_id
            if choice == "apply_hub":
                self.agreed.add(seen)
            self.take_human(core.OrderSettled.model_validate({"choice": choice, "seen": seen}))

    def chooses(self, policies: Policies) -> None:
        """The seller wants the few cases handled otherwise."""
        self.core.human("account", core.PoliciesChanged(policies=policies))

    def confirms_reopening(self) -> None:
        """A person wants the re-opened order shipped once more."""
        self.take_human(core.ReopeningConfirmed())

    def retries(self) -> None:
        """A person wants what failed tried again."""
        self.take_human(core.RetryRequested())

    def remaps(self, *, swapped: bool) -> None:
        """The seller chooses other situações for two statuses, or goes back."""
        situations = dict(MAPPING.situations)
        if swapped:
            situations |= {"in_manifest": PICKUP, "awaiting_dispatch": MANIFEST}
        changed = MAPPING.model_copy(update={"situations": situations})
        self.core.human("account", core.MappingChanged(mapping=changed))

    def switches(self, *, live: bool) -> None:
        """The account goes to observe, or live again."""
        how = "live" if live else "observe"
        mode = Mode.model_validate({"to_hub": how, "to_bling": how})
        self.core.human("account", core.ModeChanged(mode=mode))

    def take_human(self, data: Contract) -> None:
        self.route(self.core.human(ORDER, data))

    # --- the Bling gateway

    def read(self, trigger: str = "webhook") -> None:
        """The gateway reads the order and publishes what it is."""
        if self.deleted:
            gone = bling.OrderGone(order_id=ORDER_ID, evidence="deleted_and_not_found")
            self.publish(gone)
            return
        hinted, self.hints = tuple(self.hints), []
        self.observations += 1
        self.publish(
            bling.OrderObserved.model_validate(
                {
                    "order_id": ORDER_ID,
                    "observation": self.observations,
                    "number": "1042",
                    "placed_on": self.core.now.date(),
                    "situation": situation(self.shown),
                    "hinted": hinted,
                    "trigger": trigger,
                    "read_at": self.core.now,
                    "data_subject": "contact-1",
                    "content": content(),
                    "content_digest": self.digest,
                }
            )
        )

    def bling_works(self) -> None:
        """The gateway carries out its next command."""
        if self.bling_inbox and not self.paused:
            command = self.bling_inbox.popleft()
            match command.data:
                case core.WriteTracking() as write:
                    self.write_tracking(command.id, write)
                case core.SetSituation() as write:
                    self.set_situation(command.id, write)
                case core.ReadProduct(product_id=product_id):
                    self.read_product(product_id)
                case core.ReadOrder():
                    self.read()

    def set_situation(self, command_id: UUID, write: core.SetSituation) -> None:
        """Read, compare, write. An answer that is lost is followed by another read."""
        read_at, outcome = self.core.now, "already"
        if self.deleted:
            self.refused(command_id, write, "order_gone")
            return
        if self.shown != write.target:
            if self.shown != write.expected:
                self.refused(command_id, write, "changed")
                return
            if self.refuse_writes:
                self.refuse_writes -= 1
                self.refused(command_id, write, "refused")
                return
            self.patch(write.target)
            outcome = "already" if self.lose_answers else "written"
            self.lose_answers = max(0, self.lose_answers - 1)
        self.agreed.add(write.target)
        self.tick()
        self.publish(
            bling.SituationSet.model_validate(
                {
                    "order_id": ORDER_ID,
                    "command_id": command_id,
                    "target": write.target,
                    "shown": situation(self.shown),
                    "outcome": outcome,
                    "read_at": read_at,
                    "written_at": self.core.now if outcome == "written" else None,
                }
            )
        )

    def write_tracking(self, command_id: UUID, write: core.WriteTracking) -> None:
        """Put the codes into the order's volumes, unless Bling does not want them."""
        answer = {"order_id": ORDER_ID, "command_id": command_id}
        if self.deleted or self.refuse_tracking:
            cause = "order_gone" if self.deleted else "refused"
            self.refuse_tracking = max(0, self.refuse_tracking - 1)
            self.publish(bling.TrackingRefused.model_validate(answer | {"cause": cause}))
            return
        self.tracking |= {volume.volume: volume.tracking_code for volume in write.volumes}
        self.publish(bling.TrackingWritten.model_validate(answer | {"outcome": "written"}))

    def patch(self, target: int) -> None:
        raced = self.racing is not None and self.racing not in (self.shown, target)
        if raced and self.racing is not None:
            self.seller_sets(self.racing)
        self.racing = None
        self.writes.append(Write(self.shown, self.by, target, raced))
        self.shown, self.by = target, "us"
        self.hints.append(bling.Hint(situation=target, at=self.core.now))

    def refused(self, command_id: UUID, write: core.SetSituation, cause: str) -> None:
        self.publish(
            bling.SituationRefused.model_validate(
                {
                    "order_id": ORDER_ID,
                    "command_id": command_id,
                    "target": write.target,
                    "shown": None if self.deleted else situation(self.shown),
                    "cause": cause,
                }
            )
        )

    def read_product(self, product_id: int, *, deleted: bool = False) -> None:
        product = bling.ProductObserved(
            product_id=product_id,
            observation=1,
            active=not deleted,
            deleted=deleted,
            content=ProductContent(name="Caneca", price=MONEY),
            content_digest="product-0",
            trigger="command",
            read_at=self.core.now,
        )
        self.publish(product, stream=f"product-{product_id}")

    # --- the 360Hub gateway

    def hub_works(self) -> None:
        """The gateway carries out its next command; a cancel voids what was not sent."""
        if not self.hub_inbox or self.paused:
            return
        command = self.hub_inbox.popleft()
        match command.data:
            case core.RegisterOrder() as register:
                self.register(command.id, register)
            case core.CancelOrder() as cancel:
                self.cancel(command.id, cancel)
            case core.ImportProduct() as product:
                self.import_product(command.id, product)

    def enqueue_for_hub(self, command: Event) -> None:
        if isinstance(command.data, core.CancelOrder):
            for waiting in [w for w in self.hub_inbox if isinstance(w.data, core.RegisterOrder)]:
                self.hub_inbox.remove(waiting)
                superseded = hub.CommandSuperseded(
                    command_id=waiting.id,
                    command_type=core.RegisterOrder.TYPE,
                    shipment=waiting.data.shipment,  # type: ignore[attr-defined]
                    superseded_by=command.id,
                )
                self.publish(superseded)
        self.hub_inbox.append(command)

    def register(self, command_id: UUID, register: core.RegisterOrder) -> None:
        self.registers_received.append((register.shipment, register.version))
        order = self.shipments.get(register.shipment)
        base = {"shipment": register.shipment, "command_id": command_id}
        if order is None:
            self.shipments[register.shipment] = HubOrder(
                register.version, register.content_digest, register.declares_content
            )
            outcome = "created"
        elif order.status in ("cancelled", "delivered", "returned_to_sender", "lost"):
            self.refuse_register(base, register, "closed", order)
            return
        elif register.version < order.version:
            self.refuse_register(base, register, "stale", order)
            return
        elif order.digest == register.content_digest and order.declares(register):
            order.version, outcome = register.version, "unchanged"
            order.declared = register.declares_content
        elif order.locked:
            self.refuse_register(base, register, "locked", order)
            return
        else:
            order.version, order.digest = register.version, register.content_digest
            order.declared, outcome = register.declares_content, "updated"
        answer = {
            **base,
            "reference": register.reference,
            "version": register.version,
            "outcome": outcome,
            "hub_id": "ord_1",
        }
        self.publish(hub.OrderRegistered.model_validate(answer))

    def refuse_register(
        self, base: dict[str, object], register: core.RegisterOrder, cause: str, order: HubOrder
    ) -> None:
        answer = {**base, "version": register.version, "cause": cause, "hub_version": order.version}
        self.publish(hub.OrderRefused.model_validate(answer))

    def cancel(self, command_id: UUID, cancel: core.CancelOrder) -> None:
        order = self.shipments.get(cancel.shipment)
        base = {"shipment": cancel.shipment, "command_id": command_id, "version": cancel.version}
        if order is None:
            self.publish(hub.OrderCancelled.model_validate({**base, "outcome": "not_found"}))
        elif order.status == "cancelled":
            self.publish(hub.OrderCancelled.model_validate({**base, "outcome": "unchanged"}))
        elif "cancelled" in LEGAL.get(order.status, set()):
            order.move("cancelled")
            self.publish(hub.OrderCancelled.model_validate({**base, "outcome": "cancelled"}))
        else:
            refused = {**base, "cause": "not_cancellable", "status": order.status}
            self.publish(hub.OrderCancelRefused.model_validate(refused))

    def import_product(self, command_id: UUID, product: core.ImportProduct) -> None:
        imported = hub.ProductImported(
            command_id=command_id,
            product_id=product.product_id,
            reference=product.reference,
            version=product.version,
            outcome="created",
            approval=hub.Approval(status="awaiting_photos"),
            hub_sequence=1,
        )
        self.publish(imported, stream=f"product-{product.product_id}")

    def hub_tells(self) -> None:
        """360Hub's next event of each shipment arrives, in the order of its sequence."""
        for shipment, order in self.shipments.items():
            if order.told < len(order.events):
                order.told += 1
                self.publish(order.fact(shipment, order.told, self.core.now))

    # --- the wires

    def publish(self, data: Contract, stream: str = ORDER) -> None:
        """Hand a fact to the core, and its commands to the gateways."""
        self.route(self.core.fact(data, stream))

    def route(self, logged: list[Event]) -> None:
        """Hand what was ordered to the gateways, and note what both sides agree on now."""
        order = self.core.order
        mapping = self.core.account.mapping
        if order.shipment and mapping:
            target = target_of(order, mapping)
            if target is not None and order.shown_id == target:
                self.agreed.add(target)
        for event in logged:
            if event.kind == "command":
                if event.data.TYPE.startswith("bling."):
                    self.bling_inbox.append(event)
                elif event.data.TYPE.startswith("hub."):
                    self.enqueue_for_hub(event)

    def tick(self) -> None:
        """A second passes: Bling's clock is no finer."""
        self.core.now += timedelta(seconds=1)

    def fall_silent(self) -> None:
        """Nobody acts any more; all that is on its way arrives, and deadlines pass."""
        if self.paused:
            self.pauses()
        for _ in range(3):
            self.drain()
            self.read()
            self.drain()
            self.route(self.core.pass_time(timedelta(minutes=11)))
        self.drain()

    def drain(self) -> None:
        if self.paused:
            return
        for _ in range(200):
            behind = any(order.told < len(order.events) for order in self.shipments.values())
            if not (self.bling_inbox or self.hub_inbox or behind):
                return
            self.bling_works()
            self.hub_works()
            self.hub_tells()
        raise AssertionError("the two sides never fall silent")


SITUATIONS = (OPEN, DONE, CANCELLED, START, CHECKED, MANIFEST, PICKUP, TRANSIT, 447110)
STATUSES = (
    "order_created", "in_manifest", "awaiting_dispatch", "with_carrier", "delivered",
    "returning_to_sender", "returned_to_sender", "lost", "cancelled",
)  # fmt: skip
