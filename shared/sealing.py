"""Encryption at rest: AES-256-GCM under master keys that rotate, and one key per data subject.

A sealed value is ``version (1 byte) | key id (4) | nonce (12) | ciphertext and tag``. The context
is authenticated with it: what was sealed for one place does not open in another.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = len(_VERSION) + _ID_BYTES
_TAG_BYTES: Final = 16


class SealError(Exception):
    """What was sealed cannot be opened, or a key is not a key."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One AES-256 key, and the id by which what it sealed names it."""

    cipher: AESGCM = field(repr=False)
    id: bytes

    @classmethod
    def of(cls, secret: bytes) -> Self:
        return cls(AESGCM(secret), hashlib.sha256(b"key id" + secret).digest()[:_ID_BYTES])

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + self.id + nonce + self.cipher.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        nonce = sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        try:
            return self.cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], context)
        except InvalidTag:
            raise SealError("it was changed, or sealed for another context") from None


def _key_id(sealed: bytes) -> bytes:
    if len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[:1] != _VERSION:
        raise SealError("it is not a sealed value")
    return sealed[len(_VERSION) : _HEADER_BYTES]


class MasterKeys:
    """The service's own keys: the current one seals, older ones still open."""

    def __init__(self, current: bytes, older: Sequence[bytes] = ()) -> None:
        keys = [_Key.of(_checked(secret)) for secret in (current, *older)]
        self._current = keys[0]
        self._by_id = {key.id: key for key in keys}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read base64 keys, the current one first, separated by commas. Raises `SealError`."""
        current, *older = [_decoded(part) for part in text.split(",")]
        return cls(current, older)

    @property
    def older_ids(self) -> list[bytes]:
        """The ids by which the older keys are named in what they sealed (bytes 2 to 5)."""
        return [key_id for key_id in self._by_id if key_id != self._current.id]

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt under the current key, bound to ``context``."""
        return self._current.seal(plain, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what any of the keys sealed. Raises `SealError`."""
        key = self._by_id.get(_key_id(sealed))
        if key is None:
            raise SealError("it was sealed with a key that is not among the master keys")
        return key.open(sealed, context)

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the current key sealed it; if not, it is due to be sealed again."""
        return _key_id(sealed) == self._current.id


class DataKey:
    """The key of one data subject. Destroying its wrapped form erases all it ever sealed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = _checked(secret)

    @classmethod
    def new(cls) -> Self:
        return cls(os.urandom(_KEY_BYTES))

    @classmethod
    def unwrap(cls, wrapped: bytes, master: MasterKeys, *, context: bytes) -> Self:
        """Undo :meth:`wrap`. Raises `SealError`."""
        return cls(master.open(wrapped, context=context))

    def wrap(self, master: MasterKeys, *, context: bytes) -> bytes:
        """Return the key sealed under the master key, to be stored."""
        return master.seal(self._secret, context=context)

    def seal(self, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt, bound to ``context``."""
        return self._sealing.seal(plain, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what this key sealed. Raises `SealError`."""
        if _key_id(sealed) != self._sealing.id:
            raise SealError("it was sealed with another subject's key")
        return self._sealing.open(sealed, context)

    def digest(self, data: bytes) -> str:
        """Return a keyed digest (HMAC-SHA256, hex): equal data, equal digest, for this key only."""
        return hmac.new(self._digesting, data, hashlib.sha256).hexdigest()

    @cached_property
    def _sealing(self) -> _Key:
        return _Key.of(self._derived(b"seal"))

    @cached_property
    def _digesting(self) -> bytes:
        return self._derived(b"digest")

    def _derived(self, purpose: bytes) -> bytes:
        # One key for one purpose: the secret itself neither encrypts nor signs.
        return hmac.new(self._secret, purpose, hashlib.sha256).digest()


def _checked(secret: bytes) -> bytes:
    if len(secret) != _KEY_BYTES:
        raise SealError(f"must be the base64 of {_KEY_BYTES} bytes")
    return secret


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise SealError(f"must be the base64 of {_KEY_BYTES} bytes") from None
