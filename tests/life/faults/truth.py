"""What must be true of an order once everything is quiet, as both sides and the core show it."""

from collections import Counter
from itertools import pairwise

from deploy.demo.players import Json
from tests.life.faults.fates import UNKNOWN_STATUS, Life

_NEEDS_A_PERSON = frozenset({"action_required", "final"})


async def untrue(life: Life) -> list[str]:
    """Name everything that is not as it must be; empty: both sides are in step, or say why not."""
    play = life.market.play
    if life.broken is not None:
        core = await play.keeper.order(life.order_id)
        codes, waits = [r["code"] for r in core["reasons"]], core["waits_for_products"]
        return [f"{life.reference}: {life.broken}; reasons {codes}, waits for {waits}"]
    bling = await play.seller.order(life.order_id)
    core = await play.keeper.order(life.order_id)
    at_hub = await play.operator.order(life.reference)
    found = [
        *_ends(life, bling["history"][-1]["nome"], core, at_hub),
        *_doubled_in_bling(bling),
        *(_doubled_at_hub(at_hub) if at_hub else ()),
    ]
    return [f"{life.reference}: {each}" for each in found]


def _ends(life: Life, shown: str, core: Json, at_hub: Json | None) -> list[str]:
    status = at_hub["status"] if at_hub else None
    reasons = {reason["code"] for reason in core["reasons"] if reason["needs_person"]}
    found = []
    if core["situation"]["name"] != shown:
        found.append(f"the core believes that Bling shows {core['situation']['name']}: {shown}")
    if core["shipment"] and at_hub and core["status"] != status:
        found.append(f"the core believes that 360Hub shows {core['status']}: {status}")
    if _is_unknown(life, status):
        return found if "unmapped_status" in reasons else [*found, f"no reason for {status}"]
    if shown != life.situation and not life.is_blurred:
        found.append(f"Bling shows {shown}, not {life.situation}")
    if not _ends_at_hub(life, status):
        found.append(f"360Hub shows {status}, not {life.status}")
    if reasons != (wanted := life.reasons | _occurrences(at_hub)):
        found.append(f"the reasons are {reasons or 'none'}, not {wanted or 'none'}")
    return found


def _is_unknown(life: Life, status: str | None) -> bool:
    """A word that nobody knows needs the seller, unless the order is over in Bling."""
    return status == UNKNOWN_STATUS and life.situation != "Cancelado"


def _ends_at_hub(life: Life, status: str | None) -> bool:
    if life.status is None:  # cancelled before 360Hub heard of it, or just after
        return status in (None, "cancelled", UNKNOWN_STATUS)
    return status in (life.status, UNKNOWN_STATUS)


def _occurrences(at_hub: Json | None) -> set[str]:
    """An open occurrence that somebody must act on is a reason until the customer has the order."""
    if at_hub is None or at_hub["status"] in ("delivered", "cancelled"):
        return set()
    still_open = [o for o in at_hub["occurrences"] if o["status"] == "open"]
    return {"occurrence"} if any(o["severity"] in _NEEDS_A_PERSON for o in still_open) else set()


def _doubled_at_hub(at_hub: Json) -> list[str]:
    """A version is taken over once: a repeated call is answered as known."""
    taken = Counter(
        received["source_version"]
        for received in at_hub["received"]
        if received["outcome"] in ("created", "updated", "cancelled")
    )
    return [f"360Hub took version {v} {times} times" for v, times in taken.items() if times > 1]


def _doubled_in_bling(bling: Json) -> list[str]:
    """We never write the situação that the order has already."""
    return [
        f"Bling was written {after['nome']} over the same"
        for before, after in pairwise(bling["history"])
        if after["by"] == "api" and before["situacao"] == after["situacao"]
    ]
