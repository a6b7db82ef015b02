"""After a restore, a failover, a migration: what is missing is named, and nothing is consumed."""

import asyncio
import base64
import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from yarl import URL

from services.sync_core.checking.check import check
from services.sync_core.checkpoints.notary import Notary
from services.sync_core.checkpoints.note import Signer, Verifier
from services.sync_core.checkpoints.publishing import AppendedFile
from services.sync_core.checkpoints.signing import sign_checkpoint
from services.sync_core.checkpoints.store import Stored
from services.sync_core.log.append import EventLog
from services.sync_core.log.archiving import Due, archive
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import segments_of
from services.sync_core.log.verify import places, prove, save_verifications
from tests.sync_core.api import Api, take
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase
from tests.sync_core.seller import Seller
from tests.sync_core.test_outbox import registered
from tests.sync_core.test_service import Environment, environment, eventually, replica, run

__all__ = ["environment"]  # the fixture

SEED: Final = bytes(range(32))
SIGNER: Final = Signer("bling-360hub-sync", SEED)
KEY: Final = base64.b64encode(SEED).decode()


def silent(accounts: int) -> None:
    """Show no progress."""


@pytest.fixture(autouse=True)
async def from_nothing(owner: Pool) -> None:
    """Begin each test with an empty log that nothing was ever signed of."""
    await owner.execute(
        "TRUNCATE event_log, account_head, accounts, orders, products, order_product, outbox,"
        " checkpoint, checkpoint_head, checkpoint_published, verification"
    )


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.txt"


async def signed(pool: Pool, clock: Clock, file: Path | None = None) -> Stored:
    stored = await sign_checkpoint(pool, SIGNER, clock)
    assert stored is not None
    if file:
        await AppendedFile(file).publish(stored)
    return stored


async def found(pool: Pool, file: Path | None = None) -> dict[str, list[str]]:
    """What each check that is not content found."""
    checks = await check(pool, file, [SIGNER.verifier], silent)
    assert [each.name for each in checks] == [
        "gaps",
        "chain",
        "versions",
        "archive",
        "checkpoints",
        "rights",
    ]
    told = {each.name: [f"{d.where} {d.cause}" for d in each.differences] for each in checks}
    return {name: differences for name, differences in told.items() if differences}


async def lose_last(owner: Pool, seller: Seller, events: int) -> None:
    """Leave the account as it was some events ago, as an older backup would."""
    await owner.execute(
        "DELETE FROM event_log WHERE account_id = $1"
        " AND position > (SELECT max(position) FROM event_log WHERE account_id = $1) - $2",
        seller.id,
        events,
    )
    await owner.execute(
        "UPDATE account_head AS head SET position = last.position, hash = last.hash,"
        " recorded_at = last.recorded_at FROM (SELECT * FROM event_log WHERE account_id = $1"
        " ORDER BY position DESC LIMIT 1) AS last WHERE head.account_id = $1",
        seller.id,
    )
    await owner.execute("TRUNCATE outbox")


async def test_a_whole_log_passes(
    pool: Pool, log: EventLog, seller: Seller, clock: Clock, file: Path
) -> None:
    await signed(pool, clock, file)
    await take(log, seller, seller.observed(9, 6))

    assert await found(pool, file) == {}


