"""What stands beside the stage: holds, labels, scans and occurrences, as 360Hub tells of them."""

from typing import Any

import pytest

from shared.contracts import hub_gateway as hub
from shared.contracts.references import product_id_of, product_reference
from tests.sync_core.domain.core import NOW
from tests.sync_core.domain.test_order_rules import started
from tests.sync_core.domain.world import PRODUCT_ID, World


def tell(world: World, fact: type[hub.SequencedFact], sequence: int, **fields: Any) -> None:
    """Let the gateway publish one of 360Hub's events about the first shipment."""
    common = {"shipment": 1, "hub_sequence": sequence, "happened_at": NOW}
    world.publish(fact.model_validate(common | fields))


class TestHolds:
    def test_an_order_that_waits_for_approval_names_its_products(self) -> None:
        world = started()
        references = [product_reference("k7p2qx", each) for each in (15990002, PRODUCT_ID)]
        hold = {"code": "product_pending_approval", "product_references": references}

        tell(world, hub.OrderHoldChanged, 2, holds=[hold, {"code": "address_invalid"}])

        shipment = world.core.order.shipment
        assert shipment is not None
        assert shipment.pending_products == (PRODUCT_ID, 15990002)

        tell(world, hub.OrderHoldChanged, 3, holds=[{"code": "address_invalid"}])

        shipment = world.core.order.shipment
        assert shipment is not None
        assert shipment.pending_products == ()

    @pytest.mark.parametrize(
        ("reference", "product_id"),
        [
            (product_reference("k7p2qx", 2**63 - 1), 2**63 - 1),
            (f"bling-k7p2qx-{2**63}", None),
            ("bling-k7p2qx-0", None),
            ("bling-k7p2qx-٣", None),
            ("bling-k7p2qx-12~2", None),
            ("other-k7p2qx-12", None),
            ("", None),
        ],
    )
    def test_a_reference_that_is_not_ours_names_no_product(
        self, reference: str, product_id: int | None
    ) -> None:
        assert product_id_of(reference) == product_id
