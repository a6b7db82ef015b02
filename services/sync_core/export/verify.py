#!/usr/bin/env python3
"""Confere, sem rede e sem confiar em quem exportou, um histórico exportado.

Usage: python3 verify.py --key LINE BUNDLE        (a directory, or its .tar.gz)

Needs Python 3.9 or newer and nothing else: read it before you trust it, and take it and the key
from elsewhere than the bundle, since a forger makes both. It proves that

1. every file is the one that the manifest names;
2. the events follow each other without a gap, and each one's hash covers all its columns and the
   hash before it, so that none was changed, removed, added or moved in between;
3. a checkpoint that the operator signed (Ed25519) holds this account's hash (a Merkle inclusion
   proof), so that nothing up to there was written anew;
4. nothing is missing of the range of time that was asked for, up to where a checkpoint proves it.

Exit codes: 0 nothing contradicts, 1 something does, or nothing can be proved, 2 it was asked
wrongly. What could not be proved is printed too.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

FORMAT = "bling-360hub-sync/export/1"
GENESIS = bytes(32)
EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z", re.ASCII)
FILE = re.compile(
    r"verify\.py|LEIA-ME\.txt|checkpoints/inclusion\.json"
    r"|events/[0-9]{12}-[0-9]{12}\.jsonl|schemas/[a-z0-9_.]+-[0-9]+\.json"
)
LARGEST = 1 << 30
"""A file in an archive is no larger, in bytes: a thousand events of some kilobytes."""


class BundleError(Exception):
    """Something in the bundle does not fit."""


# --- the files


def opened(path: Path, scratch: str) -> Path:
    """Return the bundle as a directory; an archive is unpacked, plain files only."""
    if path.is_dir():
        return path
    with tarfile.open(path, "r:gz") as archive:
        return unpacked(archive, Path(scratch))


def unpacked(archive: tarfile.TarFile, where: Path) -> Path:
    tops = set()
    for member in archive:
        parts = member.name.split("/")
        plain = member.isreg() and all(re.fullmatch(r"[\w-][\w.-]*", part) for part in parts)
        target = where.joinpath(*parts)
        if not plain or target.exists():
            raise BundleError(f"o pacote tem um item inesperado: {member.name!r}")
        if member.size > LARGEST:
            raise BundleError(f"o pacote tem um item grande demais: {member.name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        with target.open("wb") as file:
            while content and (block := content.read(1 << 20)):
                file.write(block)
        tops.add(parts[0])
    if len(tops) != 1:
        raise BundleError("o pacote não é uma pasta só")
    return where / tops.pop()


# --- values, each spelled in the one way that there is (all raise ValueError or TypeError)


def with_names(value: Any, *names: str) -> dict[str, Any]:
    """Return the object if these are its names, in this order."""
    if not isinstance(value, dict) or tuple(value) != names:
        raise ValueError("not an object of " + ", ".join(names))
    return value


def whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def moment(value: str) -> datetime:
    found = TIME.fullmatch(value)
    if found is None:
        raise ValueError("not a time")
    year, month, day, hour, minute, second, micro = map(int, found.groups())
    return datetime(year, month, day, hour, minute, second, micro, timezone.utc)


def unhex(value: str) -> bytes:
    decoded = bytes.fromhex(value)
    if decoded.hex() != value:
        raise ValueError("not in hexadecimal")
    return decoded


def digest(value: str) -> bytes:
    if len(unhex(value)) != 32:
        raise ValueError("not a SHA-256")
    return unhex(value)


def unbase64(value: str) -> bytes:
    decoded = base64.b64decode(value, validate=True)
    if base64.b64encode(decoded).decode() != value:
        raise ValueError("not in base64")
    return decoded


def parsed(raw: bytes, what: str, **style: Any) -> Any:
    """Parse JSON that is spelled as ``json.dumps`` does in this style: no name stands twice."""
    try:
        line = raw.decode("utf-8")
        value = json.loads(line)
    except ValueError as error:
        raise BundleError(f"{what}: não é JSON") from error
    if json.dumps(value, ensure_ascii=False, **style) + "\n" != line:
        raise BundleError(f"{what}: não está escrito na forma do formato")
    return value


def manifest_of(root: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = parsed(
        (root / "manifest.json").read_bytes(), "manifest.json", indent=2
    )
    if isinstance(manifest, dict) and manifest.get("format") != FORMAT:
        raise BundleError(f"formato desconhecido: {manifest.get('format')!r}")
    names = "format", "account_id", "exported_at", "requested", "events", "keys", "files"
    told = with_names(manifest, *names)["events"]
    with_names(told, "first", "last", "hash_before", "hash_last", "left_out")
    if whole(told["last"]) < whole(told["first"]) or told["first"] == 0:
        raise BundleError("o pacote não tem nenhum evento: ele não prova nada")
    whole(told["left_out"])
    uuid(manifest["account_id"])
    moment(manifest["exported_at"])
    for asked in with_names(manifest["requested"], "from", "to").values():
        if asked is not None:
            moment(asked)
    return manifest


def check_files(root: Path, manifest: dict[str, Any]) -> None:
    """Compare every file with the manifest; nothing may be missing or too much."""
    named = manifest["files"]
    found = {p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir()}
    found.discard("manifest.json")
    for name in sorted(found ^ set(named)):
        raise BundleError(f"{name!r}: {'falta' if name in named else 'não consta do manifesto'}")
    for name, told in named.items():
        if not FILE.fullmatch(name):
            raise BundleError(f"{name!r}: não é um arquivo do formato")
        sha256, size = hashlib.sha256(), 0
        with (root / name).open("rb") as file:
            while block := file.read(1 << 20):
                sha256.update(block)
                size += len(block)
        expected = with_names(told, "bytes", "sha256")
        if (whole(expected["bytes"]), digest(expected["sha256"])) != (size, sha256.digest()):
            raise BundleError(f"{name}: o arquivo não é o que o manifesto descreve")


# --- the chain: SHA-256(hash before || the columns as PostgreSQL's binary COPY writes them)


def number(form: str) -> Any:
    size = struct.calcsize(form)

    def pack(value: Any) -> bytes:
        if type(value) is not int:
            raise ValueError("not a number")
        return struct.pack("!i", size) + struct.pack(form, value)

    return pack


def sized(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def text(value: str) -> bytes:
    return sized(value.encode("utf-8"))


def hexadecimal(value: str) -> bytes:
    return sized(unhex(value))


def uuid(value: str) -> bytes:
    if str(UUID(value)) != value:
        raise ValueError("not a UUID in its one spelling")
    return sized(UUID(value).bytes)


def time(value: str) -> bytes:
    return struct.pack("!iq", 8, (moment(value) - EPOCH) // timedelta(microseconds=1))


COLUMNS = {
    "partition": number("!h"),
    "account_id": uuid,
    "position": number("!q"),
    "event_id": uuid,
    "stream": text,
    "stream_version": number("!q"),
    "kind": text,
    "type": text,
    "schema_version": number("!h"),
    "occurred_at": time,
    "recorded_at": time,
    "causation_id": uuid,
    "correlation_id": uuid,
    "actor": text,
    "source": text,
    "source_sequence": number("!q"),
    "rules_revision": number("!i"),
    "data": text,
    "subject": text,
    "key_version": number("!h"),
    "personal": hexadecimal,
}


def row_hash(before: bytes, event: dict[str, Any]) -> bytes:
    """Return the hash that the event has after one with the hash ``before``."""
    packed = [
        struct.pack("!i", -1) if event[name] is None else pack(event[name])
        for name, pack in COLUMNS.items()
    ]
    return hashlib.sha256(before + b"".join(packed)).digest()


def events_of(root: Path, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Read the events, a line each."""
    for name in sorted(each for each in manifest["files"] if each.startswith("events/")):
        with (root / name).open("rb") as file:
            for raw in file:
                event = parsed(raw, name, separators=(",", ":"))
                yield with_names(event, *COLUMNS, "hash")


