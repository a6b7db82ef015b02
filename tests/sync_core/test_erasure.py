"""Forgetting a person: when, what goes, what stays, and that nothing brings them back."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.consume import FactConsumer
from services.sync_core.log.erasures import Erasure, ErasureList
from services.sync_core.log.kept_messages import open_message
from services.sync_core.log.outbox import LogOutbox
from services.sync_core.log.parking import Parking
from services.sync_core.log.reapplying import reapply_erasures
from services.sync_core.log.verify import verify
from shared.contracts import CONTRACTS, Contract, Message
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.sealing import MasterKeys
from tests.sync_core.database import CoreDatabase
from tests.sync_core.replaying import compared
from tests.sync_core.searching import search
from tests.sync_core.seller import AT, RECIPIENT, Seller, content, opened, same
from tests.sync_core.test_consume import delivery
from tests.sync_core.test_outbox import offered

SUBJECT = "contact-77"
PERSON = (
    "Jurema Tavares Quintão",
    "52998224725",
    "jurema@example.com",
    "31988887777",
    "Rua dos Aimorés",
)


async def ask(log: EventLog, seller: Seller, subject: str = SUBJECT) -> None:
    """A person asks for the erasure."""
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([seller.human("account", core.ErasureRequested(subject=subject))])


async def tell(log: EventLog, *messages: Message) -> None:
    """Take facts as they come from the bus."""
    for message in messages:
        await FactConsumer(log, message.partition).take([delivery(message)])


def status(seller: Seller, order_id: int, status: str, sequence: int) -> Message:
    moved = hub.OrderStatusChanged(shipment=1, status=status, hub_sequence=sequence, happened_at=AT)
    return seller.fact(moved, f"order-{order_id}", source=hub.SOURCE)


async def started(log: EventLog, *, orders: int = 1) -> Seller:
    """Return a seller whose orders were sent to 360Hub."""
    seller = await opened(log)
    await tell(log, *(seller.observed(at, content=content()) for at in range(1, orders + 1)))
    await tell(log, seller.product_observed(), seller.product_imported())
    await offered(LogOutbox(log), seller)
    return seller


async def delivered(log: EventLog) -> Seller:
    """Return a seller whose order 360Hub has delivered."""
    seller = await started(log)
    await tell(log, status(seller, 1, "order_created", 1), status(seller, 1, "delivered", 2))
    return seller


async def logged(pool: Pool, seller: Seller, type_: str) -> list[Contract]:
    rows = await pool.fetch(
        "SELECT data FROM event_log WHERE account_id = $1 AND type = $2 ORDER BY position",
        seller.id,
        type_,
    )
    return [CONTRACTS[type_].model_validate_json(row["data"]) for row in rows]


async def answers(log: EventLog, pool: Pool, seller: Seller) -> None:
    """Both gateways tell that they forgot."""
    [*_, command] = await pool.fetch(
        "SELECT event_id FROM event_log WHERE account_id = $1 AND type = $2 ORDER BY position",
        seller.id,
        core.EraseSubject.TYPE,
    )
    told: dict[str, Any] = {"command_id": command["event_id"], "subject": SUBJECT, "erased": {}}
    ended = len(await logged(pool, seller, core.SubjectErased.TYPE))
    await tell(log, seller.fact(bling.SubjectErased(**told), "account"))
    assert len(await logged(pool, seller, core.SubjectErased.TYPE)) == ended, "one has not answered"
    await tell(log, seller.fact(hub.SubjectErased(**told), "account", source=hub.SOURCE))


async def account_state(pool: Pool, seller: Seller) -> dict[str, Any]:
    row = await pool.fetchrow("SELECT state FROM accounts WHERE account_id = $1", seller.id)
    assert row is not None
    state: dict[str, Any] = orjson.loads(row["state"])
    return state


async def key_of(pool: Pool, seller: Seller) -> asyncpg.Record | None:
    return await pool.fetchrow(
        "SELECT wrapped, erased_at FROM subject_key WHERE account_id = $1 AND subject = $2",
        seller.id,
        SUBJECT,
    )


async def people(pool: Pool, seller: Seller) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM person WHERE account_id = $1", seller.id)
    return count


async def test_a_person_is_forgotten_and_the_log_still_proves_itself(
    log: EventLog, pool: Pool, owner: Pool, core_database: CoreDatabase
) -> None:
    seller = await delivered(log)
    states = "SELECT order_id, state FROM orders WHERE account_id = $1 ORDER BY order_id"
    before = [bytes(row["state"]) for row in await pool.fetch(states, seller.id)]
    async with owner.acquire() as connection:
        assert {found.table for found in await search(connection, *PERSON)} == {
            '"sync_core"."person"'
        }

    await ask(log, seller)

    key = await key_of(pool, seller)
    assert key is not None
    assert key["wrapped"] is None
    assert key["erased_at"] == log.clock()
    assert await people(pool, seller) == 0
    [erase] = await logged(pool, seller, core.EraseSubject.TYPE)
    assert erase == core.EraseSubject(subject=SUBJECT, orders=(1,))
    assert await logged(pool, seller, core.SubjectErased.TYPE) == []
    await answers(log, pool, seller)
    [erased] = await logged(pool, seller, core.SubjectErased.TYPE)
    assert erased == core.SubjectErased(subject=SUBJECT, orders=(1,))
    assert (await account_state(pool, seller))["erasures"] == {}
    async with owner.acquire() as connection:
        assert await search(connection, *PERSON) == []
    assert [bytes(row["state"]) for row in await pool.fetch(states, seller.id)] == before
    assert await verify(pool, seller.id, lambda read: None) == []
    assert (await compared(pool, core_database.admin_url, seller.id)).differences == []


async def test_it_waits_for_shipments_under_way_and_goes_on_by_itself(
    log: EventLog, pool: Pool, core_database: CoreDatabase
) -> None:
    seller = await started(log, orders=2)

    await ask(log, seller)

    assert await logged(pool, seller, core.ErasureHeld.TYPE) == [
        core.ErasureHeld(subject=SUBJECT, orders=(1, 2))
    ]
    key = await key_of(pool, seller)
    assert key is not None
    assert key["wrapped"] is not None
    await tell(log, status(seller, 1, "delivered", 1))
    assert (await account_state(pool, seller))["erasures"][SUBJECT]["waits_for"] == [2]
    await tell(log, seller.observed(2, 12, content=content()))
    [cancel] = await logged(pool, seller, core.CancelOrder.TYPE)
    assert isinstance(cancel, core.CancelOrder)
    await tell(log, status(seller, 2, "cancelled", 1))
    key = await key_of(pool, seller)
    assert key is not None
    assert key["wrapped"] is None
    assert len(await logged(pool, seller, core.EraseSubject.TYPE)) == 1
    assert (await compared(pool, core_database.admin_url, seller.id)).differences == []


async def test_what_is_asked_twice_is_done_again_and_told_once_for_each(
    log: EventLog, pool: Pool
) -> None:
    """A gateway whose backup was restored forgets again when a person asks again."""
    seller = await delivered(log)
    await ask(log, seller)
    erased_at = await key_of(pool, seller)
    await answers(log, pool, seller)

    await ask(log, seller)

    await answers(log, pool, seller)
    assert await key_of(pool, seller) == erased_at
    assert len(await logged(pool, seller, core.SubjectErased.TYPE)) == 2


async def test_an_answer_to_an_earlier_request_ends_nothing(log: EventLog, pool: Pool) -> None:
    seller = await delivered(log)
    await ask(log, seller)
    told: dict[str, Any] = {"command_id": uuid4(), "subject": SUBJECT, "erased": {}}

    await tell(
        log,
        seller.fact(bling.SubjectErased(**told), "account"),
        seller.fact(hub.SubjectErased(**told), "account", source=hub.SOURCE),
    )

    assert await logged(pool, seller, core.SubjectErased.TYPE) == []


async def test_later_facts_do_not_bring_the_person_back(log: EventLog, pool: Pool) -> None:
    seller = await delivered(log)
    await ask(log, seller)

    await tell(log, seller.observed(1, content=content()), seller.observed(5, content=content()))

    assert await people(pool, seller) == 0
    sealed = await pool.fetch(
        "SELECT stream FROM event_log WHERE account_id = $1 AND personal IS NOT NULL", seller.id
    )
    assert [row["stream"] for row in sealed] == ["order-1"], "only what was sealed before"
    sent = [entry.message for entry in await offered(LogOutbox(log), seller)]
    assert RECIPIENT.name not in " ".join(message.encode().decode() for message in sent)


async def test_a_command_that_needs_the_person_is_not_sent(
    log: EventLog, pool: Pool, erasures: ErasureList
) -> None:
    seller = await opened(log)
    await tell(log, seller.observed(1, content=content()))
    await tell(log, seller.product_observed(), seller.product_imported())
    erasures.note([Erasure(seller.id, SUBJECT, AT)])
    assert await reapply_erasures(log) == 1

    sent = [entry.message.type for entry in await offered(LogOutbox(log), seller)]

    assert core.EraseSubject.TYPE in sent
    assert core.RegisterOrder.TYPE not in sent
    [withdrawn] = await logged(pool, seller, core.CommandWithdrawn.TYPE)
    assert isinstance(withdrawn, core.CommandWithdrawn)
    assert withdrawn.command_type == core.RegisterOrder.TYPE


async def test_a_subject_that_was_never_seen_leaves_a_tombstone(log: EventLog, pool: Pool) -> None:
    seller = await opened(log)

    await ask(log, seller)

    await tell(log, seller.observed(1, content=content()))
    assert await people(pool, seller) == 0


async def test_parked_and_held_messages_are_kept_without_the_person(
    log: EventLog, pool: Pool, master: MasterKeys
) -> None:
    seller = await delivered(log)
    parked = same(seller.observed(1, content=content()))
    unusable = same(parked, data={**parked.data, "observation": "many"})
    other = seller.observed(9, content=content(), subject="contact-78")
    missing, early = seller.observed(1, content=content()), seller.observed(1, content=content())
    await tell(log, unusable, same(other, data={**other.data, "observation": "many"}), early)
    assert missing.sequence < early.sequence

    await ask(log, seller)

    kept = await kept_messages(pool, seller, master)
    assert [RECIPIENT.name in text for text in kept] == [False, False, True]
    assert all("order-" in text for text in kept)
    await tell(log, missing)
    assert await Parking(log).release(seller.id, "order-1") == 0, "it is still of a wrong shape"
    assert await people(pool, seller) == 0


async def test_what_was_parked_before_the_gateway_had_answered_is_looked_through_again(
    log: EventLog, pool: Pool, master: MasterKeys
) -> None:
    seller = await delivered(log)
    await ask(log, seller)
    seen = seller.observed(1, content=content())
    await tell(log, same(seen, data={**seen.data, "observation": "many"}))
    assert [RECIPIENT.name in text for text in await kept_messages(pool, seller, master)] == [True]

    await answers(log, pool, seller)

    assert [RECIPIENT.name in text for text in await kept_messages(pool, seller, master)] == [False]


async def kept_messages(pool: Pool, seller: Seller, master: MasterKeys) -> list[str]:
    rows = await pool.fetch(
        "SELECT body, stream FROM parked_message WHERE account_id = $1"
        " UNION ALL SELECT body, '' FROM held_message WHERE account_id = $1 ORDER BY stream",
        seller.id,
    )
    return [open_message(master, seller.partition, row["body"]).decode() for row in rows]


async def test_a_message_that_nobody_can_read_is_emptied(
    log: EventLog, pool: Pool, master: MasterKeys
) -> None:
    seller = await delivered(log)
    body = seller.observed(1, content=content()).encode()[:-20]
    await FactConsumer(log, seller.partition).take([delivery(body)])

    await ask(log, seller)

    [row] = await pool.fetch(
        "SELECT body FROM parked_message WHERE account_id IS NULL AND partition = $1"
        " ORDER BY parked_at DESC LIMIT 1",
        seller.partition,
    )
    assert open_message(master, seller.partition, row["body"]) == b""


# --- the list outside the database


async def test_it_is_written_down_outside_before_the_key_is_gone(
    log: EventLog, pool: Pool, erasures: ErasureList, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = await delivered(log)

    def full(noted: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(erasures, "note", full)
        with pytest.raises(OSError, match="No space"):
            await ask(log, seller)
    key = await key_of(pool, seller)
    assert key is not None
    assert key["wrapped"] is not None
    assert await logged(pool, seller, core.ErasureRequested.TYPE) == []

    await ask(log, seller)

    assert [(each.account_id, each.subject) for each in erasures.read()] == [(seller.id, SUBJECT)]
    assert RECIPIENT.name not in erasures.path.read_text()


async def test_a_restored_backup_does_not_bring_anybody_back(
    log: EventLog, pool: Pool, owner: Pool
) -> None:
    seller = await delivered(log)
    [key] = await owner.fetch(
        "SELECT * FROM subject_key WHERE account_id = $1 AND subject = $2", seller.id, SUBJECT
    )
    [person] = await owner.fetch("SELECT * FROM person WHERE account_id = $1", seller.id)
    await ask(log, seller)
    await answers(log, pool, seller)
    assert await reapply_erasures(log) == 0
    await owner.execute(
        "UPDATE subject_key SET wrapped = $3, erased_at = NULL"
        " WHERE account_id = $1 AND subject = $2",
        seller.id,
        SUBJECT,
        key["wrapped"],
    )
    await owner.execute("INSERT INTO person SELECT ($1::person).*", person)

    assert await reapply_erasures(log) == 1

    gone = await key_of(pool, seller)
    assert gone is not None
    assert gone["wrapped"] is None
    assert await people(pool, seller) == 0
    assert len(await logged(pool, seller, core.EraseSubject.TYPE)) == 2, "the gateways forget again"
    assert await reapply_erasures(log) == 0
    assert await verify(pool, seller.id, lambda read: None) == []


def test_a_line_that_a_crash_cut_short_spoils_no_other(tmp_path: Path) -> None:
    erasures = ErasureList(tmp_path / "new" / "erasures.jsonl")
    assert list(erasures.read()) == []
    first, second = (Erasure(UUID(int=at), f"contact-{at}", AT) for at in (1, 2))
    erasures.note([first])
    with erasures.path.open("ab") as file:
        file.write(b'{"account_id":"0000')

    erasures.note([second, first])

    assert list(erasures.read()) == [first, second]
