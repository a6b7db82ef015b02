"""What happens to orders: each fate is played by hand on both sides, and says how it must end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from deploy.demo.players import Json
from tests.life.faults.market import Market

OPEN, STARTED = 6, 15
UNKNOWN_STATUS = "held_for_inspection"
"""What the double calls a status when it uses a word that is not in its list."""


@dataclass
class Life:
    """One order on its way. ``end``: what Bling must show, and the reasons that must be open."""

    market: Market
    order_id: int
    shipment: int = 1
    situation: str = "Atendido"
    status: str | None = "delivered"
    reasons: set[str] = field(default_factory=set)
    broken: str | None = None
    """Where the story could not go on, if it came to that."""
    is_blurred: bool = False
    """Bling was left behind, because 360Hub used a word on the way that nobody knows."""

    @property
    def reference(self) -> str:
        """What 360Hub calls the shipment that counts."""
        return self.market.reference(self.order_id, self.shipment)

    def ends(self, situation: str, status: str | None, *reasons: str) -> None:
        """Say how it must end."""
        self.situation, self.status, self.reasons = situation, status, set(reasons)

    # --- the seller

    async def sets(self, situation: str) -> None:
        await self.market.play.seller.sets(self.order_id, situation)

    async def edits(self, complement: str) -> None:
        label = {"transporte": {"etiqueta": {"complemento": complement}}}
        await self.market.play.seller.edits(self.order_id, label)

    async def has_complement(self, complement: str) -> None:
        """Wait until 360Hub has the corrected address."""

        async def corrected() -> bool:
            order = await self.market.operator.order(self.reference)
            address = order and order["content"]["recipient"]["address"]
            return bool(address and address.get("complement") == complement)

        what = f"{self.reference} to have the complement {complement!r}"
        await self.market.awaits(what, corrected)

    # --- 360Hub's people and the carrier

    async def arrives(self) -> None:
        await self.market.arrived(self.order_id, self.shipment)

    async def into_romaneio(self) -> str:
        return await self.market.operator.opens_manifest(self.reference)

    async def labelled(self) -> None:
        await self.into_romaneio()
        await self.gets_labels()

    async def gets_labels(self) -> None:
        """Make labels until they succeed; codes that they were made without arrive later."""
        path = f"/orders/{self.reference}/labels"
        while not (await self.market.does(path))["volumes"]:
            continue
        await self.market.does(f"{path}/tracking-codes")

    async def scanned(self, stage: str, volume: int | None = None) -> None:
        body: Json = {"stage": stage} | ({} if volume is None else {"volume": volume})
        await self.market.does(f"/orders/{self.reference}/carrier-scan", **body)

    async def taken_in(self) -> None:
        """The carrier takes it in; a scan that got lost is made up for by the next one."""
        await self.scanned("accepted")
        await self.scanned("in_transit")

    async def delivered(self) -> None:
        await self.taken_in()
        await self.scanned("out_for_delivery")
        await self.scanned("delivered")

    async def bling_follows(self) -> None:
        """Wait until Bling shows that the carrier has it, unless 360Hub calls that something else.

        What 360Hub passes quickly is not written to Bling any more, and a return is never written.
        """

        async def followed() -> bool:
            order = self.market.screen.get(self.reference)
            if order is not None and order["status"] == UNKNOWN_STATUS:
                self.is_blurred = True
                return True
            seen = await self.market.play.seller.situation(self.order_id)
            return seen == "Em rota de entrega"

        what = f"Bling to follow {self.reference}"
        await self.market.awaits(what, followed)

    async def occurs(self, code: str, **how: str) -> None:
        await self.market.does(f"/orders/{self.reference}/occurrences", code=code, **how)


Fate = Callable[[Life], Awaitable[None]]


async def straight(life: Life) -> None:
    """A good day."""
    await life.arrives()
    await life.labelled()
    await life.delivered()


async def out_of_the_romaneio(life: Life) -> None:
    """Taken out of a romaneio, put into the next one."""
    await life.arrives()
    manifest = await life.into_romaneio()
    await life.market.operator.takes_out(manifest, life.reference)
    await life.labelled()
    await life.delivered()


async def labels_made_again(life: Life) -> None:
    """The labels are voided and made again."""
    await life.arrives()
    await life.labelled()
    await life.market.operator.voids_labels(life.reference)
    await life.gets_labels()
    await life.delivered()


async def occurrence_resolved(life: Life) -> None:
    """Nobody at home; the second attempt succeeds."""
    await life.arrives()
    await life.labelled()
    await life.taken_in()
    await life.occurs("recipient_absent")
    await life.scanned("delivered")


async def occurrence_stays(life: Life) -> None:
    """The address is not found, and nobody does anything about it.

    Whether that is a reason depends on what 360Hub calls it: a word off its list is only noted.
    """
    await life.arrives()
    await life.labelled()
    await life.taken_in()
    await life.occurs("address_not_found")
    life.ends("Em rota de entrega", "with_carrier")


async def returned(life: Life) -> None:
    """It comes back to the seller, whose Bling stays as it is."""
    await life.arrives()
    await life.labelled()
    await life.taken_in()
    await life.bling_follows()
    await life.scanned("returning")
    await life.scanned("returned")
    life.ends("Em rota de entrega", "returned_to_sender", "unmapped_status")


async def lost(life: Life) -> None:
    """The carrier loses it."""
    await life.arrives()
    await life.labelled()
    await life.taken_in()
    await life.bling_follows()
    await life.scanned("lost")
    life.ends("Em rota de entrega", "lost", "unmapped_status")


async def cancelled_at_once(life: Life) -> None:
    """The seller changes their mind while the order is on its way to 360Hub."""
    await life.sets("Cancelado")
    life.ends("Cancelado", None)


async def cancelled_when_created(life: Life) -> None:
    await life.arrives()
    await life.sets("Cancelado")
    life.ends("Cancelado", "cancelled")


async def cancelled_when_labelled(life: Life) -> None:
    await life.arrives()
    await life.labelled()
    await life.sets("Cancelado")
    life.ends("Cancelado", "cancelled")


async def cancelled_too_late(life: Life) -> None:
    """The carrier has it already."""
    await life.arrives()
    await life.labelled()
    await life.taken_in()
    await life.bling_follows()
    await life.sets("Cancelado")
    life.ends("Cancelado", "with_carrier", "cancel_refused")


async def cancelled_by_360hub(life: Life) -> None:
    await life.arrives()
    await life.market.does(f"/orders/{life.reference}/cancel")
    life.ends("Em andamento", "cancelled", "hub_cancelled")


async def edited_before_labels(life: Life) -> None:
    await life.arrives()
    await life.edits("Bloco B")
    await life.has_complement("Bloco B")
    await life.labelled()
    await life.delivered()


async def edited_between_labels(life: Life) -> None:
    """Edited while labels lock the content: it is sent once they are voided."""
    await life.arrives()
    await life.labelled()
    await life.edits("Bloco C")
    await life.market.operator.voids_labels(life.reference)
    await life.has_complement("Bloco C")
    await life.arrives()
    await life.gets_labels()
    await life.delivered()


async def reopened(life: Life) -> None:
    """Cancelled, re-opened, and shipped once more by a person's yes."""
    await life.arrives()
    await life.sets("Cancelado")
    await life.market.seen("cancelled", life.reference, lambda o: not o["cancellable"])
    await life.sets("Em andamento")
    keeper = life.market.play.keeper

    async def asked() -> bool:
        state = await keeper.order(life.order_id)
        return "reopened" in {reason["code"] for reason in state["reasons"]}

    await life.market.awaits(f"{life.reference} to be asked about", asked)
    await keeper.acts(life.order_id, "confirm-reopening")
    life.shipment = 2
    await life.arrives()
    await life.labelled()
    await life.delivered()


FATES: tuple[Fate, ...] = (
    straight,
    out_of_the_romaneio,
    cancelled_when_created,
    labels_made_again,
    occurrence_resolved,
    edited_before_labels,
    cancelled_too_late,
    occurrence_stays,
    cancelled_at_once,
    returned,
    edited_between_labels,
    lost,
    cancelled_when_labelled,
    cancelled_by_360hub,
    reopened,
)