class Seen(NamedTuple):
    """An event that the walk over the chain came by."""

    position: int
    hash: bytes
    recorded_at: datetime

    def __str__(self) -> str:
        return f"{self.position} ({self.recorded_at:%Y-%m-%dT%H:%M:%S.%fZ})"


class Chain(NamedTuple):
    """Where the events begin and end, and the one that a checkpoint shows."""

    first: Seen
    last: Seen
    shown: Seen | None


def check_chain(root: Path, manifest: dict[str, Any], asked: int | None) -> Chain:
    """Walk over all events; raise at the first that does not fit."""
    told = manifest["events"]
    position, before = told["first"] - 1, digest(told["hash_before"])
    if position == 0 and before != GENESIS:
        raise BundleError("o primeiro evento não parte do início do histórico")
    first = last = shown = None
    for event in events_of(root, manifest):
        position += 1
        where = f"evento {position}"
        try:
            before = row_hash(before, event)
            seen = Seen(position, before, moment(event["recorded_at"]))
        except (ValueError, TypeError, AttributeError, struct.error) as error:
            raise BundleError(f"{where}: uma coluna não tem a forma devida ({error})") from error
        if event["position"] != position:
            raise BundleError(f"{where}: o que está no lugar é o evento {event['position']}")
        if event["account_id"] != manifest["account_id"]:
            raise BundleError(f"{where}: é de outra conta")
        if event["hash"] != before.hex():
            raise BundleError(f"{where}: o hash não cobre este conteúdo e o evento anterior")
        if last and seen.recorded_at < last.recorded_at:
            raise BundleError(f"{where}: foi gravado antes do evento que o precede")
        first, last = first or seen, seen
        shown = seen if position == asked else shown
    if first is None or last is None:
        raise BundleError("o pacote não tem nenhum evento: ele não prova nada")
    if last.position != told["last"] or before.hex() != told["hash_last"]:
        raise BundleError(
            f"o histórico acaba no evento {position}, e o manifesto diz {told['last']}"
        )
    begin = manifest["requested"]["from"]
    if first.position != 1 and not (begin and first.recorded_at < moment(begin)):
        raise BundleError("faltam eventos no começo do período pedido")
    return Chain(first, last, shown)


