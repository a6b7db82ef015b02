"""What must be true at both sandboxes after a play, whoever crashed on the way."""

from collections import Counter
from itertools import pairwise

from deploy.demo.story import Scene


async def differences(scene: Scene, *, situation: str, status: str, shipments: int) -> list[str]:
    """Name everything that differs from what must be; empty: all is well."""
    found = await _ends(scene, situation, status, shipments)
    found += await _doubled_at_hub(scene)
    found += await _doubled_in_bling(scene)
    return found


async def _ends(scene: Scene, situation: str, status: str, shipments: int) -> list[str]:
    found = []
    shown = await scene.play.seller.situation(scene.order_id)
    if shown != situation:
        found.append(f"Bling shows {shown!r}, not {situation!r}")
    order = await scene.hub_order(shipments)
    if order["status"] != status:
        found.append(f"360Hub shows {order['status']!r}, not {status!r}")
    prefix = scene.reference()
    references = [
        known["external_ref"]
        for known in await scene.play.operator.orders()
        if known["external_ref"].startswith(prefix)
    ]
    if len(references) != shipments:
        found.append(f"360Hub holds {references}, not {shipments} shipment(s)")
    return found


async def _doubled_at_hub(scene: Scene) -> list[str]:
    """A version is taken over once: a repeated call is answered as known."""
    found = []
    for known in await scene.play.operator.orders():
        reference = known["external_ref"]
        order = await scene.play.operator.order(reference) or {"received": []}
        taken = Counter(
            received["source_version"]
            for received in order["received"]
            if received["outcome"] in ("created", "updated", "cancelled")
        )
        found += [
            f"360Hub took version {version} of {reference} {times} times"
            for version, times in taken.items()
            if times > 1
        ]
    return found


async def _doubled_in_bling(scene: Scene) -> list[str]:
    """We never write the situação that the order has already."""
    history = (await scene.play.seller.order(scene.order_id))["history"]
    return [
        f"Bling was written {after['nome']!r} over the same"
        for before, after in pairwise(history)
        if after["by"] == "api" and before["situacao"] == after["situacao"]
    ]
