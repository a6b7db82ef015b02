"""The life of one order, scene by scene: what somebody does, and what both sides must then show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from deploy.demo.players import Json, Play, PlayError, until

Teller = Callable[[str], None]


@dataclass
class Scene:
    """The play, the order it is about, and whoever wants to hear what happens."""

    play: Play
    tell: Teller
    order: Json = field(default_factory=dict)

    @property
    def order_id(self) -> int:
        """The order's id in Bling."""
        order_id: int = self.order["id"]
        return order_id

    def reference(self, shipment: int = 1) -> str:
        """Return what 360Hub calls a shipment of the order."""
        suffix = "" if shipment == 1 else f"~{shipment}"
        return f"bling-{self.play.keeper.tag}-{self.order_id}{suffix}"

    async def hub_order(self, shipment: int = 1) -> Json:
        """Return 360Hub's side, which must exist."""
        found = await self.play.operator.order(self.reference(shipment))
        if found is None:
            raise PlayError(f"360Hub holds no {self.reference(shipment)}")
        return found

    async def both_show(
        self, situation: str, status: str, *, shipment: int = 1, within_s: float = 20
    ) -> None:
        """Wait until Bling shows the situação and 360Hub the status."""

        async def shown() -> bool:
            order = await self.play.operator.order(self.reference(shipment))
            seen = await self.play.seller.situation(self.order_id)
            return order is not None and (seen, order["status"]) == (situation, status)

        what = f"Bling to show {situation!r} and 360Hub {status!r}"
        await until(what, shown, within_s=within_s)

    async def held_by_nothing(self, *, within_s: float = 20) -> None:
        """Wait until 360Hub has the NF-e's key, and holds the order for nothing."""

        async def free() -> bool:
            order = await self.hub_order()
            document = order["content"].get("fiscal_document")
            return bool(document and document.get("access_key")) and not order["holds"]

        await until("360Hub to have the NF-e's key and no hold", free, within_s=within_s)

    async def reason_is(self, *codes: str, within_s: float = 20) -> Json:
        """Wait until exactly these reasons are open, and return the order's state."""

        async def open_now() -> Json | None:
            state = await self.play.keeper.order(self.order_id)
            return state if {r["code"] for r in state["reasons"]} == set(codes) else None

        what = f"the reasons to be {codes or 'none'}"
        return await until(what, open_now, within_s=within_s)


async def one_whole_life(scene: Scene) -> None:
    """From *em aberto* to *atendido*, with everything a good day brings."""
    for step in (
        order_comes_in,
        order_starts,
        products_are_approved,
        _checked_in_between,
        invoice_is_issued,
        _edited_before_labels,
        _into_the_manifest,
        _out_and_in_again,
        _labels,
        _carrier_takes_it_in,
        _delivered,
    ):
        await step(scene)


async def start(scene: Scene, **wish: object) -> None:
    """Bring a new order to 360Hub, held there by nothing."""
    await order_comes_in(scene, **wish)
    await order_starts(scene)
    await products_are_approved(scene)
    await invoice_is_issued(scene)


async def order_comes_in(scene: Scene, **wish: object) -> None:
    """A customer orders."""
    scene.order = await scene.play.seller.places_order(situation=6, **wish)
    scene.tell(f"Bling: um cliente fez o pedido {scene.order['numero']} (em aberto)")


async def order_starts(scene: Scene) -> None:
    """The seller starts the order; it arrives at 360Hub."""
    scene.tell("Bling: o vendedor põe o pedido em andamento")
    await scene.play.seller.sets(scene.order_id, "Em andamento")
    await scene.both_show("Em andamento", "order_created")


async def products_are_approved(scene: Scene) -> None:
    """360Hub's people do their part."""
    scene.tell("360Hub: a equipe registra as fotos e aprova os produtos")
    order = await scene.hub_order()
    for product_reference in sorted({item["product_ref"] for item in order["content"]["items"]}):
        await scene.play.operator.approves_product(product_reference)


async def _checked_in_between(scene: Scene) -> None:
    scene.tell("Bling: o pedido passa por verificado; ninguém é contrariado")
    await scene.play.seller.sets(scene.order_id, "Verificado")
    await _core_saw(scene, "Verificado")
    await scene.both_show("Verificado", "order_created")


