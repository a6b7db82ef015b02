"""What the relay is offered: in order, made ready to be sent, or withdrawn."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.facts import read_fact
from services.sync_core.log.outbox import LogOutbox
from shared.contracts import Message
from shared.contracts.account import Policies
from shared.contracts.content import FiscalDocument
from shared.contracts.sync_core import ImportProduct, PoliciesChanged, RegisterOrder
from shared.outbox import OutboxEntry
from tests.sync_core.clock import Clock
from tests.sync_core.seller import RECIPIENT, Seller, content, opened

ERASE = (
    "UPDATE subject_key SET wrapped = NULL, erased_at = now()"
    " WHERE account_id = $1 AND subject = 'contact-77'"
)


async def registered(log: EventLog, *, orders: int = 1) -> Seller:
    """Return a seller whose orders have everything that registering them needs."""
    seller = await opened(log)
    messages = [seller.observed(at, content=content()) for at in range(1, orders + 1)]
    messages += [seller.product_observed(), seller.product_imported()]
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(m.encode(), m.partition).incoming for m in messages])
    return seller


async def offered(outbox: LogOutbox, seller: Seller) -> list[OutboxEntry]:
    """Take everything that the seller's account has to send, as a relay would."""
    taken: list[OutboxEntry] = []
    while entries := await outbox.waiting(seller.partition, 500):
        taken += [entry for entry in entries if entry.account_id == seller.id]
        await outbox.published(seller.partition, entries)
    return taken


def only(entries: Sequence[OutboxEntry], type_: str) -> Message:
    (message,) = [entry.message for entry in entries if entry.message.type == type_]
    return message


async def test_the_content_travels_whole_although_it_was_logged_apart(log: EventLog) -> None:
    seller = await registered(log)

    entries = await offered(LogOutbox(log), seller)

    register = RegisterOrder.model_validate(only(entries, RegisterOrder.TYPE).data)
    assert register.content == content()
    assert register.content is not None
    assert register.content.recipient == RECIPIENT
    product = ImportProduct.model_validate(only(entries, ImportProduct.TYPE).data)
    assert product.content is not None
    assert product.content.name == "Caneca"


async def test_a_message_says_where_it_comes_from(log: EventLog, pool: Pool) -> None:
    seller = await registered(log)

    message = only(await offered(LogOutbox(log), seller), RegisterOrder.TYPE)

    row = await pool.fetchrow("SELECT * FROM event_log WHERE event_id = $1", message.id)
    assert row is not None
    assert (message.source, message.sequence) == ("/sync_core", row["position"])
    assert message.causationid == row["causation_id"]
    cause = "SELECT correlation_id FROM event_log WHERE event_id = $1"
    assert message.correlationid == await pool.fetchval(cause, row["causation_id"])


async def test_commands_go_to_gateways_and_decisions_to_anyone(log: EventLog) -> None:
    seller = await registered(log)

    entries = await offered(LogOutbox(log), seller)

    assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)
    for entry in entries:
        wanted = "events" if entry.message.type.startswith("sync.") else "commands"
        assert entry.exchange == wanted


async def test_without_the_key_nothing_is_sent_and_the_log_says_so(
    log: EventLog, pool: Pool, owner: Pool
) -> None:
    seller = await registered(log)
    await owner.execute(ERASE, seller.id)

    entries = await offered(LogOutbox(log), seller)

    assert RegisterOrder.TYPE not in [entry.message.type for entry in entries]
    rows = await pool.fetch(
        "SELECT stream, kind FROM event_log WHERE account_id = $1 AND type = 'command.withdrawn'",
        seller.id,
    )
    assert [(row["stream"], row["kind"]) for row in rows] == [("order-1", "decision")]
    left = "SELECT count(*) FROM outbox WHERE account_id = $1"
    assert await pool.fetchval(left, seller.id) == 0


async def test_a_key_that_does_not_fit_stops_its_own_account_only(
    log: EventLog, owner: Pool
) -> None:
    broken, well = await registered(log), await registered(log)
    while well.partition != broken.partition:
        well = await registered(log)
    await owner.execute(
        "UPDATE event_log SET personal = '\\x0102' WHERE account_id = $1 AND personal IS NOT NULL",
        broken.id,
    )

    entries = await LogOutbox(log).waiting(broken.partition, 500)

    types = {
        seller: [e.message.type for e in entries if e.account_id == seller.id]
        for seller in (broken, well)
    }
    assert RegisterOrder.TYPE in types[well]
    assert RegisterOrder.TYPE not in types[broken]


