"""What is exported can be checked with nothing but Python; what was changed is refused."""

import ast
import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import aiohttp
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from services.sync_core.checkpoints.checkpoint import AccountHead, Checkpoint
from services.sync_core.checkpoints.inclusion import Inclusion
from services.sync_core.checkpoints.merkle import Tree
from services.sync_core.checkpoints.note import Signer
from services.sync_core.checkpoints.signing import sign_checkpoint
from services.sync_core.export import verify as standalone
from services.sync_core.export.bundle import bundle, chosen, provable
from services.sync_core.export.packing import unpacked
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.history import events_at
from shared.sealing import MasterKeys
from tests.sync_core.api import take
from tests.sync_core.clock import Clock
from tests.sync_core.database import CoreDatabase
from tests.sync_core.seller import NOBODY_ERASED, Seller, content
from tests.sync_core.test_outbox import registered
from tests.sync_core.test_service import replica, run

Events = list[dict[str, Any]]

SIGNER = Signer("bling-360hub-sync", bytes(range(32)))
KEY = SIGNER.verifier.line
STRANGER = Signer("bling-360hub-sync", bytes(32)).verifier.line


async def exported(
    pool: Pool,
    seller: Seller,
    where: Path,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> Path:
    what = await provable(pool, await chosen(pool, seller.id, begin, end))
    await unpacked(bundle(pool, what, datetime.now(UTC), [KEY]), where)
    return where


def signed(head: AccountHead, others: int = 4) -> Inclusion:
    """Return the proof that a checkpoint holds this head among those of other accounts."""
    heads = [AccountHead(uuid4(), 7, bytes(32)) for _ in range(others)]
    heads = sorted([head, *heads], key=lambda each: each.account_id.bytes)
    tree, index = Tree([each.leaf for each in heads]), heads.index(head)
    checkpoint = Checkpoint(
        origin=SIGNER.name,
        size=len(heads),
        root=tree.root,
        number=41,
        at=datetime(2026, 11, 24, tzinfo=UTC),
        events=sum(each.position for each in heads),
        previous=bytes(32),
    )
    return Inclusion(
        account_id=head.account_id,
        position=head.position,
        hash=head.hash.hex(),
        index=index,
        path=tuple(sibling.hex() for sibling in tree.path(index)),
        checkpoint=SIGNER.sign(checkpoint.text),
    )


def verified(bundle: Path, *arguments: str) -> tuple[int, str]:
    """Run the verifier as a third party would."""
    command = [sys.executable, "-I", standalone.__file__, *arguments, str(bundle)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ended.stderr or ended.returncode == 2, ended.stderr
    return ended.returncode, ended.stdout


def read_events(bundle: Path) -> Events:
    return [
        json.loads(line)
        for path in sorted((bundle / "events").iterdir())
        for line in path.read_text().splitlines()
    ]


def forge(bundle: Path, events: Events, **told: Any) -> None:
    """Put other events in the bundle, and make the manifest fit them."""
    lines = [json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in events]
    last = {"last": events[-1]["position"], "hash_last": events[-1]["hash"]}
    forge_lines(bundle, "".join(lines), **(last | told))


def forge_lines(bundle: Path, lines: str, **told: Any) -> None:
    """Put other lines in the bundle, and make the manifest fit the files and say ``told``."""
    for path in (bundle / "events").iterdir():
        path.unlink()
    (bundle / "events" / "000000000001-000000001000.jsonl").write_text(lines)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["events"] |= told
    manifest["files"] = {
        str(path.relative_to(bundle)): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    (bundle / "manifest.json").write_text(pretty(manifest))


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def copied(bundle: Path, where: Path) -> Path:
    return Path(shutil.copytree(bundle, where / "bundle"))


async def test_an_honest_bundle_is_accepted(pool: Pool, log: EventLog, tmp_path: Path) -> None:
    seller = await registered(log, orders=2)

    bundle = await exported(pool, seller, tmp_path / "b")

    code, out = verified(bundle)
    assert code == 0, out
    assert "sem checkpoint assinado não se nota" in out
    names = {path.stem.rpartition("-")[0] for path in (bundle / "schemas").iterdir()}
    assert {event["type"] for event in read_events(bundle)} == names


async def test_nothing_personal_is_readable_in_a_bundle(
    pool: Pool, log: EventLog, tmp_path: Path
) -> None:
    seller = await registered(log)

    bundle = await exported(pool, seller, tmp_path / "b")

    whole = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    for secret in ("Jurema", "52998224725", "jurema@", "31988887777", "Aimorés"):
        assert secret.encode() not in whole
    assert any(event["personal"] for event in read_events(bundle))


def removed(events: Events, at: int, data: st.DataObject) -> None:
    del events[at]


def added(events: Events, at: int, data: st.DataObject) -> None:
    events.insert(at, dict(events[data.draw(st.integers(0, len(events) - 1))]))


def swapped(events: Events, at: int, data: st.DataObject) -> None:
    other = data.draw(st.integers(0, len(events) - 1).filter(lambda index: index != at))
    events[at], events[other] = events[other], events[at]


def edited(events: Events, at: int, data: st.DataObject) -> None:
    filled = [name for name, value in events[at].items() if value is not None]
    name = data.draw(st.sampled_from(filled))
    value = events[at][name]
    if isinstance(value, int):
        events[at][name] = value + 1
        return
    index = data.draw(st.integers(0, len(value) - 1))
    events[at][name] = value[:index] + ("1" if value[index] == "0" else "0") + value[index + 1 :]


def cut(events: Events, at: int, data: st.DataObject) -> None:
    del events[at:]


TAMPERINGS = (removed, added, swapped, edited)


def rechained(events: Events) -> Events:
    """Give each event its position, and the hash that follows from what is before it."""
    before = standalone.GENESIS
    for position, event in enumerate(events, start=1):
        event["position"] = position
        before = standalone.row_hash(before, event)
        event["hash"] = before.hex()
    return events


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log)


@pytest.fixture(scope="module")
def module_log(pool: Pool, master: MasterKeys) -> EventLog:
    return EventLog(pool, master, NOBODY_ERASED, clock=Clock(), logged=lambda partition: None)


@pytest.fixture(scope="module")
async def honest(
    pool: Pool, module_log: EventLog, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of a whole history that no checkpoint holds."""
    seller = await registered(module_log, orders=2)
    return await exported(pool, seller, tmp_path_factory.mktemp("honest") / "bundle")


@pytest.fixture(scope="module")
async def held(pool: Pool, module_log: EventLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a whole history up to its end, which a checkpoint holds."""
    seller = await registered(module_log, orders=2)
    what = await chosen(pool, seller.id, None, None)
    place = (seller.id, what.last)
    (last,) = (await events_at(pool, seller.partition, [place])).values()
    inclusion = signed(AccountHead(seller.id, what.last, last.hash))
    where = tmp_path_factory.mktemp("held") / "bundle"
    files = bundle(pool, replace(what, inclusion=inclusion), datetime.now(UTC), [KEY])
    await unpacked(files, where)
    return where


@given(data=st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_bundle_that_was_tampered_with_is_refused(
    honest: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Even if the manifest was made to fit. (Cutting the end off takes a checkpoint to see.)"""
    bundle = tmp_path_factory.mktemp("tampered") / "bundle"
    shutil.copytree(honest, bundle)
    events = read_events(bundle)
    tampering = data.draw(st.sampled_from(TAMPERINGS))
    last = len(events) - 1 - (tampering is removed)
    tampering(events, data.draw(st.integers(0, last)), data)
    forge(bundle, events)

    code, out = verified(bundle)

    assert code == 1, out
    assert out.startswith("NÃO CONFERE: evento"), out


def test_what_a_checkpoint_holds_is_proved(held: Path) -> None:
    code, out = verified(held)
    assert code == 0, out
    assert "provado: o checkpoint 41, assinado em 2026-11-24T00:00:00.000000Z, fixa tudo" in out
    assert "NÃO provado: que a chave é mesmo do operador" in out

    code, out = verified(held, "--key", KEY)
    assert code == 0, out
    assert "NÃO provado: que a chave" not in out


@given(data=st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_history_that_was_rechained_or_cut_is_refused_by_its_checkpoint(
    held: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whoever recomputes every hash and the manifest cannot sign another checkpoint."""
    bundle = tmp_path_factory.mktemp("rechained") / "bundle"
    shutil.copytree(held, bundle)
    events = read_events(bundle)
    tampering = data.draw(st.sampled_from((*TAMPERINGS, cut)))
    tampering(events, data.draw(st.integers(1, len(events) - 1)), data)
    try:
        rechained(events)
    except (ValueError, struct.error):
        reject()  # what cannot be packed cannot be chained either
    assume(events != read_events(held))
    forge(bundle, events)

    code, out = verified(bundle)

    assert code == 1, out
    assert out.startswith("NÃO CONFERE"), out


def test_without_a_checkpoint_it_says_that_rechaining_cannot_be_seen(
    honest: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(honest, bundle)
    events = read_events(bundle)
    events[5]["actor"] = "nobody"
    forge(bundle, rechained(events))

    code, out = verified(bundle)
    assert code == 0
    assert "NÃO provado: que o histórico não foi refeito" in out

    code, out = verified(bundle, "--key", KEY)
    assert code == 1
    assert "nenhum checkpoint assinado com a chave dada" in out


@pytest.mark.parametrize(
    "change",
    ["text", "signature", "base64", "sibling", "case", "index", "float", "position", "key"],
)
def test_a_forged_checkpoint_is_refused(held: Path, tmp_path: Path, change: str) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(held, bundle)
    path = bundle / "checkpoints" / "inclusion.json"
    proof = json.loads(path.read_text())
    match change:
        case "text":
            proof["checkpoint"] = proof["checkpoint"].replace("number 41", "number 42")
        case "signature":
            text, mark, rest = proof["checkpoint"].rpartition(" ")
            proof["checkpoint"] = (
                text + mark + rest[:20] + ("A" if rest[20] != "A" else "B") + rest[21:]
            )
        case "base64":  # another last letter, and the same bytes
            note = proof["checkpoint"]
            proof["checkpoint"] = f"{note[:-3]}{chr(ord(note[-3]) + 1)}{note[-2:]}"
        case "case":
            proof["hash"] = proof["hash"].upper()
        case "float":
            proof["position"] = float(proof["position"])
        case "sibling":
            proof["path"][0] = "00" * 32
        case "index":
            proof["index"] = (proof["index"] + 1) % 5
        case "position":
            proof["position"] -= 1
    path.write_text(pretty(proof))
    forge(bundle, read_events(bundle))

    code, out = verified(bundle, *(("--key", STRANGER) if change == "key" else ()))

    assert code == 1, out


async def test_what_was_asked_for_is_whole(
    pool: Pool, log: EventLog, clock: Clock, tmp_path: Path
) -> None:
    """The events just outside of the asked time come along: cutting inside of them shows."""
    seller = await registered(log)
    begin = clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(7, content=content()))
    end = clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(8, content=content()))

    bundle = await exported(pool, seller, tmp_path / "b", begin, end)

    events = read_events(bundle)
    times = [event["recorded_at"] for event in events]
    assert times[0] < standalone_time(begin) <= times[1]
    assert times[-2] < standalone_time(end) <= times[-1]
    code, out = verified(bundle)
    assert code == 0, out
    asked = f"período pedido: desde {standalone_time(begin)}, antes de {standalone_time(end)}"
    assert out.startswith(f"conta {seller.id}, {asked}\n")
    forge(bundle, events[1:], first=events[1]["position"], hash_before=events[0]["hash"])
    code, out = verified(bundle)
    assert code == 1
    assert "faltam eventos no começo" in out


async def test_that_the_asked_time_is_whole_takes_a_checkpoint_that_reaches_its_end(
    pool: Pool, log: EventLog, clock: Clock, tmp_path: Path
) -> None:
    """Events after the checkpoint prove nothing: who removes some can make up a last one."""
    seller = await registered(log)
    await sign_checkpoint(pool, SIGNER, clock)
    held = await provable(pool, await chosen(pool, seller.id, None, None))
    begin, end = clock() - timedelta(seconds=30), clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(7, content=content()))
    whole = replace(await chosen(pool, seller.id, begin, end), inclusion=held.inclusion)
    await unpacked(bundle(pool, whole, datetime.now(UTC), [KEY]), tmp_path / "b")

    code, out = verified(tmp_path / "b", "--key", KEY)

    assert code == 0, out
    proved, unproved = out.split("NÃO provado", 1)
    assert f"até o evento {held.last} (" in proved
    assert f"até {standalone_time(end)}" not in proved
    assert f"depois do evento {held.last} (" in unproved
    assert f"e antes de {standalone_time(end)}" in unproved
    assert f"que os eventos {held.last + 1} a {whole.last} são os gravados" in unproved


@pytest.mark.parametrize("side", ["beginning", "end"])
async def test_a_respelled_time_hides_no_removed_event(
    pool: Pool, log: EventLog, clock: Clock, tmp_path: Path, side: str
) -> None:
    """The same moment, hence the same hash; but as a string it is before ``from``, after ``to``."""
    clock.now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    seller = await registered(log)
    begin = clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(7, content=content()))
    end = clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(8, content=content()))
    path = await exported(pool, seller, tmp_path / "b", begin, end)
    events, told = read_events(path), {}
    if side == "beginning":
        gone = events.pop(0)
        told = {"first": events[0]["position"], "hash_before": gone["hash"]}
        events[0]["recorded_at"] = events[0]["recorded_at"].replace("-05T", "- 5T")
    else:
        events.pop()
        events[-1]["recorded_at"] = events[-1]["recorded_at"].replace("2026", "２０２６")
    forge(path, events, **told)

    code, out = verified(path)

    assert code == 1, out
    assert "não tem a forma devida" in out


def upper(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2].upper()}"


