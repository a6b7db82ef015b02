"""Checkpoints: signed over all heads, kept, published everywhere, and any change of them shows."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.sync_core.checkpoints.checkpoint import NO_CHECKPOINT, read_checkpoint
from services.sync_core.checkpoints.inclusion import verify_inclusion
from services.sync_core.checkpoints.notary import Notary
from services.sync_core.checkpoints.note import Signer
from services.sync_core.checkpoints.publishing import AppendedFile, Bus, Place, PostedUrl, notes_in
from services.sync_core.checkpoints.signing import ShortenedLogError, sign_checkpoint
from services.sync_core.checkpoints.store import (
    Stored,
    checkpoints_after,
    inclusion_of,
    last_checkpoint,
)
from services.sync_core.checkpoints.verifying import stated_and_missing, verify_checkpoints
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.proving import Difference
from shared.bus import ExchangeName, NotConfirmed
from shared.contracts import Message
from shared.contracts.sync_core import CheckpointSigned
from tests.sync_core.api import take
from tests.sync_core.clock import Clock
from tests.sync_core.flipping import Cell, allow_anything, cells, flipped
from tests.sync_core.seller import Seller
from tests.sync_core.test_outbox import registered

SIGNER: Final = Signer("example.com/sync", bytes(range(32)))
KNOWN: Final = [SIGNER.verifier]
INTERVAL_S: Final = 600.0


def silent(read: int) -> None:
    """Show no progress."""


@pytest.fixture(autouse=True)
async def no_checkpoints(owner: Pool) -> None:
    """Begin each test with a log that nothing was ever signed of."""
    await owner.execute("TRUNCATE checkpoint, checkpoint_head, checkpoint_published")


async def signed(pool: Pool, clock: Clock, signer: Signer = SIGNER) -> Stored:
    stored = await sign_checkpoint(pool, signer, clock)
    assert stored is not None
    return stored


async def logged_more(log: EventLog, seller: Seller) -> None:
    await take(log, seller, seller.observed(9, 6))


async def test_checkpoints_state_all_heads_and_follow_each_other(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    sellers = [await registered(log) for _ in range(3)]
    first = (await signed(pool, clock)).checkpoint
    await logged_more(log, sellers[1])
    clock.forward(600)
    second = (await signed(pool, clock)).checkpoint

    heads = "SELECT count(*) AS accounts, sum(position)::bigint AS events FROM account_head"
    row = await pool.fetchrow(heads)
    assert row is not None
    assert (second.size, second.events) == (row["accounts"], row["events"])
    assert (first.number, second.number) == (1, 2)
    assert (first.previous, second.previous) == (NO_CHECKPOINT, first.digest)
    assert second.root != first.root
    assert await verify_checkpoints(pool, KNOWN, silent) == []


async def test_what_did_not_change_is_not_kept_again(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller, _ = await registered(log), await registered(log)
    await signed(pool, clock)
    await logged_more(log, seller)
    await signed(pool, clock)
    await signed(pool, clock)

    kept = "SELECT account_id FROM checkpoint_head WHERE checkpoint > 1"
    assert [row["account_id"] for row in await pool.fetch(kept)] == [seller.id]


async def test_an_account_is_proved_to_be_in_any_checkpoint(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller, late = await registered(log), Seller()
    heads = []
    for _ in range(3):
        query = "SELECT position, hash FROM account_head WHERE account_id = $1"
        heads.append(await pool.fetchrow(query, seller.id))
        await signed(pool, clock)
        await logged_more(log, seller)
        await registered(log)

    for stored, head in zip(await checkpoints_after(pool, 0, 9), heads, strict=True):
        proof = await inclusion_of(pool, seller.id, stored)
        assert proof is not None
        assert head is not None
        assert (proof.position, proof.hash) == (head["position"], head["hash"].hex())
        assert verify_inclusion(proof, KNOWN).number == stored.number
        assert await inclusion_of(pool, late.id, stored) is None


async def test_two_that_sign_at_once_make_one_checkpoint(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    await registered(log)

    made = await asyncio.gather(*(sign_checkpoint(pool, SIGNER, clock) for _ in range(5)))

    numbers = [stored.number for stored in made if stored]
    assert numbers == list(range(1, len(numbers) + 1))
    assert await verify_checkpoints(pool, KNOWN, silent) == []


async def test_nothing_is_signed_upon_a_log_that_was_shortened(
    log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> None:
    seller = await registered(log)
    await signed(pool, clock)
    back = "UPDATE account_head SET position = position + $2 WHERE account_id = $1"
    await owner.execute(back, seller.id, -1)
    try:
        with pytest.raises(ShortenedLogError, match=str(seller.id)):
            await sign_checkpoint(pool, SIGNER, clock)
        notary = Notary(pool, SIGNER, [], interval_s=INTERVAL_S, clock=clock)
        clock.forward(INTERVAL_S)
        with capture_logs() as logs:
            await notary.sign_if_due()
    finally:
        await owner.execute(back, seller.id, 1)
    assert [entry["action"] for entry in logs] == ["checkpoint_refused"]


async def test_after_a_rotation_old_checkpoints_are_believed_by_the_old_key(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    new = Signer(SIGNER.name, bytes(32))
    await signed(pool, clock)
    await signed(pool, clock, new)

    assert await verify_checkpoints(pool, [new.verifier, *KNOWN], silent) == []
    (unknown,) = await verify_checkpoints(pool, [new.verifier], silent)
    assert (unknown.where, unknown.cause) == ("checkpoint 1", "none of the known keys signed it")


async def test_the_notary_signs_at_the_interval(log: EventLog, pool: Pool, clock: Clock) -> None:
    notary = Notary(pool, SIGNER, [], interval_s=INTERVAL_S, clock=clock)
    for _ in range(3):
        await notary.sign_if_due()
        clock.forward(INTERVAL_S / 2)

    numbers = [stored.number for stored in await checkpoints_after(pool, 0, 9)]
    assert numbers == [1, 2]


# --- publishing


class KeptBus:
    """A bus that keeps what is published, and can be down."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.down = False

    async def publish(self, exchange: ExchangeName, message: Message) -> None:
        if self.down:
            raise NotConfirmed("down")
        assert exchange == "events"
        self.messages.append(message)