# --- the checkpoint: RFC 6962 tree, C2SP signed note, Ed25519 (RFC 8032)


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the tree's root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise BundleError("prova de inclusão: lugar fora da árvore")
    node, last, result = index, size - 1, hashlib.sha256(b"\x00" + leaf).digest()
    for sibling in path:
        if last == 0:
            raise BundleError("prova de inclusão: longa demais")
        if node & 1 or node == last:
            result = hashlib.sha256(b"\x01" + sibling + result).digest()
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            result = hashlib.sha256(b"\x01" + result + sibling).digest()
        node, last = node >> 1, last >> 1
    if last:
        raise BundleError("prova de inclusão: curta demais")
    return result


P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
# A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z; None stands for no point.


def recovered(y: int, sign: int) -> Any:
    """Return the point with this y and x's lowest bit, or None if there is none."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def decoded(encoded: bytes) -> Any:
    value = int.from_bytes(encoded, "little")
    return recovered(value & ((1 << 255) - 1), value >> 255)


def added(p: Any, q: Any) -> Any:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiplied(times: int, p: Any) -> Any:
    result = (0, 1, 1, 0)
    while times:
        if times & 1:
            result = added(result, p)
        p, times = added(p, p), times >> 1
    return result


BASE = recovered(4 * pow(5, P - 2, P) % P, 0)


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 signature is the key's (RFC 8032, 5.1.7)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decoded(public), decoded(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little")
    left, right = multiplied(s, BASE), added(r, multiplied(k % ORDER, a))
    return not (left[0] * right[2] - right[0] * left[2]) % P and not (
        (left[1] * right[2] - right[1] * left[2]) % P
    )


class Key(NamedTuple):
    """An operator's public key, from its line ``name+key id+base64(0x01 || key)``."""

    name: str
    id: bytes
    public: bytes