def escaped(found: re.Match[str]) -> str:
    return f"{found[1]}\\u{ord(found[2]):04x}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r'"schema_version":1,', r'"schema_version":1.0,'),
        (r'"schema_version":1,', r'"schema_version":true,'),
        (r'"schema_version":1,', r'"schema_version":1e0,'),
        (r'"schema_version":1,', r'"schema_version": 1,'),
        (r'"schema_version":1,', r'"schema_version":2,"schema_version":1,'),
        (r'"schema_version":1,', r'"schema_version":1,"extra":1,'),
        (r'("kind":")(.)', escaped),
        (r'("event_id":)("[^"]+")', upper),
        (r'("event_id":)"([^"]+)"', r'\1"urn:uuid:\2"'),
        (r'("personal":)("[^"]+")', upper),
        (r'("personal":)"([^"]+)"', r'\1" \2"'),
        (r'("hash":)("[^"]+")', upper),
    ],
)
def test_a_row_has_one_spelling(
    held: Path, tmp_path: Path, old: str, new: str | Callable[[re.Match[str]], str]
) -> None:
    path = copied(held, tmp_path)
    lines = "".join(each.read_text() for each in sorted((path / "events").iterdir()))
    respelled = re.sub(old, new, lines, count=1)
    assert respelled != lines
    forge_lines(path, respelled)

    code, out = verified(path, "--key", KEY)

    assert code == 1, out


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"first": 1,', '"first": true,'),
        ('"first": 1,', '"first": 1.0,'),
        ('"first": 1,', '"first": 2, "first": 1,'),
        ('"first": 1,', '"first":  1,'),
        ('"to": null', '"to": "2026-12- 1T00:00:00.000000Z"'),
        ('"to": null', '"to": null,\n    "also": null'),
        ('"left_out": 0', '"left_out": "all"'),
        (r'"bytes": \d+', '"bytes": 1'),
    ],
)
def test_a_manifest_has_one_spelling(held: Path, tmp_path: Path, old: str, new: str) -> None:
    path = copied(held, tmp_path) / "manifest.json"
    manifest = path.read_text()
    respelled = re.sub(old, new, manifest, count=1)
    assert respelled != manifest
    path.write_text(respelled)

    code, out = verified(path.parent, "--key", KEY)

    assert code == 1, out


