"""Listing a changing set piece by piece."""

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway import wire
from services.bling_gateway.client import PAGE_SIZE, Page
from services.bling_gateway.reading.listing import Span, piecewise

WHOLE = Span(0, 10_000)


def order(id_: int) -> wire.ListedOrder:
    return wire.ListedOrder.model_validate({"id": id_, "total": 1, "situacao": {"id": 15}})


class Changing:
    """Orders by when each changed last. Before each answer somebody changes some of them."""

    def __init__(
        self, changed: dict[int, int], meanwhile: Callable[[dict[int, int]], None]
    ) -> None:
        self.changed = changed
        self._meanwhile = meanwhile

    async def page(self, span: Span, number: int) -> Page[wire.ListedOrder]:
        self._meanwhile(self.changed)
        within = sorted(
            (at, id_) for id_, at in self.changed.items() if span.first <= at <= span.last
        )
        page = [order(id_) for _, id_ in within[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]]
        return Page(page, is_full=len(page) == PAGE_SIZE)


def listed(orders: Changing, whole: Span = WHOLE) -> set[int]:
    async def collect() -> set[int]:
        return {each.id async for _, page in piecewise(orders.page, whole) for each in page}

    return asyncio.run(collect())


@given(
    count=st.integers(1, 600),
    spread=st.integers(1, 5000),
    picks=st.lists(st.integers(0, 599), max_size=40),
)
def test_no_order_is_missed_though_others_change_while_it_is_listed(
    count: int, spread: int, picks: list[int]
) -> None:
    """Whoever changes leaves its place in the list, and all after it move up."""
    left, now = list(picks), 5001

    def somebody_changes_an_order(changed: dict[int, int]) -> None:
        nonlocal now
        if left:
            changed[left.pop() % count] = now
            now += 1

    moments = {id_: id_ * 7919 % spread for id_ in range(count)}

    assert listed(Changing(moments, somebody_changes_an_order)) == set(range(count))


@given(count=st.integers(0, 450))
def test_a_moment_with_more_orders_than_a_page_is_listed_wholly(count: int) -> None:
    """A seller who imports many orders changes them all within one second."""
    orders = Changing(dict.fromkeys(range(count), 77), lambda changed: None)

    assert listed(orders) == set(range(count))


def test_pages_that_do_not_end_are_not_turned_for_ever() -> None:
    async def first_page_always(_span: Span, number: int) -> Page[wire.ListedOrder]:
        assert number < 9
        return Page([order(id_) for id_ in range(PAGE_SIZE)], is_full=True)

    async def collect() -> list[int]:
        pieces = [page async for _, page in piecewise(first_page_always, Span(77, 78))]
        return [each.id for page in pieces for each in page]

    assert asyncio.run(collect()) == list(range(PAGE_SIZE))


def test_pages_are_turned_again_when_an_order_slipped_across_a_border() -> None:
    """The first order is gone when the second page is asked for: the 101st is on the first now."""
    asked = 0

    def first_order_leaves_after_a_page(changed: dict[int, int]) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            changed[0] = 9000

    orders = Changing(dict.fromkeys(range(150), 77), first_order_leaves_after_a_page)

    assert listed(orders, Span(77, 78)) == set(range(150))
