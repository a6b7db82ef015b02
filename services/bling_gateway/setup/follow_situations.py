"""The account's situações: reading them, telling what changed, reading them again in time."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, TypeVar

import structlog

from services.bling_gateway import tasks, wire
from services.bling_gateway.client import BlingClient, Caller, Clients
from services.bling_gateway.errors import NotFoundError, RefusedError
from services.bling_gateway.setup import roles
from services.bling_gateway.store import orders
from services.bling_gateway.store import situations as store
from services.bling_gateway.wire import BRASILIA
from shared.contracts import Contract, derived_id
from shared.contracts.bling_gateway import (
    Situation,
    SituationDefinition,
    SituationsObserved,
    SituationsRefused,
    Transition,
)
from shared.gateway.errors import TryAgain
from shared.gateway.facts import Facts
from shared.gateway.store import Connection, Pool
from shared.gateway.values import NewWork, Work
from shared.gateway.work import WorkQueue

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)

_LATELY: Final = timedelta(days=30)
_UNLISTED_EVERY: Final = timedelta(hours=1)
_ACCOUNTS_AT_ONCE: Final = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """A module's situações as Bling listed them."""

    module: int
    situations: tuple[SituationDefinition, ...]


class SituationLists:
    """Reads an account's situações, and tells of them."""

    def __init__(self, pool: Pool, facts: Facts) -> None:
        self._pool = pool
        self._facts = facts

    async def told(self, work: Work) -> store.Told:
        """Return what was told before."""
        async with self._pool.acquire() as conn:
            return await store.told(conn, work.account_id)

    async def look(
        self, client: BlingClient, work: Work, before: store.Told
    ) -> SituationsObserved | SituationsRefused:
        """Read the situações, or how Bling refuses that. Raises every other `BlingError`."""
        try:
            listed = await listed_by(client)
        except RefusedError as error:
            return refusal_to_read(error)
        return await self.observed(client, work, listed, before)

    async def observed(
        self, client: BlingClient, work: Work, listed: Listed, before: store.Told
    ) -> SituationsObserved:
        """Complete a list with what the account makes of it."""
        cast = roles.cast(before.wanted, listed.situations, before.roles)
        return SituationsObserved(
            situations=tuple(sorted(listed.situations, key=lambda each: each.id)),
            roles=cast.roles,
            unusable=cast.unusable,
            transitions=await _transitions(client, listed.module),
            seen_lately=await self._seen_lately(client, work, listed, before),
        )

    async def tell(
        self,
        conn: Connection,
        work: Work,
        before: store.Told,
        told: SituationsObserved | SituationsRefused,
    ) -> None:
        """Publish what was read, and remember it. Raises `TryAgain` if it is out of date."""
        if isinstance(told, SituationsObserved):
            number = await store.record_observed(conn, work.account_id, before, told, EVERY)
        else:
            number = await store.record_refused(conn, work.account_id, before, told, EVERY)
        if number is None:
            raise TryAgain(None, "the situações were told of while they were read")
        await self.publish(conn, work, told, purpose=f"situations|{number}")

    async def publish(self, conn: Connection, work: Work, fact: Contract, *, purpose: str) -> None:
        """Publish a fact about the account, whichever stream the work waited in."""
        await self._facts.publish_outcome(
            conn,
            replace(work, stream=tasks.ACCOUNT_STREAM),
            fact,
            fact_id=derived_id(work.account_id, "situations", purpose),
        )

    async def _seen_lately(
        self, client: BlingClient, work: Work, listed: Listed, before: store.Told
    ) -> tuple[Situation, ...]:
        async with self._pool.acquire() as conn:
            today = (await orders.now(conn)).astimezone(BRASILIA).date()
            noted = await store.unlisted(conn, work.account_id, _LATELY)
        ids = [situation.id for situation in listed.situations]
        held = await if_shown(_held_by_orders(client, today, ids), "orders")
        if held is None:
            return before.observed.seen_lately if before.observed else ()
        seen = {situation.id: situation.value for situation in noted} | held
        return tuple(Situation(id=id_, value=seen[id_]) for id_ in sorted(seen))