async def invoice_is_issued(scene: Scene) -> None:
    """The NF-e is issued; its key arrives at 360Hub."""
    scene.tell("Bling: a NF-e é emitida; a chave segue para a 360Hub")
    await scene.play.seller.issues_invoice(scene.order_id)

    await scene.held_by_nothing()


async def _edited_before_labels(scene: Scene) -> None:
    scene.tell("Bling: o vendedor corrige o complemento do endereço")
    address = {"transporte": {"etiqueta": {"complemento": "Bloco B, apto 42"}}}
    await scene.play.seller.edits(scene.order_id, address)

    async def corrected() -> bool:
        order = await scene.hub_order()
        found: str = order["content"]["recipient"]["address"].get("complement") or ""
        return found == "Bloco B, apto 42"

    await until("360Hub to have the corrected address", corrected)


async def _into_the_manifest(scene: Scene) -> None:
    scene.tell("360Hub: o operador põe o pedido em um romaneio")
    scene.order["manifest"] = await scene.play.operator.opens_manifest(scene.reference())
    await scene.both_show("Em romaneio", "in_manifest")


async def _out_and_in_again(scene: Scene) -> None:
    scene.tell("360Hub: o operador tira o pedido do romaneio; o Bling volta atrás")
    await scene.play.operator.takes_out(scene.order["manifest"], scene.reference())
    await scene.both_show("Em andamento", "order_created")
    await _into_the_manifest(scene)


async def _labels(scene: Scene) -> None:
    scene.tell("360Hub: as etiquetas são geradas")
    await scene.play.operator.makes_labels(scene.reference())
    await scene.both_show("Aguardando coleta", "awaiting_dispatch")


async def _carrier_takes_it_in(scene: Scene) -> None:
    scene.tell("Transportadora: recebe o pacote")
    await scene.play.operator.scans(scene.reference(), "accepted")
    await scene.both_show("Em rota de entrega", "with_carrier")


async def _delivered(scene: Scene) -> None:
    scene.tell("Transportadora: entrega ao cliente")
    await scene.play.operator.scans(scene.reference(), "delivered")
    await scene.both_show("Atendido", "delivered")
    await _core_saw(scene, "Atendido")  # both sides are there before our gateway's answer is logged
    await scene.reason_is()


STEPS_TO: dict[str, tuple[Callable[[Scene], Awaitable[None]], ...]] = {
    "order_created": (),
    "in_manifest": (_into_the_manifest,),
    "awaiting_dispatch": (_into_the_manifest, _labels),
    "with_carrier": (_into_the_manifest, _labels, _carrier_takes_it_in),
    "delivered": (_into_the_manifest, _labels, _carrier_takes_it_in, _delivered),
}
"""360Hub's status → what leads there from a started order."""


async def advance(scene: Scene, status: str) -> None:
    """Play on from a started order until 360Hub shows the status and Bling its situação."""
    for step in STEPS_TO[status]:
        await step(scene)


async def cancelled_in_bling(scene: Scene) -> None:
    """The seller cancels; 360Hub follows."""
    scene.tell("Bling: o vendedor cancela o pedido")
    await scene.play.seller.sets(scene.order_id, "Cancelado")
    await scene.both_show("Cancelado", "cancelled")
    await scene.reason_is()


async def reopened(scene: Scene) -> None:
    """The seller re-opens the order; a person opens shipment 2."""
    scene.tell("Bling: o vendedor reabre o pedido cancelado")
    await scene.play.seller.sets(scene.order_id, "Em andamento")
    await scene.reason_is("reopened")
    scene.tell("Esta integração: uma pessoa confirma a segunda remessa")
    await scene.play.keeper.acts(scene.order_id, "confirm-reopening")
    await scene.both_show("Em andamento", "order_created", shipment=2)
    await scene.reason_is()


async def _core_saw(scene: Scene, situation: str) -> None:
    async def saw() -> bool:
        state = await scene.play.keeper.order(scene.order_id)
        return bool(state["situation"] and state["situation"]["name"] == situation)

    await until(f"the core to see {situation!r}", saw)
