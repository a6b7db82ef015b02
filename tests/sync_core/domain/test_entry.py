"""Entry: what the filter lets through, and imports that never start an order by themselves."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sync_core.domain.start import excluded_by
from shared.contracts import bling_gateway as bling
from shared.contracts import sync_core as core
from shared.contracts.account import Filter
from tests.sync_core.domain.core import CHECKED, OPEN, ORDER, START, Core
from tests.sync_core.domain.test_order_rules import observed

SERVICES = (
    bling.LogisticsService(
        id=1, name="SEDEX", aliases=("Sedex Hoje", "express"), logistics="Correios", enabled=True
    ),
    bling.LogisticsService(id=2, name="PAC", aliases=("express", "lento"), enabled=True),
)


class TestFilter:
    @pytest.mark.parametrize(
        ("chosen", "named", "passes"),
        [
            ("SEDEX", "sedex ", True),
            ("sedex", "Sedex hoje", True),
            ("SEDEX", "EXPRESS", True),
            ("express", "PAC", True),
            ("SEDEX", "PAC", False),
            ("SEDEX", "lento", False),  # an alias that two services share joins nothing more
            ("Motoboy", "MOTOBOY", True),
        ],
    )
    def test_a_service_goes_by_its_name_or_an_alias_in_any_case(
        self, chosen: str, named: str, passes: bool
    ) -> None:
        core_ = Core.live()
        core_.fact(bling.EntryOptionsObserved(stores=None, services=SERVICES), "account")
        core_.human("account", core.FilterChanged(filter=Filter(services=(chosen,))))
        core_.fact(observed(OPEN, services=(named,)))

        core_.fact(observed(START, services=(named,)))

        assert (core_.order.shipment is not None) == passes
        assert (excluded_by(core_.order, core_.account) is None) == passes

    def test_a_business_unit_lets_its_orders_through(self) -> None:
        core_ = Core.live()
        core_.human("account", core.FilterChanged(filter=Filter(business_units=(9,))))
        core_.fact(observed(OPEN, business_unit_id=9))

        core_.fact(observed(START, business_unit_id=9))

        assert core_.order.shipment is not None


class TestImport:
    @pytest.mark.parametrize("placed_on", [date(2026, 2, 1), date(2026, 3, 9)])
    def test_an_imported_order_waits_for_a_person_even_if_dated_after_go_live(
        self, placed_on: date
    ) -> None:
        core_ = Core.live()

        core_.fact(observed(START, trigger="import", placed_on=placed_on))
        core_.fact(observed(START, placed_on=placed_on))

        assert core_.order.reasons == {"awaiting_confirmation": ()}
        core_.human(ORDER, core.StartConfirmed())
        assert core_.order.shipment is not None

    def test_a_confirmed_order_must_pass_the_filter_all_the_same(self) -> None:
        core_ = Core.live()
        core_.human("account", core.FilterChanged(filter=Filter(stores=(1,))))
        core_.fact(observed(START, trigger="import"))

        core_.human(ORDER, core.StartConfirmed())

        assert core_.order.reasons == {"filtered": ("stores",)}

    def test_an_imported_order_that_takes_the_start_on_anew_starts(self) -> None:
        core_ = Core.live()
        core_.fact(observed(START, trigger="import"))

        core_.fact(observed(OPEN))
        core_.fact(observed(START))

        assert core_.order.shipment is not None

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from((OPEN, START, CHECKED)),
                st.sampled_from(("import", "import", "webhook", "reconcile")),
                st.sampled_from((None, OPEN, START)),
            ),
            max_size=6,
        )
    )
    def test_nothing_starts_because_it_was_imported(
        self, readings: list[tuple[int, str, int | None]]
    ) -> None:
        core_ = Core.live()

        for shown, trigger, named in readings:
            hinted = () if named is None else (bling.Hint(situation=named, at=core_.now),)
            core_.fact(observed(shown, trigger=trigger, hinted=hinted))

        by_id = {event.id: event.data for event in core_.log}
        for event in core_.log:
            if isinstance(event.data, core.OrderStarted) and event.causation_id:
                cause = by_id[event.causation_id]
                assert isinstance(cause, bling.OrderObserved)
                assert cause.trigger != "import"