def test_a_bundle_holds_no_files_of_another_kind(held: Path, tmp_path: Path) -> None:
    path = copied(held, tmp_path)
    (path / "sitecustomize.py").touch()
    forge(path, read_events(path))

    code, out = verified(path, "--key", KEY)

    assert code == 1, out
    assert "não é um arquivo do formato" in out


@pytest.mark.parametrize("arguments", [(), ("--key", KEY)])
@pytest.mark.parametrize("last", [0, 1])
def test_a_bundle_without_events_proves_nothing(
    honest: Path, tmp_path: Path, arguments: tuple[str, ...], last: int
) -> None:
    path = copied(honest, tmp_path)
    forge_lines(path, "", first=1, last=last, hash_last="00" * 32)

    code, out = verified(path, *arguments)

    assert code == 1, out
    assert "nenhum evento: ele não prova nada" in out


@pytest.fixture(scope="module")
def archive_of_held(held: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(held.rglob("*")):
            if path.is_file():
                archive.add(path, f"bundle/{path.relative_to(held)}")
    return packed.getvalue()


@given(data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_archive_is_told_so_in_one_sentence(
    archive_of_held: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    damaged = bytearray(archive_of_held)
    at = data.draw(st.integers(0, len(damaged) - 1))
    if data.draw(st.booleans()):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del damaged[at:]
    path = tmp_path / "b.tar.gz"
    path.write_bytes(damaged)

    code, out = verified(path, "--key", KEY)

    # Some bytes of gzip's header and trailer mean nothing to what is read.
    assert code == 0 or (code == 1 and out.startswith("NÃO CONFERE") and out.count("\n") == 1), out


def test_what_no_reader_can_hold_is_told_in_one_sentence(held: Path, tmp_path: Path) -> None:
    deep, huge = copied(held, tmp_path), tmp_path / "huge.tar.gz"
    (deep / "manifest.json").write_text("[" * 200_000)
    member = tarfile.TarInfo("b/manifest.json")
    member.size = 1 << 40
    huge.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)))

    for path in (deep, huge):
        code, out = verified(path)

        assert code == 1
        assert out.startswith("NÃO CONFERE")
        assert out.count("\n") == 1


