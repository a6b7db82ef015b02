"""Listing orders while they change, without missing one.

Bling's pages follow no documented order, and an order that leaves a list pulls another across the
border of a page that is about to be turned. So no page is turned where that can be avoided: a span
of time that does not fit on one page is halved until it does, and each page is one moment's truth.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.client import Page

_PASSES: Final = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A closed span of seconds, or of days, by their numbers."""

    first: int
    last: int

    @property
    def can_be_halved(self) -> bool:
        """Whether there is anything between its ends."""
        return self.last - self.first > 1

    def halves(self) -> "tuple[Span, Span]":
        """Return both halves; what lies between two whole seconds is in one of them."""
        middle = (self.first + self.last) // 2
        return Span(self.first, middle), Span(middle, self.last)


ListPage = Callable[[Span, int], Awaitable[Page[wire.ListedOrder]]]
"""Lists one page of a span."""


async def piecewise(
    list_page: ListPage, whole: Span
) -> AsyncIterator[tuple[Span, list[wire.ListedOrder]]]:
    """List a span piece by piece, the oldest first: what changes meanwhile comes up again later."""
    waiting = [whole]
    while waiting:
        piece = waiting.pop()
        page = await list_page(piece, 1)
        if not page.is_full:
            yield piece, page.entries
        elif piece.can_be_halved:
            waiting += reversed(piece.halves())
        else:
            yield piece, await _page_by_page(list_page, piece)


async def _page_by_page(list_page: ListPage, piece: Span) -> list[wire.ListedOrder]:
    """Turn pages where a moment holds too many orders: again, until a pass finds no other ones."""
    found: dict[int, wire.ListedOrder] = {}
    for _ in range(_PASSES):
        known = len(found)
        found |= await _pass(list_page, piece)
        if len(found) == known:
            break
    return list(found.values())


async def _pass(list_page: ListPage, piece: Span) -> dict[int, wire.ListedOrder]:
    """Turn pages until one is not full, or holds nothing new: then it is the last one again."""
    found: dict[int, wire.ListedOrder] = {}
    number, is_last = 0, False
    while not is_last:
        number += 1
        page = await list_page(piece, number)
        listed = {order.id: order for order in page.entries}
        is_last = not page.is_full or listed.keys() <= found.keys()
        found |= listed
    return found
