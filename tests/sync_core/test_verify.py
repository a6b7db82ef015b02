"""Whatever anybody changes of the log, of its heads or of its files shows, and where."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.sync_core.log.append import EventLog
from services.sync_core.log.archiving import Due, archive
from services.sync_core.log.chain import row_hash
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import COLUMNS, row_of
from services.sync_core.log.history import segments_of
from services.sync_core.log.parallel import verify_all
from services.sync_core.log.proving import Difference
from services.sync_core.log.verify import places, verify
from shared.sealing import MasterKeys
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase
from tests.sync_core.flipping import Cell, allow_anything, cells, flipped
from tests.sync_core.seller import NOBODY_ERASED, Seller
from tests.sync_core.test_outbox import registered


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=3)


def silent(read: int) -> None:
    """Show no progress."""


@pytest.mark.parametrize(
    "change",
    [
        "data = replace(data::text, '1042', '1043')::json",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "occurred_at = occurred_at - interval '1 day'",
        "actor = 'someone else'",
        "type = 'order.settled'",
        "kind = 'decision', source_sequence = NULL",
        "causation_id = gen_random_uuid()",
        "personal = '\\x00'",
        "rules_revision = 0",
        "source = '/hub_gateway'",
        "subject = 'contact-1'",
        "hash = sha256('x')",
    ],
)
async def test_a_tampered_row_shows(pool: Pool, owner: Pool, seller: Seller, change: str) -> None:
    position = await pool.fetchval(
        "SELECT position FROM event_log WHERE account_id = $1 AND personal IS NOT NULL"
        " ORDER BY position LIMIT 1",
        seller.id,
    )
    await owner.execute(
        f"UPDATE event_log SET {change} WHERE account_id = $1 AND position = $2",  # noqa: S608
        seller.id,
        position,
    )

    found = await verify(pool, seller.id, silent)

    assert f"position {position}" in {difference.where for difference in found}


async def test_a_row_that_was_rewritten_with_its_hash_shows_in_the_next(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    """Who knows how rows are hashed must still write every later row anew."""
    read = "SELECT * FROM event_log WHERE account_id = $1 AND position = $2"
    before = await pool.fetchrow(read, seller.id, 6)
    record = await pool.fetchrow(read, seller.id, 7)
    assert before is not None
    assert record is not None
    forged = replace(row_of(record), actor="nobody")
    await owner.execute(
        "UPDATE event_log SET actor = 'nobody', hash = $3 WHERE account_id = $1 AND position = $2",
        seller.id,
        7,
        row_hash(before["hash"], forged),
    )

    found = await verify(pool, seller.id, silent)

    assert [difference.where for difference in found] == ["position 8"]


async def test_a_removed_row_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute("DELETE FROM event_log WHERE account_id = $1 AND position = 7", seller.id)

    found = await verify(pool, seller.id, silent)

    assert (found[0].where, found[0].cause) == ("position 7", "is missing before 8")


async def test_a_shortened_log_shows(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "DELETE FROM event_log WHERE account_id = $1 AND position ="
        " (SELECT max(position) FROM event_log WHERE account_id = $1)",
        seller.id,
    )

    assert await verify(pool, seller.id, silent) == [
        Difference("head", "says position 25, the log ends with position 24"),
        Difference("outbox", "names position 25, the log ends with position 24"),
    ]


async def test_a_hole_shows_although_every_hash_fits(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    """As a writer's mistake would leave it, not somebody who tampers."""
    last = await pool.fetchrow(
        "SELECT * FROM event_log WHERE account_id = $1 ORDER BY position DESC LIMIT 1", seller.id
    )
    assert last is not None
    before = await pool.fetchval(
        "SELECT hash FROM event_log WHERE account_id = $1 AND position = $2 - 1",
        seller.id,
        last["position"],
    )
    moved = replace(row_of(last), position=last["position"] + 1)
    for table in ("event_log", "account_head"):
        await owner.execute(
            f"UPDATE {table} SET position = position + 1, hash = $3"  # noqa: S608
            " WHERE account_id = $1 AND position = $2",
            seller.id,
            last["position"],
            row_hash(before, moved),
        )

    (found,) = await verify(pool, seller.id, silent)

    assert found.where == f"position {last['position']}"
    assert found.cause == f"is missing before {last['position'] + 1}"


async def test_accounts_are_proved_by_all_cores_together(
    pool: Pool, owner: Pool, core_database: CoreDatabase, log: EventLog
) -> None:
    sellers = [await registered(log) for _ in range(3)]
    broken = "UPDATE event_log SET actor = 'x' WHERE account_id = $1 AND position = ANY ($2)"
    await owner.execute(broken, sellers[1].id, [5, 9])
    ids = [seller.id for seller in sellers]
    chosen = [place for place in await places(pool) if place.account_id in ids]
    read: list[int] = []

    verifications = await verify_all(
        pool, core_database.service_url, "sync_core", chosen, read.append
    )

    told = {
        verification.place.account_id: verification.differences for verification in verifications
    }
    assert [each.where for each in told[sellers[1].id]] == ["position 5"]
    assert [told[sellers[at].id] for at in (0, 2)] == [(), ()]
    assert sum(read) == sum(verification.position for verification in verifications)


