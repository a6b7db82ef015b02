"""Sealing: only the right key, in the right place, unchanged."""

import base64
import os

import pytest

from shared.sealing import DataKey, MasterKeys, SealError

OLD, NEW = os.urandom(32), os.urandom(32)


def test_what_was_sealed_opens_in_its_context() -> None:
    keys = MasterKeys(NEW)

    sealed = keys.seal(b"token", context=b"account 1")

    assert b"token" not in sealed
    assert keys.open(sealed, context=b"account 1") == b"token"
    assert keys.seal(b"token", context=b"account 1") != sealed


def test_it_does_not_open_in_another_context() -> None:
    keys = MasterKeys(NEW)

    with pytest.raises(SealError, match="another context"):
        keys.open(keys.seal(b"token", context=b"account 1"), context=b"account 2")


@pytest.mark.parametrize("position", [0, 2, 8, 20, -1])
def test_it_does_not_open_when_changed(position: int) -> None:
    keys = MasterKeys(NEW)
    sealed = bytearray(keys.seal(b"token", context=b""))
    sealed[position] ^= 1

    with pytest.raises(SealError):
        keys.open(bytes(sealed), context=b"")


@pytest.mark.parametrize("length", [0, 1, 5, 17, 32])
def test_what_is_too_short_is_not_a_sealed_value(length: int) -> None:
    with pytest.raises(SealError, match="not a sealed value"):
        MasterKeys(NEW).open(b"\x01" * length, context=b"")


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    before, after = MasterKeys(OLD), MasterKeys(NEW, [OLD])
    sealed = before.seal(b"token", context=b"")

    assert after.open(sealed, context=b"") == b"token"
    assert not after.is_current(sealed)
    assert after.is_current(after.seal(b"token", context=b""))
    with pytest.raises(SealError, match="not among"):
        before.open(after.seal(b"token", context=b""), context=b"")


def test_keys_are_read_from_base64() -> None:
    text = ",".join(base64.b64encode(each).decode() for each in (NEW, OLD))

    keys = MasterKeys.parse(text)

    assert keys.open(MasterKeys(OLD).seal(b"x", context=b""), context=b"") == b"x"
    for wrong in ("", "not base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(SealError, match="base64 of 32 bytes"):
            MasterKeys.parse(wrong)


def test_a_subject_s_key_survives_wrapping() -> None:
    master, key = MasterKeys(NEW), DataKey.new()
    sealed = key.seal(b"Maria", context=b"event 1")

    again = DataKey.unwrap(key.wrap(master, context=b"subject"), master, context=b"subject")

    assert again.open(sealed, context=b"event 1") == b"Maria"
    assert again.digest(b"content") == key.digest(b"content")


def test_one_subject_s_key_says_nothing_about_another_s() -> None:
    key, other = DataKey.new(), DataKey.new()

    assert key.digest(b"content") != other.digest(b"content")
    with pytest.raises(SealError, match="another subject's key"):
        other.open(key.seal(b"Maria", context=b""), context=b"")
