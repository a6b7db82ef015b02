"""The states that one batch works on: read once, folded in memory, written once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.sync_core.domain import (
    ACCOUNT,
    AccountState,
    Event,
    OrderState,
    ProductState,
    State,
    UnknownStreamError,
    evolve,
    initial,
)
from services.sync_core.log import sql
from services.sync_core.log.connection import Connection
from services.sync_core.log.events import mark_of
from shared.contracts import canonical


class Key(NamedTuple):
    """A stream of an account."""

    account_id: UUID
    stream: str


class Wait(NamedTuple):
    """A product that an order waits for, and what of it: its ``import`` or its ``approval``."""

    product_id: int
    waits_for: Literal["import", "approval"]


@dataclass(slots=True)
class Held:
    """One state in work, and what it waited for when it was loaded.

    ``version`` counts the events that were folded into it; ``digest`` is their marks' exclusive or.
    """

    state: State
    version: int = 0
    digest: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    waited: frozenset[Wait] = frozenset()


LOADS: Final[tuple[tuple[type[State], str], ...]] = (
    (AccountState, sql.LOAD_ACCOUNTS),
    (OrderState, sql.LOAD_ORDERS),
    (ProductState, sql.LOAD_PRODUCTS),
)
"""How the states of each kind of stream are read."""


def initial_of(stream: str) -> State:
    """Return the state of a stream without history, if its name is the one we write.

    Raises ``UnknownStreamError``: a second spelling of a number would be a second stream.
    """
    state = initial(stream)
    if stream != stream_of(state):
        raise UnknownStreamError(stream)
    return state


def stream_of(state: State) -> str:
    """Return the name of the stream whose fold the state is."""
    return ACCOUNT if isinstance(state, AccountState) else state.stream


def folded(state: State, event: Event) -> State:
    """Return the state after one event of its stream, whichever kind it is."""
    match state:
        case OrderState():
            return evolve(state, event)
        case ProductState():
            return evolve(state, event)
        case AccountState():
            return evolve(state, event)


def text_of(state: State) -> bytes:
    """Return the state's canonical bytes: what is stored, and what a replay must give again."""
    return canonical(state.model_dump(mode="json"))


@dataclass
class States:
    """The states of one partition's streams that a batch has touched or looked at."""

    connection: Connection
    partition: int
    _held: dict[Key, Held] = field(default_factory=dict)
    _waiting_known: set[Key] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, key: Key) -> State:
        return self._held[key].state

    def account(self, account_id: UUID) -> AccountState:
        """Return what is in force in the account."""
        state = self[Key(account_id, ACCOUNT)]
        if not isinstance(state, AccountState):
            raise TypeError(state)
        return state

    def version(self, key: Key) -> int:
        """Return how many events the stream has."""
        return self._held[key].version

    def fold(self, key: Key, event: Event) -> None:
        """Fold the next event of the stream into its state."""
        held = self._held[key]
        held.state = folded(held.state, event)
        held.version += 1
        held.digest ^= mark_of(event.id)
        held.created_at = held.created_at or event.recorded_at
        held.updated_at = event.recorded_at

    def begin(self, keys: Iterable[Key]) -> None:
        """Take streams without history as they are, without looking for them."""
        for key in keys:
            self._held[key] = Held(initial_of(key.stream))

    async def load(self, keys: Iterable[Key]) -> None:
        """Read the states that are not here yet; a stream without history starts empty."""
        wanted = {key: initial_of(key.stream) for key in keys if key not in self._held}
        for kind, query in LOADS:
            asked = {
                (key.account_id, number_of(state)): key
                for key, state in wanted.items()
                if isinstance(state, kind)
            }
            if asked:
                await self._load(kind, query, asked)

    async def _load(
        self, kind: type[State], query: str, asked: Mapping[tuple[UUID, int], Key]
    ) -> None:
        accounts, ids = zip(*asked, strict=True)
        self.begin(asked.values())
        for row in await self.connection.fetch(query, self.partition, accounts, ids):
            state = kind.model_validate_json(row["state"])
            self._held[asked[row["account_id"], row["id"]]] = Held(
                state,
                row["version"],
                row["digest"],
                row["created_at"],
                waited=waits_of(state),
            )

    async def load_waiting(self, products: Collection[Key]) -> None:
        """Read the orders that wait for the import of these products."""
        asked = [key for key in products if key not in self._waiting_known]
        if not asked:
            return
        self._waiting_known.update(asked)
        accounts = [key.account_id for key in asked]
        ids = [number_of(initial_of(key.stream)) for key in asked]
        rows = await self.connection.fetch(sql.ORDERS_WAITING, self.partition, accounts, ids)
        await self.load(Key(row["account_id"], f"order-{row['order_id']}") for row in rows)

    def waiting(self, account_id: UUID, product: ProductState) -> dict[int, OrderState]:
        """Return the orders that wait for the product's import now (see :meth:`load_waiting`)."""
        return {
            held.state.order_id: held.state
            for key, held in self._held.items()
            if key.account_id == account_id
            and isinstance(held.state, OrderState)
            and product.product_id in held.state.waits_for
        }

    async def load_of_subject(self, account_id: UUID, subject: str) -> None:
        """Read the orders whose personal data is this subject's."""
        place = (self.partition, account_id, subject)
        rows = await self.connection.fetch(sql.ORDERS_OF_SUBJECT, *place)
        await self.load(Key(account_id, f"order-{row['order_id']}") for row in rows)

    def of_subject(self, account_id: UUID, subject: str) -> dict[int, OrderState]:
        """Return the subject's orders as they are now (see :meth:`load_of_subject`)."""
        return {
            held.state.order_id: held.state
            for key, held in self._held.items()
            if key.account_id == account_id
            and isinstance(held.state, OrderState)
            and held.state.data_subject == subject
        }

    def changed(self) -> dict[Key, Held]:
        """Return the states that were folded into."""
        return {key: held for key, held in self._held.items() if held.updated_at is not None}


def number_of(state: State) -> int:
    """Return Bling's id of what the state is about; an account has one stream, numbered 0."""
    match state:
        case OrderState(order_id=number) | ProductState(product_id=number):
            return number
        case AccountState():
            return 0


def waits_of(state: State) -> frozenset[Wait]:
    """Return which products an order waits for; nothing else waits for any."""
    if not isinstance(state, OrderState):
        return frozenset()
    imports = {Wait(product_id, "import") for product_id in state.waits_for}
    approvals = {Wait(product_id, "approval") for product_id in state.waits_for_approval}
    return frozenset(imports | approvals)