async def test_what_is_personal_opens_in_its_own_event_only(log: EventLog, owner: Pool) -> None:
    seller = await registered(log, orders=2)
    swap = (
        "UPDATE event_log AS one SET personal = other.personal FROM event_log AS other"
        " WHERE one.account_id = $1 AND other.account_id = $1 AND one.personal IS NOT NULL"
        " AND other.personal IS NOT NULL AND one.position <> other.position"
    )
    await owner.execute(swap, seller.id)

    entries = await _all(LogOutbox(log), seller, 500)

    assert RegisterOrder.TYPE not in [entry.message.type for entry in entries]


async def test_a_hole_in_one_log_stops_no_other(log: EventLog, owner: Pool, clock: Clock) -> None:
    broken = await registered(log)
    first = "SELECT min(position) FROM outbox WHERE account_id = $1"
    await owner.execute(
        f"DELETE FROM event_log WHERE account_id = $1 AND position = ({first})",  # noqa: S608
        broken.id,
    )
    outbox = LogOutbox(log)

    with capture_logs() as lines:
        for _ in range(3):
            assert await _all(outbox, broken, 500) == []
        clock.forward(2)
        assert await _all(outbox, broken, 500) == []

    told = [line for line in lines if line.get("account_id") == str(broken.id)]
    assert [line["action"] for line in told] == ["expansion_failed"] * 2


async def test_a_backlog_of_one_account_hides_no_other(log: EventLog) -> None:
    busy = await registered(log, orders=60)
    quiet = await registered(log)
    while quiet.partition != busy.partition:
        quiet = await registered(log)
    outbox = LogOutbox(log)

    seen = set()
    for _ in range(40):
        seen |= {entry.account_id for entry in await outbox.waiting(busy.partition, 30)}

    assert {busy.id, quiet.id} <= seen


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_entries_of_an_account_come_without_holes(log: EventLog, limit: int) -> None:
    seller = await registered(log, orders=12)
    outbox = LogOutbox(log)
    whole = [entry.position for entry in await _all(outbox, seller, 500)]

    assert await _positions(outbox, seller, limit) == whole


async def _all(outbox: LogOutbox, seller: Seller, limit: int) -> list[OutboxEntry]:
    entries = await outbox.waiting(seller.partition, limit)
    return [entry for entry in entries if entry.account_id == seller.id]


async def _positions(outbox: LogOutbox, seller: Seller, limit: int) -> list[int]:
    """Publish until the first twenty of the seller's entries are gone, by ``limit`` at a time."""
    positions: list[int] = []
    while len(positions) < 20:
        entries = await outbox.waiting(seller.partition, limit)
        positions += [entry.position for entry in entries if entry.account_id == seller.id]
        await outbox.published(seller.partition, entries)
    return positions[:20]


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("invoiced", [True, False])
async def test_a_declaration_travels_only_if_it_is_allowed_and_there_is_no_invoice(
    log: EventLog, allowed: bool, invoiced: bool
) -> None:
    """Which is in force when it is decided; the log holds no second copy of the content."""
    invoice = FiscalDocument(kind="nfe", access_key="1" * 44) if invoiced else None
    seller = await opened(log)
    chosen = PoliciesChanged(policies=Policies(content_declaration=allowed))
    whole = content().model_copy(update={"fiscal_document": invoice})
    messages = [seller.observed(1, content=whole)]
    messages += [seller.product_observed(), seller.product_imported()]
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([seller.human("account", chosen)])
        await writing.append([read_fact(m.encode(), m.partition).incoming for m in messages])

    register = only(await offered(LogOutbox(log), seller), RegisterOrder.TYPE)

    sent = RegisterOrder.model_validate(register.data).content
    declaration = FiscalDocument(kind="content_declaration") if allowed else None
    assert sent is not None
    assert sent.fiscal_document == (invoice or declaration)
    assert sent.recipient == RECIPIENT


async def test_a_declaration_never_takes_an_invoices_place(log: EventLog) -> None:
    """Orders that were folded before the rules noted invoices are taken for undocumented."""
    seller = await opened(log)
    invoice = FiscalDocument(kind="nfe", access_key="1" * 44)
    whole = content().model_copy(update={"fiscal_document": invoice})
    fact = seller.observed(1, content=whole)
    register = RegisterOrder(
        order_id=1,
        shipment=1,
        reference="r",
        version=9,
        content_event=fact.id,
        content_digest="d",
        product_references={},
        declares_content=True,
    )
    command = replace(seller.human("order-1", register), kind="command")
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([read_fact(fact.encode(), fact.partition).incoming, command])

    sent = only(await offered(LogOutbox(log), seller), RegisterOrder.TYPE)

    told = RegisterOrder.model_validate(sent.data).content
    assert told is not None
    assert told.fiscal_document == invoice
