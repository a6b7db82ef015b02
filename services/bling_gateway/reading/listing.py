"""Listing orders while they change, without missing one.

Bling's pages follow no documented order, and an order that leaves a list pulls another across the
border of a page that is about to be turned. So no page is turned where that can be avoided: a span
of time that does not fit on one page is halved until it does, and each page is one moment's truth.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from services.bling_gateway import wire
from services.bling_gateway.client import PAGE_SIZE

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


ListPage = Callable[[Span, int], Awaitable[list[wire.ListedOrder]]]
"""Lists one page of a span."""


async def piecewise(
    list_page: ListPage, whole: Span
) -> AsyncIterator[tuple[Span, list[wire.ListedOrder]]]:
    """List a span piece by piece, the oldest first: what changes meanwhile comes up again later."""
    waiting = [whole]
    while waiting:
        piece = waiting.pop()
        listed = await list_page(piece, 1)
        if len(listed) < PAGE_SIZE:
            yield piece, listed
        elif piece.can_be_halved:
            waiting += reversed(piece.halves())
        else:
            yield piece, await _page_by_page(list_page, piece)


async def _page_by_page(list_page: ListPage, piece: Span) -> list[wire.ListedOrder]:
    """Turn pages where a moment holds too many orders: again, until a pass finds no other ones."""
    found: dict[int, wire.ListedOrder] = {}
    for _ in range(_PASSES):
        known = len(found)
        page_number, is_full = 1, True
        while is_full:
            listed = await list_page(piece, page_number)
            found.update((order.id, order) for order in listed)
            page_number, is_full = page_number + 1, len(listed) >= PAGE_SIZE
        if len(found) == known:
            break
    return list(found.values())