def key_of(line: str) -> Key:
    """Parse a verifier line. Raises ``ValueError`` if it is none."""
    found = re.fullmatch(r"([!-*,-~]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", line)
    kind_and_key = unbase64(found[3]) if found else b""
    if found is None or len(kind_and_key) != 33 or kind_and_key[0] != 1:
        raise ValueError("not a verifier line of an Ed25519 key")
    identifier = hashlib.sha256(found[1].encode() + b"\n" + kind_and_key).digest()[:4]
    if identifier.hex() != found[2]:
        raise ValueError("the key's id is not the key's")
    return Key(found[1], identifier, kind_and_key[1:])


class Checkpoint(NamedTuple):
    """What a signed note says that concerns this account."""

    number: int
    time: str
    size: int
    root: bytes


def signed_text(note: str, keys: list[Key]) -> str:
    """Return the note's text if one of the keys signed it."""
    body, blank, signatures = note.partition("\n\n")
    message = (body + "\n").encode()
    for line in signatures.split("\n") if blank else ():
        mark, _, rest = line.partition("— ")
        name, _, encoded = rest.partition(" ")
        try:
            blob = unbase64(encoded)
        except ValueError:
            continue
        for key in keys:
            mine = mark == "" and (name, blob[:4]) == (key.name, key.id)
            if mine and signature_holds(key.public, message, blob[4:]):
                return body + "\n"
    raise BundleError("a assinatura do checkpoint não é de nenhuma das chaves conhecidas")


def checkpoint_of(text: str) -> Checkpoint:
    found = re.fullmatch(
        r"[^\n]+\n([1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n"
        r"number ([1-9]\d*)\ntime ([0-9T:.Z-]+)\nevents (?:0|[1-9]\d*)\nprevious [^\n]+\n",
        text,
        re.ASCII,
    )
    if found is None:
        raise BundleError("o checkpoint não está na forma do formato")
    moment(found[4])
    return Checkpoint(int(found[3]), found[4], int(found[1]), unbase64(found[2]))


def check_inclusion(proof: dict[str, Any], manifest: dict[str, Any], keys: list[Key]) -> Checkpoint:
    """Check that a signed checkpoint holds the account's head that the proof tells."""
    checkpoint = checkpoint_of(signed_text(proof["checkpoint"], keys))
    if proof["account_id"] != manifest["account_id"]:
        raise BundleError("a prova de inclusão é de outra conta")
    leaf = UUID(proof["account_id"]).bytes + struct.pack("!Q", whole(proof["position"]))
    leaf += digest(proof["hash"])
    path = [digest(each) for each in proof["path"]]
    if root_of(leaf, whole(proof["index"]), checkpoint.size, path) != checkpoint.root:
        raise BundleError("a prova de inclusão não leva à raiz do checkpoint")
    return checkpoint


# --- the whole


class Report(NamedTuple):
    """What was proved, and what was not, of what the bundle says that it is."""

    about: str
    proved: list[str]
    unproved: list[str]


def verified(root: Path, given: list[Key]) -> Report:
    """Check the whole bundle. Raises `BundleError` at the first thing that does not fit."""
    manifest = manifest_of(root)
    check_files(root, manifest)
    proof = proof_of(root, manifest)
    chain = check_chain(root, manifest, proof["position"] if proof else None)
    report = Report(
        f"conta {manifest['account_id']}, período pedido: {period(manifest)}",
        [
            f"os {len(manifest['files'])} arquivos são os do manifesto",
            f"os eventos {chain.first} a {chain.last} formam uma cadeia sem lacunas",
        ],
        [],
    )
    if proof:
        keys = given or [key_of(line) for line in manifest["keys"]]
        fixed = check_checkpoint(proof, manifest, chain, keys, report)
        tell_range(manifest, chain, fixed, report)
    elif given:
        raise BundleError("nenhum checkpoint assinado com a chave dada cobre os eventos")
    else:
        report.unproved.append(
            "que o histórico não foi refeito e que nada falta do período: sem checkpoint assinado"
            " não se nota quem muda um evento e refaz todos os hashes seguintes, nem quem corta o"
            " começo ou o fim"
        )
    if proof and not given:
        report.unproved.append(
            "que a chave é mesmo do operador: ela veio no próprio pacote; informe com --key a que"
            f" ele publica. A do pacote é {' '.join(manifest['keys'])}"
        )
    report.unproved.append("o que schemas/ e LEIA-ME.txt explicam: nenhuma assinatura os cobre")
    report.unproved.append(
        "o conteúdo pessoal: ele está cifrado, e só se prova que os bytes cifrados são os gravados"
    )
    return report


