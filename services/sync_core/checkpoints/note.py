"""Signed notes (C2SP signed-note): text that people can read, and signatures of it below.

A signature is Ed25519 (type 1) over the text with its last newline. A verifier line is what others
need to check it: ``name+key id+base64(0x01 || public key)``.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519: Final = b"\x01"
_SEED_BYTES: Final = 32
_ID_BYTES: Final = 4
_MARK: Final = "— "
_NAME: Final = re.compile(r"[^\s+]+")


class NoteError(Exception):
    """It is no signed note, or none of the known keys signed it."""


class KeyTextError(Exception):
    """The text does not spell a key."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whoever holds it can tell what its signer signed."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    @property
    def line(self) -> str:
        """The verifier line, to be handed to third parties."""
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Undo :attr:`line`. Raises `KeyTextError`."""
        name, _, rest = line.strip().partition("+")
        key_id, _, key = rest.partition("+")
        public = _decoded(key)
        if len(public) != 1 + _SEED_BYTES or public[:1] != _ED25519 or not _NAME.fullmatch(name):
            raise KeyTextError("must be name+key id+base64 of an Ed25519 key")
        verifier = cls(name, public[1:])
        if verifier.id.hex() != key_id:
            raise KeyTextError("must have the key id that belongs to its name and key")
        return verifier

    def accepts(self, text: str, signature: bytes) -> bool:
        """Tell whether the signer signed this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs, under the name that its notes bear."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """What others need to check its signatures."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the note: the text, which must end with a newline, and the signature."""
        signature = base64.b64encode(self.verifier.id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_MARK}{self.name} {signature}\n"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def seeds_of(text: str) -> tuple[bytes, ...]:
    """Read base64 seeds separated by commas. Raises `KeyTextError`."""
    seeds = tuple(_decoded(part.strip()) for part in text.split(","))
    if any(len(seed) != _SEED_BYTES for seed in seeds):
        raise KeyTextError(f"must be the base64 of {_SEED_BYTES} bytes")
    return seeds


def text_of(note: str) -> str:
    """Return what a note says, whoever signed it. Raises `NoteError`."""
    return _parted(note)[0]


def checked_text(note: str, verifiers: Iterable[Verifier]) -> str:
    """Return what a note says if one of these keys signed it. Raises `NoteError`."""
    text, signatures = _parted(note)
    known = {(verifier.name, verifier.id): verifier for verifier in verifiers}
    for name, signature in signatures:
        verifier = known.get((name, signature[:_ID_BYTES]))
        if verifier and verifier.accepts(text, signature[_ID_BYTES:]):
            return text
    raise NoteError("none of the known keys signed it")


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, blank, below = note.rpartition("\n\n")
    lines = below.split("\n")
    if not blank or lines.pop() != "" or not lines:
        raise NoteError("it is no signed note")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    try:
        signature = _decoded(encoded)
    except KeyTextError:
        signature = b""
    if not (line.startswith(_MARK) and space and len(signature) > _ID_BYTES):
        raise NoteError("a line below the text is no signature")
    return name, signature


def _decoded(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyTextError("must be base64") from None
    if base64.b64encode(decoded).decode() != text:  # one spelling only: every bit of it counts
        raise KeyTextError("must be base64")
    return decoded