async def test_every_place_gets_every_checkpoint_in_order_whatever_fails_meanwhile(
    pool: Pool, clock: Clock, tmp_path: Path
) -> None:
    bus, path = KeptBus(), tmp_path / "checkpoints.txt"
    places: list[Place] = [Bus(bus), AppendedFile(path)]
    notary = Notary(pool, SIGNER, places, interval_s=INTERVAL_S, clock=clock)
    notes = [(await signed(pool, clock)).note]
    await notary.publish()
    bus.down = True
    with capture_logs() as logs:
        for _ in range(2):
            notes.append((await signed(pool, clock)).note)
            await notary.publish()
    assert [entry["place"] for entry in logs] == ["bus"]
    assert len(bus.messages) == 1
    assert list(notes_in(path)) == notes

    bus.down = False
    clock.forward(5)
    await notary.publish()
    await notary.publish()

    data = [CheckpointSigned.model_validate(message.data) for message in bus.messages]
    assert [each.note for each in data] == notes
    assert [message.sequence for message in bus.messages] == [1, 2, 3]
    assert len({message.id for message in bus.messages}) == 3
    assert list(notes_in(path)) == notes


async def test_a_torn_write_spoils_nothing_that_follows(tmp_path: Path, pool: Pool) -> None:
    path = tmp_path / "checkpoints.txt"
    notes = [SIGNER.sign(f"example.com/sync\n{size}\nroot\n") for size in range(3)]
    file = AppendedFile(path)
    await file.publish(Stored(1, notes[0]))
    for cut in (5, len(notes[1]) - 2):
        with path.open("a") as torn:
            torn.write(notes[1][:cut])
        await file.publish(Stored(3, notes[2]))

    found = [note for note in notes_in(path) if note in notes]
    assert found == [notes[0], notes[2], notes[2]]