class SituationFollower:
    """Carries out ``follow_situations``: tells what changed since the situações were last told."""

    def __init__(self, clients: Clients, queue: WorkQueue, lists: SituationLists) -> None:
        self._clients = clients
        self._queue = queue
        self._lists = lists

    async def follow(self, work: Work) -> None:
        """Read the situações again, and tell of them if they are not what was told last."""
        before = await self._lists.told(work)
        client = self._clients(Caller(work.account_id, work.priority))
        now = await self._lists.look(client, work, before)
        async with self._queue.completing(work) as conn:
            if now != (before.refused or before.observed):
                await self._lists.tell(conn, work, before, now)


async def follow_unlisted(
    conn: Connection, queue: WorkQueue, work: Work, shown: Sequence[Situation]
) -> None:
    """Have the situações read again if an order showed one that is not among them."""
    if await store.note_unlisted(conn, work.account_id, shown, _UNLISTED_EVERY):
        await queue.enqueue(conn, tasks.follow_situations(work.account_id))


async def take_due(conn: Connection, partition: int) -> list[NewWork]:
    """Return the daily readings that are due in a partition."""
    due = await store.take_due_lists(conn, partition, every=EVERY, limit=_ACCOUNTS_AT_ONCE)
    return [tasks.follow_situations(account_id) for account_id in due]


async def listed_by(client: BlingClient) -> Listed:
    """List the situações of sales orders."""
    module = await client.sales_module()
    return Listed(module, tuple(definition(each) for each in await client.situations(module)))


def definition(situation: wire.SituationDefinition) -> SituationDefinition:
    """Translate an entry of the list."""
    return SituationDefinition(id=situation.id, name=situation.nome, inherits=situation.idHerdado)


def refusal_to_read(error: RefusedError) -> SituationsRefused:
    """Tell that the situações may not be read, in Bling's own words."""
    return SituationsRefused(action="read", code=error.code, message=error.message)


async def if_shown(reading: Awaitable[T], what: str) -> T | None:
    """Return what is read, or None if Bling does not show it to us."""
    try:
        return await reading
    except (RefusedError, NotFoundError) as error:
        log.warning(
            "Bling does not let us read", action="read_refused", what=what, error=str(error)
        )
        return None


async def _held_by_orders(
    client: BlingClient, today: date, listed: Sequence[int]
) -> dict[int, int | None]:
    """Find out which situações the orders of the last thirty days hold, with their classes.

    Each further page is asked for without what was seen already, so a few pages show all of them,
    however many orders there are.
    """
    seen: dict[int, int | None] = {}
    unseen: Sequence[int] = ()  # at first any: also such as are in no list
    while True:
        page = await client.orders_in(unseen, today - _LATELY, today, 1)
        held = [order.situacao for order in page.entries if order.situacao is not None]
        shown = {situation.id: situation.valor for situation in held}
        is_last = not page.is_full or shown.keys() <= seen.keys()
        seen |= shown
        unseen = [situation for situation in listed if situation not in seen]
        if is_last or not unseen:
            return seen


async def _transitions(client: BlingClient, module: int) -> tuple[Transition, ...] | None:
    """Read what moves by itself. None: Bling does not show it."""
    actions = await if_shown(client.actions(module), "actions")
    found = await if_shown(client.transitions(module), "transitions")
    if actions is None or found is None:
        return None
    names = {action.id: action.nome for action in actions}
    return tuple(_transition(each, names) for each in sorted(found, key=lambda each: each.id))


def _transition(found: wire.Transition, names: Mapping[int, str]) -> Transition:
    return Transition(
        id=found.id,
        active=found.ativo,
        origin=found.situacaoOrigem,
        destination=found.situacaoDestino,
        # An action without a name is one all the same: nobody must consent unknowingly.
        actions=tuple(names.get(action) or str(action) for action in found.acoes),
    )