def standalone_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def test_the_verifier_is_for_older_pythons_too() -> None:
    source = Path(standalone.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_a_file_that_does_not_fit_the_manifest_is_refused(honest: Path, tmp_path: Path) -> None:
    for change in ("changed", "missing", "added"):
        bundle = tmp_path / change
        shutil.copytree(honest, bundle)
        readme = bundle / "LEIA-ME.txt"
        match change:
            case "changed":
                readme.write_bytes(readme.read_bytes() + b" ")
            case "missing":
                readme.unlink()
            case "added":
                (bundle / "extra.txt").touch()

        code, out = verified(bundle)

        assert code == 1, out


@given(data=st.data())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_ed25519_is_the_one_that_others_speak(data: st.DataObject) -> None:
    seed, message = data.draw(st.binary(min_size=32, max_size=32)), data.draw(st.binary())
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert standalone.signature_holds(public, message, signature)

    bit = data.draw(st.integers(0, 8 * len(signature) - 1))
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not standalone.signature_holds(public, message, bytes(flipped))
    assert not standalone.signature_holds(public, message + b"x", signature)


def environment(core_database: CoreDatabase, archive: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "LOG_LEVEL": "warning",
        "SYNC_CORE_DATABASE_URL": core_database.service_url,
        "SYNC_CORE_MIGRATION_DATABASE_URL": core_database.admin_url,
        "SYNC_CORE_ARCHIVE_DIR": str(archive),
    }


async def test_the_command_writes_a_bundle_or_a_table(
    core_database: CoreDatabase, log: EventLog, tmp_path: Path
) -> None:
    seller = await registered(log)
    command = ["audit", "export", "--account", str(seller.id), "--out"]
    settings = environment(core_database, tmp_path)
    packed, table = str(tmp_path / "b.tar.gz"), tmp_path / "b.parquet"

    assert await run(settings, *command, packed) == (0, ANY, ANY)
    code, out, _ = await run(settings, *command, str(table), "--format", "parquet", "--json")

    assert verified(Path(packed))[0] == 0
    rows = pq.read_table(table).to_pylist()
    assert code == 0
    assert json.loads(out) == {"out": str(table), "first": 1, "last": len(rows), "left_out": 0}
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert "personal" not in rows[0]
    assert rows[0]["account_id"] == str(seller.id)
    assert rows[0]["recorded_at"].tzinfo is not None
    assert json.loads(rows[0]["data"])["name"] == "Loja Aurora"


async def test_the_command_says_what_was_asked_wrongly(
    core_database: CoreDatabase, seller: Seller, tmp_path: Path
) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError")
    settings = environment(core_database, tmp_path) | {"PYTHONPATH": str(tmp_path)}
    new = ["audit", "export", "--out", str(tmp_path / "new")]
    for arguments, told in (
        ([*new, "--account", str(uuid4())], "There is no account"),
        ([*new, "--account", str(seller.id), "--from", "yesterday"], "A time is"),
        ([*new, "--account", str(seller.id), "--format", "parquet"], "pip install pyarrow"),
        (["audit", "export", "--out", str(tmp_path), "--account", str(seller.id)], "exists"),
    ):
        code, out, err = await run(settings, *arguments)

        assert (code, out) == (2, "")
        assert told in err
        assert "Traceback" not in err


async def test_an_export_goes_on_to_the_next_checkpoint(
    core_database: CoreDatabase, pool: Pool, log: EventLog, clock: Clock, tmp_path: Path
) -> None:
    seller, other = await registered(log), await registered(log)
    end = clock() + timedelta(seconds=30)
    clock.forward(60)
    await take(log, seller, seller.observed(7, content=content()))
    await take(log, other, other.observed(7, content=content()))
    await sign_checkpoint(pool, SIGNER, clock)
    stated = (await chosen(pool, seller.id, None, None)).last
    clock.forward(60)
    await take(log, seller, seller.observed(8, content=content()))

    asked = await exported(pool, seller, tmp_path / "asked", end=end)
    whole = await exported(pool, seller, tmp_path / "whole")

    assert read_events(asked)[-1]["position"] == stated
    code, out = verified(asked, "--key", KEY)
    assert code == 0, out
    assert f"fixa tudo até o evento {stated}" in out
    assert f"até {standalone_time(end)}" in out
    left_out = (await chosen(pool, seller.id, None, None)).last - stated
    assert read_events(whole)[-1]["position"] == stated
    code, out = verified(whole, "--key", KEY)
    assert code == 0, out
    assert f"que não houve outros eventos depois do evento {stated} (" in out
    assert f"quem exportou diz que deixou {left_out} de fora" in out

    settings = environment(core_database, tmp_path) | {"SYNC_CORE_CHECKPOINT_VERIFIERS": KEY}
    bundle = tmp_path / "command.tar.gz"
    command = ["audit", "export", "--account", str(seller.id), "--out", str(bundle)]
    code, _, err = await run(settings, *command, "--to", end.isoformat())
    assert code == 0
    assert "left out" not in err
    code, out = verified(bundle)
    assert code == 0, out
    assert f"A do pacote é {KEY}" in out

    later = ["--to", (clock() + timedelta(seconds=30)).isoformat()]
    command[-1] = str(tmp_path / "later.tar.gz")
    code, out, err = await run(settings, *command, *later, "--json")
    assert code == 0, err
    assert json.loads(out) == {"out": ANY, "first": 1, "last": stated, "left_out": left_out}
    assert f"{left_out} later events are left out" in err
    assert verified(tmp_path / "later.tar.gz", "--key", KEY)[0] == 0


def test_what_is_no_bundle_is_told_so(tmp_path: Path) -> None:
    text, empty, evil = tmp_path / "b.tar.gz", tmp_path / "empty", tmp_path / "evil.tar.gz"
    text.write_text("not an archive")
    empty.mkdir()
    with tarfile.open(evil, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../escaped"), io.BytesIO())

    for given_path in (text, empty, evil):
        code, out = verified(given_path)
        assert code == 1
        assert out.startswith("NÃO CONFERE")
    assert "item inesperado" in out
    assert verified(tmp_path / "nowhere")[0] == 2
    assert verified(empty, "--key", "not a key")[0] == 2


async def test_a_download_names_the_key_that_the_core_signs_with(
    core_database: CoreDatabase,
    seller: Seller,
    amqp_url: str,
    bus_prefix: str,
    unused_tcp_port: int,
    tmp_path: Path,
) -> None:
    settings = environment(core_database, tmp_path) | {
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": bus_prefix,
        "SYNC_CORE_API_TOKENS": "tests:token",
        "SYNC_CORE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
        "SYNC_CORE_ERASURES_FILE": str(tmp_path / "erasures.jsonl"),
        "SYNC_CORE_CHECKPOINT_KEY": base64.b64encode(SIGNER.seed).decode(),
    }
    headers = {"Authorization": "Bearer token"}
    async with (
        replica(settings, unused_tcp_port) as core,
        aiohttp.ClientSession(core.base, headers=headers) as session,
        session.get(f"/api/accounts/{seller.id}/export") as answer,
    ):
        packed = await answer.read()

    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        manifest = archive.extractfile(f"export-{seller.id}/manifest.json")
        assert manifest is not None
        assert json.loads(manifest.read())["keys"] == [KEY]