@pytest.fixture
async def witness() -> AsyncIterator[tuple[str, list[str], list[int]]]:
    """An address that keeps what is posted, and answers with the statuses that it is given."""
    kept: list[str] = []
    statuses = [503, 200, 200]

    async def keep(request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"
        status = statuses.pop(0)
        if status == 200:
            kept.append(await request.text())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/checkpoints", keep)
    async with TestServer(app) as server:
        yield str(server.make_url("/checkpoints")), kept, statuses


async def test_an_address_that_refuses_is_asked_again(
    pool: Pool, clock: Clock, witness: tuple[str, list[str], list[int]]
) -> None:
    url, kept, _ = witness
    notary = Notary(pool, SIGNER, [PostedUrl(url)], interval_s=INTERVAL_S, clock=clock)
    notes = [(await signed(pool, clock)).note, (await signed(pool, clock)).note]

    await notary.publish()
    assert kept == []
    clock.forward(5)
    await notary.publish()

    assert kept == notes


# --- any bit

TABLES: Final = (
    ("checkpoint", ("number",)),
    ("checkpoint_head", ("account_id", "checkpoint")),
)


@pytest.fixture(scope="module")
async def laid_open(owner: Pool) -> None:
    await allow_anything(owner)


@pytest.fixture
async def exposed(
    laid_open: None, log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> dict[tuple[str, str], list[Cell]]:
    """Every column of four checkpoints over some accounts that change in between."""
    sellers = [await registered(log) for _ in range(2)]
    for seller in (sellers[0], sellers[1], sellers[0], None):
        await signed(pool, clock)
        if seller:
            await logged_more(log, seller)
    found: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
    for table, key in TABLES:
        for cell in await cells(owner, table, key, "true"):
            found[table, cell.column].append(cell)
    assert len(found) == 7
    return dict(found)


async def proved(pool: Pool) -> list[Difference]:
    """Prove the checkpoints by themselves, and what they state of every account."""
    found = await verify_checkpoints(pool, KNOWN, silent)
    for missing in (await stated_and_missing(pool, None)).values():
        found += missing
    return found


@given(st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_flipped_bit_of_any_checkpoint_shows_with_its_number(
    pool: Pool, owner: Pool, exposed: dict[tuple[str, str], list[Cell]], data: st.DataObject
) -> None:
    cell = data.draw(st.sampled_from(exposed[data.draw(st.sampled_from(sorted(exposed)))]))
    bit = data.draw(st.integers(0, cell.bits - 1))
    named = re.search(r"(?:number|checkpoint) = '(\d+)'", cell.row)
    assert named
    number = int(named[1])
    # A head that is moved to another checkpoint is one too many there, or one too few here.
    places = {number, number ^ 1 << bit} if cell.column == "checkpoint" else {number}

    async with flipped(owner, cell, bit) as changed:
        assume(changed)
        found = await proved(pool)

    assert {f"checkpoint {each}" for each in places} & {each.where for each in found}, found
    assert await proved(pool) == []


async def test_a_removed_checkpoint_shows(pool: Pool, owner: Pool, clock: Clock) -> None:
    for _ in range(3):
        await signed(pool, clock)
    await Notary(pool, SIGNER, [Bus(KeptBus())], interval_s=1, clock=clock).publish()

    await owner.execute("DELETE FROM checkpoint WHERE number = 3")
    (last,) = await proved(pool)
    assert (last.where, last.cause) == ("checkpoint 3", "was published, and is missing")
    await owner.execute("DELETE FROM checkpoint WHERE number = 1")
    found = await proved(pool)
    assert (found[0].where, found[0].cause) == ("checkpoint 1", "is missing before 2")


async def test_who_holds_the_key_cannot_replace_a_checkpoint_unseen(
    pool: Pool, owner: Pool, clock: Clock
) -> None:
    first = (await signed(pool, clock)).checkpoint
    await signed(pool, clock)
    again = SIGNER.sign(replace(first, at=first.at + timedelta(seconds=1)).text)
    await owner.execute("UPDATE checkpoint SET note = $1 WHERE number = 1", again)

    (found,) = await proved(pool)

    told = "does not name the checkpoint before it"
    assert (found.where, found.cause) == ("checkpoint 2", told)


async def test_who_rewrites_log_and_heads_without_the_key_is_contradicted_by_the_root(
    log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> None:
    seller = await registered(log)
    await signed(pool, clock)
    read = "SELECT position FROM account_head WHERE account_id = $1"
    position = await pool.fetchval(read, seller.id)
    forge = "UPDATE {} SET hash = sha256('x') WHERE account_id = $1 AND position = $2"
    for table in ("event_log", "account_head", "checkpoint_head"):
        await owner.execute(forge.format(table), seller.id, position)

    (found,) = await proved(pool)

    assert (found.where, found.cause[:8]) == ("checkpoint 1", "its root")


async def test_what_is_rewritten_with_the_right_hashes_shows_against_a_checkpoint(
    log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> None:
    """Who rewrites a whole chain is contradicted by what was signed before."""
    seller = await registered(log)
    await signed(pool, clock)
    read = "SELECT position FROM account_head WHERE account_id = $1"
    position = await pool.fetchval(read, seller.id)
    forge = "UPDATE {} SET hash = sha256('x') WHERE account_id = $1 AND position = $2"
    for table in ("event_log", "account_head"):
        await owner.execute(forge.format(table), seller.id, position)

    found = await proved(pool)

    told = f"states position {position} of account {seller.id}"
    assert [each.where for each in found] == ["checkpoint 1"]
    assert found[0].cause.startswith(told)
    last = await last_checkpoint(pool)
    assert last is not None
    assert read_checkpoint(last.note, KNOWN).number == 1
