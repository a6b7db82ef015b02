"""Old history lies in files, and nobody who reads the log can tell."""

import asyncio
import base64
import contextlib
import gzip
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.sync_core.audit.commands.archive import owning
from services.sync_core.audit.timeline import find_order, timeline
from services.sync_core.certificate.check import check
from services.sync_core.checking.check import check as run_checks
from services.sync_core.log import archiving, segments
from services.sync_core.log import history as reading
from services.sync_core.log.append import EventLog
from services.sync_core.log.archiving import LARGEST, Due, archive, bring_back, due
from services.sync_core.log.connection import Pool
from services.sync_core.log.events import Logged
from services.sync_core.log.history import (
    GapError,
    events_at,
    events_by_id,
    history,
    segments_of,
)
from services.sync_core.log.outbox import LogOutbox
from services.sync_core.log.segments import ArchiveError
from services.sync_core.log.verify import verify
from services.sync_core.replay import shadow_tables
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts.sync_core import RegisterOrder
from shared.database import NotAloneError
from tests.sync_core.api import Api, take
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase
from tests.sync_core.replaying import compared
from tests.sync_core.seller import AT, DONE, OPEN, Seller, content
from tests.sync_core.test_outbox import offered, only, registered
from tests.sync_core.test_service import run


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=3)


def silent(read: int) -> None:
    """Show no progress."""


async def read(pool: Pool, account_id: UUID, after: int = 0) -> list[Logged]:
    return [each async for page in history(pool, account_id, after=after) for each in page]


async def moved(owner: Pool, seller: Seller, upto: int, after: int = 0) -> None:
    """Archive these positions, as if all had been sent."""
    await owner.execute("DELETE FROM outbox WHERE account_id = $1", seller.id)
    await archive(owner, Due(seller.id, after, upto, None), silent)