# --- any bit

EVENTS: Final = ("event_log", ("account_id", "position"))
HEADS: Final = ("account_head", ("account_id",))
SEGMENTS: Final = ("archive_segment", ("account_id", "first_position"))
ARCHIVED: Final = ("archived_event", ("account_id", "position"))
MOVED: Final = 12


@pytest.fixture(scope="module")
async def laid_open(owner: Pool) -> None:
    await allow_anything(owner)


@pytest.fixture(scope="module")
async def exposed(pool: Pool, owner: Pool, laid_open: None, master: MasterKeys) -> Seller:
    return await registered(
        EventLog(pool, master, NOBODY_ERASED, clock=Clock(), logged=lambda p: None), orders=3
    )


@pytest.fixture(scope="module")
async def archived(
    pool: Pool,
    owner: Pool,
    laid_open: None,
    master: MasterKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Seller]:
    log = EventLog(pool, master, NOBODY_ERASED, clock=Clock(), logged=lambda p: None)
    seller = await registered(log, orders=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path_factory.mktemp("archive")))
        for after in (0, MOVED // 2):
            await archive(owner, Due(seller.id, after, after + MOVED // 2, None), silent)
        yield seller


async def test_an_archived_log_is_proved(pool: Pool, archived: Seller) -> None:
    read: list[int] = []

    assert await verify(pool, archived.id, read.append) == []
    assert sum(read) > MOVED


Cells = dict[tuple[str, str], list[Cell]]
"""(table, column) → that column of each row."""


async def cells_of(owner: Pool, seller: Seller, *tables: tuple[str, tuple[str, ...]]) -> Cells:
    found: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
    for table, key in tables:
        for cell in await cells(owner, table, key, "account_id = $1", seller.id):
            found[table, cell.column].append(cell)
    return dict(found)


@pytest.fixture(scope="module")
async def of_the_log(owner: Pool, exposed: Seller) -> Cells:
    found = await cells_of(owner, exposed, EVENTS, HEADS)
    assert {column for table, column in found if table == "event_log"} == {*COLUMNS, "hash"}
    return found


@pytest.fixture(scope="module")
async def of_files(owner: Pool, archived: Seller) -> Cells:
    return await cells_of(owner, archived, SEGMENTS, ARCHIVED)


def any_cell(data: st.DataObject, chosen: Cells) -> Cell:
    """Choose a column, then a row: every column is as likely as any other."""
    return data.draw(st.sampled_from(chosen[data.draw(st.sampled_from(sorted(chosen)))]))


async def must_show(
    pool: Pool, owner: Pool, seller: Seller, cell: Cell, data: st.DataObject, named: str
) -> None:
    bit = data.draw(st.integers(0, cell.bits - 1))
    async with flipped(owner, cell, bit) as changed:
        assume(changed)
        found = await verify(pool, seller.id, silent)

    told = [f"{each.where} {each.cause}" for each in found]
    assert any(re.search(rf"\b{named}\b", each) for each in told), told
    assert await verify(pool, seller.id, silent) == []


@given(st.data())
@settings(max_examples=100, deadline=None)
async def test_any_flipped_bit_of_any_event_or_head_shows_with_its_place(
    pool: Pool, owner: Pool, exposed: Seller, of_the_log: Cells, data: st.DataObject
) -> None:
    cell = any_cell(data, of_the_log)
    position = re.search(r"position = '(\d+)'", cell.row)

    await must_show(
        pool, owner, exposed, cell, data, f"position {position[1]}" if position else "head"
    )


async def test_the_first_and_last_bit_of_every_column_of_an_event_show(
    pool: Pool, owner: Pool, exposed: Seller, of_the_log: Cells
) -> None:
    """What chance may leave out for long: each column's edges."""
    for (table, column), found in sorted(of_the_log.items()):
        if table != "event_log":
            continue
        cell = found[len(found) // 2]
        for bit in {0, cell.bits - 1}:
            async with flipped(owner, cell, bit) as changed:
                told = await verify(pool, exposed.id, silent)
            assert told or not changed, (column, bit)


@given(st.data())
@settings(max_examples=50, deadline=None)
async def test_any_flipped_bit_of_what_is_noted_of_files_shows_with_its_place(
    pool: Pool, owner: Pool, archived: Seller, of_files: Cells, data: st.DataObject
) -> None:
    cell = any_cell(data, of_files)
    position = re.search(r"position = '(\d+)'", cell.row)
    assert position

    named = "(segment|position)" if cell.table == "archive_segment" else f"position {position[1]}"
    await must_show(pool, owner, archived, cell, data, named)


@given(st.data())
@settings(max_examples=50, deadline=None)
async def test_any_flipped_bit_of_a_file_shows_with_its_name(
    pool: Pool, archived: Seller, data: st.DataObject
) -> None:
    segment = data.draw(st.sampled_from(await segments_of(pool, archived.id)))
    content = segment.path.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    segment.path.write_bytes(changed)
    try:
        found = await verify(pool, archived.id, silent)
    finally:
        segment.path.write_bytes(content)

    assert str(segment) in {each.where for each in found}