async def test_a_gap_is_named(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute("DELETE FROM event_log WHERE account_id = $1 AND position = 7", seller.id)

    told = await found(pool)

    assert told["gaps"] == [f"account {seller.id} log has 19 events from position 1 to 20"]
    assert "chain" in told  # a stream lacks a version


async def test_an_end_that_does_not_fit_is_named(pool: Pool, owner: Pool, seller: Seller) -> None:
    await owner.execute(
        "UPDATE event_log SET actor = 'x' WHERE account_id = $1 AND position ="
        " (SELECT position FROM account_head WHERE account_id = $1)",
        seller.id,
    )

    (told,) = (await found(pool))["chain"]

    assert "the hash does not fit" in told


async def test_an_archived_end_that_does_not_fit_is_named(
    pool: Pool, owner: Pool, seller: Seller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is as the database says it is: somebody changed both."""
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path))
    await owner.execute("TRUNCATE outbox")
    await archive(owner, Due(seller.id, 0, 20, None), silent)
    try:
        assert await found(pool) == {}
        (segment,) = await segments_of(pool, seller.id)
        lines = gzip.decompress(segment.path.read_bytes()).splitlines(keepends=True)
        lines[-1] = lines[-1].replace(b"2026", b"2027", 1)
        forged = gzip.compress(b"".join(lines))
        segment.path.write_bytes(forged)
        sha256 = hashlib.sha256(forged).digest()
        await owner.execute("UPDATE archive_segment SET sha256 = $1", sha256)

        assert await found(pool) == {
            "chain": [
                f"account {seller.id} position 20"
                " the hash does not fit the row and the hash before it"
            ]
        }
    finally:
        await owner.execute("TRUNCATE archive_segment, archived_event")


async def test_a_state_that_is_behind_its_stream_is_named(
    pool: Pool, owner: Pool, seller: Seller
) -> None:
    await owner.execute("UPDATE orders SET version = version - 1 WHERE order_id = 2")

    (told,) = (await found(pool))["versions"]

    assert told.startswith(f"account {seller.id} order-2 has ")


async def test_a_right_too_many_is_named(
    pool: Pool, owner: Pool, core_database: CoreDatabase
) -> None:
    role = URL(core_database.service_url).user
    await owner.execute(f"GRANT UPDATE (actor) ON event_log TO {role}")
    try:
        assert await found(pool) == {"rights": ["event_log allows the service UPDATE"]}
    finally:
        await owner.execute(f"REVOKE UPDATE (actor) ON event_log FROM {role}")


async def test_a_log_shorter_than_its_checkpoint_is_named(
    pool: Pool, owner: Pool, seller: Seller, clock: Clock
) -> None:
    await signed(pool, clock)
    await lose_last(owner, seller, 2)

    (told,) = (await found(pool))["checkpoints"]

    assert told.startswith("checkpoint 1 states position ")
    assert str(seller.id) in told


async def test_a_database_older_than_what_was_published_is_named(
    pool: Pool, owner: Pool, seller: Seller, clock: Clock, file: Path
) -> None:
    await signed(pool, clock, file)
    await signed(pool, clock, file)
    await owner.execute("DELETE FROM checkpoint WHERE number = 2")

    assert await found(pool, file) == {
        "checkpoints": [
            f"checkpoint 2 in {file} is not in the database: the log is older than what was signed"
        ]
    }


async def test_another_history_than_the_published_one_is_named(
    pool: Pool, log: EventLog, seller: Seller, owner: Pool, clock: Clock, file: Path
) -> None:
    await signed(pool, clock, file)
    await owner.execute("TRUNCATE checkpoint, checkpoint_head, checkpoint_published")
    await take(log, seller, seller.observed(9, 6))
    await signed(pool, clock)

    assert await found(pool, file) == {
        "checkpoints": [f"checkpoint 1 in {file} says something else than that of the database"]
    }


@pytest.mark.parametrize("left", [None, b"", b"nothing that was signed\n"])
async def test_a_file_that_lost_its_checkpoints_is_named(
    left: bytes | None, pool: Pool, owner: Pool, seller: Seller, clock: Clock, file: Path
) -> None:
    """Not mounted, emptied, or another: it can contradict nobody, until it is begun anew."""
    assert await found(pool, file) == {}
    notary = Notary(pool, SIGNER, [AppendedFile(file)], interval_s=600, clock=clock)
    await notary.sign_if_due()
    await notary.publish()
    assert await found(pool, file) == {}
    kept = replaced(file, left)

    (told,) = (await found(pool, file))["checkpoints"]

    assert told.startswith(f"{file} holds no checkpoint of a known key, and has had checkpoint 1:")
    await owner.execute("DELETE FROM checkpoint_published WHERE place = 'file'")
    assert await found(pool, file) == {}
    await notary.publish()
    assert replaced(file, None).endswith(kept)


def replaced(file: Path, content: bytes | None) -> bytes:
    """Put something else, or nothing, in the file's place; return what was in it."""
    kept = file.read_bytes()
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    return kept


async def test_a_file_that_cannot_be_read_is_named(pool: Pool, tmp_path: Path) -> None:
    assert await found(pool, tmp_path) == {
        "checkpoints": [f"{tmp_path} cannot be read: Is a directory"]
    }


async def test_what_strangers_write_into_the_file_is_not_believed(
    pool: Pool, seller: Seller, clock: Clock, file: Path
) -> None:
    await signed(pool, clock, file)
    stored = await signed(pool, clock)
    forged = stored.note.replace("number 2", "number 9")
    await AppendedFile(file).publish(Stored(9, forged))

    assert await found(pool, file) == {}


# --- the service and its commands


@pytest.fixture
def settings(environment: Environment, file: Path) -> Environment:
    return environment | {
        "SYNC_CORE_CHECKPOINT_KEY": KEY,
        "SYNC_CORE_CHECKPOINT_FILE": str(file),
        "SYNC_CORE_CHECKPOINT_INTERVAL_S": "0.2",
    }


async def refused(settings: Environment, port: int) -> str:
    """Start a core that must end by itself, and return the one line that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.sync_core", "serve"),
        env=settings | {"SYNC_CORE_PORT": str(port)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(45):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 2
    (line,) = err.decode().splitlines()
    return line


async def test_a_core_signs_and_refuses_to_start_on_an_older_database(
    settings: Environment, pool: Pool, owner: Pool, seller: Seller, file: Path, unused_tcp_port: int
) -> None:
    had = "SELECT 1 FROM checkpoint_published WHERE place = 'file' AND number > 1"

    async def published() -> bool:
        return bool(await pool.fetchval(had))

    async with replica(settings, unused_tcp_port):
        await eventually(published)
    code, out, _ = await run(settings, "audit", "check")
    assert (code, out) == (
        0,
        "gaps: ok\nchain: ok\nversions: ok\narchive: ok\ncheckpoints: ok\nrights: ok\n",
    )

    await owner.execute("DELETE FROM checkpoint WHERE number > 1")
    await owner.execute("DELETE FROM checkpoint_head WHERE checkpoint > 1")
    await owner.execute("DELETE FROM checkpoint_published")
    line = await refused(settings, unused_tcp_port)

    assert line.startswith("the log is not what its checkpoints say, so nothing is consumed: ")
    assert f"in {file} is not in the database" in line
    code, out, err = await run(settings, "audit", "check")
    assert code == 1
    assert "checkpoints: 1 differences" in out
    assert "is not in the database" in err


async def test_a_core_refuses_to_start_on_a_shorter_log(
    settings: Environment,
    pool: Pool,
    owner: Pool,
    seller: Seller,
    clock: Clock,
    unused_tcp_port: int,
) -> None:
    await signed(pool, clock)
    await lose_last(owner, seller, 1)

    line = await refused(settings, unused_tcp_port)

    assert str(seller.id) in line
    seen = "SELECT count(*) FROM replica WHERE owner LIKE $1"
    assert await pool.fetchval(seen, f"%:{unused_tcp_port}") == 0


async def test_auditors_get_a_proof_for_third_parties(
    settings: Environment, pool: Pool, seller: Seller, clock: Clock
) -> None:
    await signed(pool, clock)
    last = await signed(pool, clock)

    code, out, err = await run(settings, "audit", "inclusion", str(seller.id))
    assert (code, json.loads(out)["checkpoint"]) == (0, last.note), err
    code, out, _ = await run(settings, "audit", "inclusion", str(seller.id), "--checkpoint", "1")
    assert code == 0
    assert "\nnumber 1\n" in json.loads(out)["checkpoint"]

    for wrong in (("0190a5b2-7a3c-7cc0-8000-1a2b3c4d5e6f",), (str(seller.id), "--checkpoint", "7")):
        code, _, err = await run(settings, "audit", "inclusion", *wrong)
        assert (code, len(err.splitlines())) == (2, 1)
    stranger = settings | {"SYNC_CORE_CHECKPOINT_KEY": base64.b64encode(bytes(32)).decode()}
    code, _, _ = await run(stranger, "audit", "inclusion", str(seller.id))
    assert code == 1


async def test_who_knows_no_key_is_told_that_signatures_are_not_checked(
    settings: Environment, pool: Pool, seller: Seller, clock: Clock
) -> None:
    await signed(pool, clock)
    keyless = settings | {"SYNC_CORE_CHECKPOINT_KEY": ""}

    for command in (("verify",), ("check",), ("inclusion", str(seller.id))):
        code, _, err = await run(keyless, "audit", *command)

        assert code == 0, err
        assert "signatures of checkpoints are not checked" in err


async def test_a_new_key_is_made_with_its_verifier_line(settings: Environment) -> None:
    code, out, _ = await run(settings, "audit", "checkpoint-key", "--json")
    made = json.loads(out)

    assert code == 0
    verifier = Verifier.parse(made["verifier"])
    assert Signer(verifier.name, base64.b64decode(made["key"])).verifier == verifier
    rotated = settings | {"SYNC_CORE_CHECKPOINT_KEY": f"{made['key']},{KEY}"}
    assert (await run(rotated, "audit", "verify"))[0] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNC_CORE_CHECKPOINT_KEY", "short"),
        ("SYNC_CORE_CHECKPOINT_VERIFIERS", "nonsense"),
        ("SYNC_CORE_CHECKPOINT_ORIGIN", "two words"),
    ],
)
async def test_a_wrong_setting_is_named(settings: Environment, name: str, value: str) -> None:
    code, _, err = await run(settings | {name: value}, "audit", "check")

    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith(f"{name}: must ") or name.endswith("ORIGIN")


async def test_verify_tells_machines_and_keeps_what_it_found(
    settings: Environment, pool: Pool, owner: Pool, seller: Seller, clock: Clock
) -> None:
    await signed(pool, clock)
    await owner.execute("UPDATE event_log SET actor = 'x' WHERE position = 5")
    await owner.execute("UPDATE checkpoint SET note = replace(note, 'events ', 'events 1')")

    code, out, _ = await run(settings, "audit", "verify", "--json")

    lines: list[Any] = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert lines[0]["account_id"] == str(seller.id)
    assert [each["where"] for each in lines[0]["differences"]] == ["position 5"]
    assert lines[1]["checkpoint"] == "checkpoint 1"
    kept = await pool.fetchrow("SELECT differences, first, verified_by FROM verification")
    assert kept is not None
    assert (kept["differences"], kept["first"].split(":")[0]) == (1, "position 5")


# --- over HTTP


async def test_the_api_tells_the_last_checkpoint_and_the_last_proofs(
    api: Api, pool: Pool, owner: Pool, seller: Seller, log: EventLog, clock: Clock
) -> None:
    empty = await api.get(f"/api/accounts/{seller.id}/verification")
    assert empty["last"] is None
    other = await registered(log)
    stored = await signed(pool, clock)
    await owner.execute(
        "UPDATE event_log SET actor = 'x' WHERE account_id = $1 AND position = 5", seller.id
    )
    verifications = [await prove(pool, place, silent) for place in await places(pool)]
    await save_verifications(pool, verifications, verified_by="ana", at=clock())
    await take(log, other, other.observed(9, 6))

    account = await api.get(f"/api/accounts/{seller.id}/verification")
    whole = await api.get("/api/verification")

    assert account["head"] == account["last"]["verified_to"] == empty["head"]
    assert (account["last"]["differences"], account["last"]["verified_by"]) == (1, "ana")
    assert account["last"]["first"].startswith("position 5: ")
    assert (whole["accounts"], whole["verified"], whole["differing"]) == (2, 2, 1)
    assert whole["verified_events"] == stored.checkpoint.events < whole["events"]
    assert (whole["checkpoint"]["number"], whole["checkpoint"]["note"]) == (1, stored.note)