async def test_history_reads_the_same_from_files(pool: Pool, owner: Pool, seller: Seller) -> None:
    before = await read(pool, seller.id)
    await moved(owner, seller, 7)
    await moved(owner, seller, 12, after=7)

    assert await read(pool, seller.id) == before
    assert await read(pool, seller.id, after=3) == before[3:]
    assert await read(pool, seller.id, after=11) == before[11:]
    some = [e async for p in history(pool, seller.id, after=5, upto=9) for e in p]
    assert some == before[5:9]
    live = await pool.fetchval(
        "SELECT min(position) FROM event_log WHERE account_id = $1", seller.id
    )
    assert live == 13


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_part_of_history_reads_the_same_from_files_and_table(
    in_part: tuple[Seller, list[Logged]], pool: Pool, data: st.DataObject
) -> None:
    """Whatever the pages, files and ends."""
    seller, before = in_part
    after = data.draw(st.integers(0, len(before)))
    upto = data.draw(st.none() | st.integers(after, len(before)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_PAGE", data.draw(st.integers(1, 9)))
        pages = [page async for page in history(pool, seller.id, after=after, upto=upto)]

    assert [logged for page in pages for logged in page] == before[after:upto]
    assert all(pages)


@pytest.fixture
async def in_part(log: EventLog, pool: Pool, owner: Pool) -> tuple[Seller, list[Logged]]:
    """An account whose history is in two files and in the table, and all of it."""
    seller = await registered(log, orders=3)
    before = await read(pool, seller.id)
    await moved(owner, seller, 7)
    await moved(owner, seller, 12, after=7)
    return seller, before


async def test_single_events_are_found_wherever_they_are(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    before = await read(pool, seller.id)
    await moved(owner, seller, 10)

    places = [(seller.id, position) for position in (2, 9, 11)]
    found = await events_at(pool, seller.partition, [*places, (seller.id, 999), (uuid4(), 1)])
    assert found == {place: before[place[1] - 1] for place in places}
    ids = {(seller.id, before[at].row.event_id) for at in (1, 12)}
    by_id = await events_by_id(pool, seller.partition, ids | {(seller.id, uuid4())})
    assert {each.row.position for each in by_id} == {2, 13}


async def test_the_view_says_of_every_event_what_the_log_does(
    log: EventLog, pool: Pool, owner: Pool
) -> None:
    """Where it is, and whether it goes on the bus."""
    seller = await finished(log)
    await take(log, seller, seller.observed(2, content=content()))
    events = [each.row for each in await read(pool, seller.id)]
    said = [(row.position, row.event_id, row.stream, row.sent) for row in events]
    query = (
        "SELECT position, event_id, stream, sent FROM logged_event WHERE account_id = $1"
        " ORDER BY position"
    )
    assert {(row.kind, row.sent) for row in events} >= {
        ("fact", False),
        ("human", False),
        ("command", True),
        ("decision", True),
    }

    assert [tuple(row) for row in await pool.fetch(query, seller.id)] == said
    await moved(owner, seller, 15)
    assert [tuple(row) for row in await pool.fetch(query, seller.id)] == said


async def test_everything_comes_back(pool: Pool, owner: Pool, seller: Seller) -> None:
    before = await read(pool, seller.id)
    await moved(owner, seller, 7)
    await moved(owner, seller, 12, after=7)

    assert await bring_back(owner, seller.id, silent) == 12

    assert await read(pool, seller.id) == before
    assert await segments_of(pool, seller.id) == []
    count = "SELECT count(*) FROM event_log WHERE account_id = $1"
    assert await pool.fetchval(count, seller.id) == len(before)


async def delivered(log: EventLog, seller: Seller, order_id: int) -> None:
    """Bring an order to its end: delivered, and shown so on both sides."""
    stream = f"order-{order_id}"
    at: Any = {"shipment": 1, "happened_at": AT}
    done = hub.OrderStatusChanged(hub_sequence=order_id + 5, status="delivered", **at)
    await take(log, seller, seller.fact(done, stream, source=hub.SOURCE))
    command_id = await log.pool.fetchval(
        "SELECT event_id FROM event_log WHERE account_id = $1 AND stream = $2"
        " AND type = 'bling.set_situation'",
        seller.id,
        stream,
    )
    written = bling.SituationSet(
        order_id=order_id,
        command_id=command_id,
        target=DONE,
        shown=bling.Situation(id=DONE, value=1),
        outcome="written",
        read_at=AT,
        written_at=AT,
    )
    await take(log, seller, seller.fact(written, stream))


async def finished(log: EventLog) -> Seller:
    """Return a seller with an order that is over and nothing left to be sent."""
    seller = await registered(log)
    await delivered(log, seller, 1)
    await offered(LogOutbox(log), seller)
    return seller


# --- what may be moved


async def test_what_is_older_and_closed_may_be_moved(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller = await finished(log)
    old = len(await read(pool, seller.id))
    clock.forward(60)
    await take(log, seller, seller.observed(8, OPEN, content=content()))

    found = await due(pool, seller.id, clock() - timedelta(seconds=30))

    assert found == Due(seller.id, 0, old, None)
    assert (await due(pool, seller.id, clock() - timedelta(days=1))).events == 0


async def test_an_open_order_holds_back_what_is_newer(
    log: EventLog, pool: Pool, clock: Clock
) -> None:
    seller = await finished(log)
    old = len(await read(pool, seller.id))
    await take(log, seller, seller.observed(2, content=content()))
    await offered(LogOutbox(log), seller)

    found = await due(pool, seller.id, clock() + timedelta(days=1))

    assert found == Due(seller.id, 0, old, "order-2")


async def test_what_is_not_sent_yet_is_not_moved(log: EventLog, pool: Pool, clock: Clock) -> None:
    seller = await registered(log)
    await delivered(log, seller, 1)
    first = await pool.fetchval("SELECT min(position) FROM outbox WHERE account_id = $1", seller.id)

    found = await due(pool, seller.id, clock() + timedelta(days=1))

    assert found == Due(seller.id, 0, first - 1, "outbox")


def test_files_are_of_a_bounded_size_and_small_rests_wait() -> None:
    found = Due(uuid4(), 5, 5 + 2 * LARGEST + 7, None)

    assert found.runs(1) == [
        (6, 5 + LARGEST),
        (6 + LARGEST, 5 + 2 * LARGEST),
        (6 + 2 * LARGEST, 12 + 2 * LARGEST),
    ]
    assert found.runs(8) == found.runs(1)[:2]
    assert Due(uuid4(), 5, 3, "order-1").runs(1) == []


# --- what reads the log does not notice


async def test_an_archived_life_is_told_proved_and_checked_as_before(
    core_database: CoreDatabase, log: EventLog, pool: Pool, owner: Pool, clock: Clock
) -> None:
    seller = await finished(log)
    told_order = await find_order(pool, seller.id, 1)
    assert told_order is not None
    story = await timeline(pool, told_order, limit=200)
    before = await read(pool, seller.id)

    await moved(owner, seller, (await due(pool, seller.id, clock() + timedelta(days=1))).upto)

    assert (
        await pool.fetchval("SELECT count(*) FROM event_log WHERE account_id = $1", seller.id) == 0
    )
    assert await timeline(pool, told_order, limit=200) == story
    assert await timeline(pool, told_order, after=story[3].position, limit=2) == story[4:6]
    assert await verify(pool, seller.id, silent) == []
    assert {each.failure for each in await check(pool, seller.id, clock())} == {None}
    replayed = await compared(pool, core_database.admin_url, seller.id)
    assert (replayed.events, replayed.differences) == (len(before), [])


async def test_what_is_archived_is_not_logged_twice(log: EventLog, pool: Pool, owner: Pool) -> None:
    seller = await registered(log)
    again = seller.observed(1, content=content())
    await take(log, seller, again)
    before = await read(pool, seller.id)
    await moved(owner, seller, len(before))

    await take(log, seller, again)

    assert await read(pool, seller.id) == before


async def test_a_request_that_was_archived_is_known_when_it_is_repeated(
    api: Api, pool: Pool, owner: Pool, seller: Seller
) -> None:
    address, key = f"/api/accounts/{seller.id}/retry", str(uuid4())
    first = await api.call("POST", address, Idempotency_Key=key)
    await moved(owner, seller, len(await read(pool, seller.id)))

    repeated = await api.call("POST", address, Idempotency_Key=key)
    other = f"/api/accounts/{seller.id}/resume"
    refused = await api.call("POST", other, Idempotency_Key=key, status=422)

    assert repeated == first | {"repeated": True}
    assert refused["code"] == "idempotency_key_reused"


async def test_content_that_was_archived_is_sent(
    log: EventLog, pool: Pool, owner: Pool, seller: Seller
) -> None:
    await offered(LogOutbox(log), seller)
    await moved(owner, seller, await first_register(pool, seller) - 1)
    await send_again(pool, seller)

    messages = [entry.message for entry in await offered(LogOutbox(log), seller)]

    registers = [each for each in messages if each.type == RegisterOrder.TYPE]
    assert len(registers) == 3
    assert all(RegisterOrder.model_validate(each.data).content == content() for each in registers)


async def first_register(pool: Pool, seller: Seller) -> int:
    """Return where the first command is whose content an earlier event holds."""
    query = "SELECT min(position) FROM event_log WHERE account_id = $1 AND type = $2"
    position: int = await pool.fetchval(query, seller.id, RegisterOrder.TYPE)
    return position


async def send_again(pool: Pool, seller: Seller) -> None:
    """Let the relay send the orders once more."""
    await pool.execute(
        "INSERT INTO outbox SELECT partition, account_id, position FROM event_log"
        " WHERE account_id = $1 AND type = $2",
        seller.id,
        RegisterOrder.TYPE,
    )


# --- stopped in the middle, damaged, missing


@pytest.mark.parametrize("step", ["fsync", "replace", "read_lines", "_take_out"])
async def test_whenever_it_stops_nothing_is_lost_and_it_can_go_on(
    step: str,
    pool: Pool,
    owner: Pool,
    seller: Seller,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await read(pool, seller.id)
    where = {"fsync": os, "replace": Path, "read_lines": segments, "_take_out": archiving}

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where[step], step, killed)
    with pytest.raises(KeyboardInterrupt):
        await moved(owner, seller, 8)
    monkeypatch.undo()
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(directory))
    assert await segments_of(pool, seller.id) == []
    assert await read(pool, seller.id) == before

    await moved(owner, seller, 8)

    assert [(each.first, each.last) for each in await segments_of(pool, seller.id)] == [(1, 8)]
    assert await read(pool, seller.id) == before
    assert await verify(pool, seller.id, silent) == []


async def test_two_at_a_time_move_it_once(pool: Pool, owner: Pool, seller: Seller) -> None:
    before = await read(pool, seller.id)

    ends = await asyncio.gather(
        moved(owner, seller, 8), moved(owner, seller, 8), return_exceptions=True
    )

    assert sum(isinstance(end, ArchiveError) for end in ends) == 1
    assert await read(pool, seller.id) == before
    assert len(await segments_of(pool, seller.id)) == 1


async def test_history_is_read_whole_while_it_is_moved_to_and_fro(
    log: EventLog, pool: Pool, owner: Pool, seller: Seller
) -> None:
    before = await read(pool, seller.id)

    async def to_and_fro() -> None:
        for _ in range(20):
            await moved(owner, seller, 7)
            await moved(owner, seller, 12, after=7)
            await bring_back(owner, seller.id, silent)

    moving = asyncio.create_task(to_and_fro())
    while not moving.done():
        assert await read(pool, seller.id) == before
        assert await read(pool, seller.id, after=6) == before[6:]
    await moving


@pytest.mark.parametrize("hole", ["in the table", "before it", "a file"])
async def test_a_hole_in_history_is_told_and_never_skipped(
    hole: str, pool: Pool, owner: Pool, seller: Seller
) -> None:
    await moved(owner, seller, 7)
    await moved(owner, seller, 12, after=7)
    missing = {"in the table": 15, "before it": 13, "a file": 1}[hole]
    table, column = (
        ("archive_segment", "first_position") if hole == "a file" else ("event_log", "position")
    )
    await owner.execute(
        f"DELETE FROM {table} WHERE account_id = $1 AND {column} = $2",  # noqa: S608
        seller.id,
        missing,
    )

    with pytest.raises(GapError, match=f"Event {missing} of account {seller.id} is missing"):
        await read(pool, seller.id)

    assert await read(pool, seller.id, after=16)


async def test_a_broken_log_is_not_archived(
    pool: Pool, owner: Pool, directory: Path, seller: Seller
) -> None:
    await owner.execute(
        "UPDATE event_log SET actor = 'nobody' WHERE account_id = $1 AND position = 3", seller.id
    )

    with pytest.raises(ArchiveError, match="breaks at position 3"):
        await moved(owner, seller, 8)

    assert not files_in(directory)
    assert await segments_of(pool, seller.id) == []


@pytest.mark.parametrize("damage", ["missing", "changed", "no directory"])
async def test_a_file_that_cannot_be_used_is_named_wherever_it_is_met(
    damage: str,
    log: EventLog,
    api: Api,
    pool: Pool,
    owner: Pool,
    seller: Seller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await offered(LogOutbox(log), seller)
    await moved(owner, seller, await first_register(pool, seller) - 1)
    (segment,) = await segments_of(pool, seller.id)
    match damage:
        case "missing":
            segment.path.unlink()
        case "changed":
            flip(segment.path, 40)
        case "no directory":
            monkeypatch.delenv("SYNC_CORE_ARCHIVE_DIR")
    named = "SYNC_CORE_ARCHIVE_DIR" if damage == "no directory" else segment.path.name

    with pytest.raises(ArchiveError, match=named):
        await read(pool, seller.id)
    with pytest.raises(ArchiveError, match=named):
        await bring_back(owner, seller.id, silent)
    (difference,) = await verify(pool, seller.id, silent)
    assert named in difference.cause
    told = {each.name: each.differences for each in await run_checks(pool, None, (), silent)}
    assert str(segment) in {each.where for each in told["archive"]}
    for address in (f"accounts/{seller.id}/events", f"orders/{seller.tag}-1/timeline"):
        problem = await api.get(f"/api/{address}", status=503)
        assert problem["code"] == "archive_unreadable"


async def test_a_changed_file_tells_its_first_event_that_does_not_fit(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    await moved(owner, seller, 9)
    (segment,) = await segments_of(pool, seller.id)
    content = segment.path.read_bytes()
    lines = gzip.decompress(content).splitlines(keepends=True)
    forged = [*lines[:4], lines[4].replace(b"2026", b"2027", 1), *lines[5:]]
    for changed, told in (
        (gzip.compress(b"".join(forged)), "position 5 is the first that does not fit"),
        (gzip.compress(b"".join(lines[:6])), "position 7 is the first"),
        (content[:200], "position"),
        (b"", "position 1 is the first"),
        (gzip.compress(b"".join(lines)), "its events fit"),
        (content[:9] + b"\x00" + content[10:], "its events fit"),
    ):
        segment.path.write_bytes(changed)

        (difference,) = await verify(pool, seller.id, silent)

        assert difference.where == str(segment)
        assert told in difference.cause


async def test_one_account_s_damaged_file_holds_up_nobody_else_s_commands(
    log: EventLog, pool: Pool, owner: Pool, seller: Seller
) -> None:
    await offered(LogOutbox(log), seller)
    other = await registered(log)
    while other.partition != seller.partition:
        other = await registered(log)
    last = await first_register(pool, seller) - 1
    await moved(owner, seller, last)
    (segment,) = await segments_of(pool, seller.id)
    segment.path.unlink()
    await send_again(pool, seller)

    with capture_logs() as logs:
        entries = await offered(LogOutbox(log), other)

    assert only(entries, RegisterOrder.TYPE)
    (told,) = {each["error"] for each in logs if each["action"] == "archive_unreadable"}
    assert segment.path.name in told


def of(directory: Path) -> list[Path]:
    return [*directory.iterdir()]


def files_in(directory: Path) -> list[Path]:
    return [*directory.rglob("*.gz")]


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


# --- the commands


@pytest.fixture
def environment(core_database: CoreDatabase, directory: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "COLUMNS": "400",
        "LOG_LEVEL": "warning",
        "SYNC_CORE_DATABASE_URL": core_database.service_url,
        "SYNC_CORE_MIGRATION_DATABASE_URL": core_database.admin_url,
        "SYNC_CORE_ARCHIVE_DIR": str(directory),
        "SYNC_CORE_ERASURES_FILE": str(directory / "erasures.jsonl"),
        "SYNC_CORE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
    }


async def test_the_commands_move_history_and_bring_it_back(
    environment: dict[str, str], log: EventLog, pool: Pool, clock: Clock
) -> None:
    clock.now -= timedelta(days=400)
    seller = await finished(log)
    before = await read(pool, seller.id)
    await take(log, seller, seller.observed(2, content=content()))
    named = ("--account", str(seller.id))

    code, out, _ = await run(
        environment, "audit", "archive", "--older-than", "90", "--at-least", "5", "--json", *named
    )

    assert code == 0
    assert json.loads(out) == {
        "account_id": str(seller.id),
        "archived": len(before),
        "held_by": "order-2",
    }
    assert (await read(pool, seller.id))[: len(before)] == before
    code, out, _ = await run(environment, "audit", "unarchive", *named)
    assert (code, out) == (0, f"{seller.id}: {len(before)} events are in the table again\n")
    assert await segments_of(pool, seller.id) == []


async def test_the_commands_say_what_is_missing(environment: dict[str, str]) -> None:
    nowhere = {k: v for k, v in environment.items() if k != "SYNC_CORE_ARCHIVE_DIR"}
    archiving = ("audit", "archive", "--older-than", "90")

    code, out, err = await run(nowhere, *archiving)
    assert (code, out) == (2, "")
    assert err == "SYNC_CORE_ARCHIVE_DIR: is missing\n"
    code, _, err = await run(environment, *archiving, "--account", str(uuid4()))
    assert code == 2
    assert "There is no account" in err


async def test_one_command_of_the_owner_is_at_work_at_a_time(
    environment: dict[str, str],
    core_database: CoreDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that move one account's history could leave a hole in it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async with owning():
        with pytest.raises(NotAloneError):
            async with shadow_tables(core_database.admin_url):
                pass
        for command in (
            ("archive", "--older-than", "90"),
            ("unarchive", "--account", str(uuid4())),
        ):
            code, out, err = await run(environment, "audit", *command)
            assert (code, out) == (2, "")
            assert err.splitlines() == [NotAloneError.__doc__]
    async with shadow_tables(core_database.admin_url):
        pass


async def test_a_killed_command_leaves_the_log_whole(
    environment: dict[str, str], log: EventLog, pool: Pool, clock: Clock
) -> None:
    """Wherever the blow falls: before, between or after the files and the transactions."""
    clock.now -= timedelta(days=400)
    seller = await finished(log)
    before = await read(pool, seller.id)
    named = ("--account", str(seller.id))
    command = ("audit", "archive", "--older-than", "90", "--at-least", "1", *named)
    for blow in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.sync_core",
            *command,
            env=environment,
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.9 + 0.1 * blow)
        if process.returncode is None:
            process.kill()
            await process.wait()
        assert await read(pool, seller.id) == before

    assert (await run(environment, *command))[0] == 0

    assert await read(pool, seller.id) == before
    assert await verify(pool, seller.id, silent) == []
    assert (
        await pool.fetchval("SELECT count(*) FROM event_log WHERE account_id = $1", seller.id) == 0
    )


async def test_a_missing_file_ends_a_command_with_one_sentence(
    environment: dict[str, str], pool: Pool, owner: Pool, seller: Seller, directory: Path
) -> None:
    await moved(owner, seller, 9)
    (segment,) = await segments_of(pool, seller.id)
    segment.path.unlink()
    named = ("--account", str(seller.id))
    for command in (
        ("export", "--out", str(directory / "new.tar.gz"), *named),
        ("subject", "contact-77", *named),
    ):
        code, out, err = await run(environment, "audit", *command)

        assert (code, out) == (2, "")
        assert f"{segment.path} cannot be read: No such file or directory" in err
        assert "Traceback" not in err
    assert {each.name for each in of(directory)} == {str(seller.id)}