def period(manifest: dict[str, Any]) -> str:
    begin, end = manifest["requested"]["from"], manifest["requested"]["to"]
    until = f"antes de {end}" if end else "sem fim marcado"
    return f"desde {begin or 'o início do histórico'}, {until}"


def proof_of(root: Path, manifest: dict[str, Any]) -> dict[str, Any] | None:
    name = "checkpoints/inclusion.json"
    if name not in manifest["files"]:
        return None
    proof = parsed((root / name).read_bytes(), name, indent=2)
    return with_names(proof, "account_id", "position", "hash", "index", "path", "checkpoint")


def check_checkpoint(
    proof: dict[str, Any], manifest: dict[str, Any], chain: Chain, keys: list[Key], report: Report
) -> Seen:
    """Return the event up to which a checkpoint fixes the history."""
    checkpoint = check_inclusion(proof, manifest, keys)
    position = proof["position"]
    which = f"o checkpoint {checkpoint.number}, assinado em {checkpoint.time},"
    if chain.shown is None:
        raise BundleError(f"{which} mostra o evento {position}, que não está no pacote")
    if chain.shown.hash.hex() != proof["hash"]:
        raise BundleError(
            f"{which} mostra outro hash no evento {position}: o histórico foi refeito"
        )
    report.proved.append(f"{which} fixa tudo até o evento {position}, o último que havia então")
    return chain.shown


def tell_range(manifest: dict[str, Any], chain: Chain, fixed: Seen, report: Report) -> None:
    """Tell what of the asked time is whole: the event before and one after it are proved."""
    begin, end = manifest["requested"]["from"], manifest["requested"]["to"]
    reached = end and fixed.recorded_at >= moment(end)
    if begin and fixed.recorded_at < moment(begin):
        report.unproved.append(
            f"nada do período pedido: o último evento que um checkpoint fixa, {fixed}, é de antes"
        )
    else:
        until = end if reached else f"o evento {fixed}"
        report.proved.append(
            f"não falta nenhum evento desde {begin or 'o início do histórico'} até {until}"
        )
    if not reached:
        left_out = manifest["events"]["left_out"]
        report.unproved.append(
            f"que não houve outros eventos depois do evento {fixed}"
            + (f" e antes de {end}" if end else "")
            + (f": quem exportou diz que deixou {left_out} de fora" if left_out else "")
        )
    if fixed.position < chain.last.position:
        report.unproved.append(
            f"que os eventos {fixed.position + 1} a {chain.last.position} são os gravados: eles só"
            f" formam uma cadeia, que se pode refazer; um checkpoint só fixa até o evento {fixed}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Confere um histórico exportado.")
    parser.add_argument("bundle", type=Path, help="a pasta, ou o arquivo .tar.gz")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="LINE",
        help="a chave pública do operador (nome+id+base64); sem ela, usa-se a do pacote",
    )
    arguments = parser.parse_args()
    if not arguments.bundle.exists():
        parser.error(f"{arguments.bundle} não existe")
    try:
        keys = [key_of(line.strip()) for line in arguments.key]
    except ValueError:
        parser.error("--key não é uma chave pública na forma nome+id+base64")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            report = verified(opened(arguments.bundle, scratch), keys)
        except BundleError as error_found:
            print(f"NÃO CONFERE: {error_found}")
            return 1
        except Exception as error:
            # Whatever a damaged or hostile file makes the readers of tar, gzip and JSON raise.
            print(f"NÃO CONFERE: o pacote não pode ser lido ({error!r:.200})")
            return 1
    print(report.about)
    for line in report.proved:
        print(f"provado: {line}")
    for line in report.unproved:
        print(f"NÃO provado: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
