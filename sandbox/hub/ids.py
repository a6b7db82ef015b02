"""Identifiers in the hub's manner: a short prefix and a ULID."""

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_CHARACTERS = 26


def new_id(prefix: str) -> str:
    """Make an id such as `ord_01JPA3K7VZ…`; ids made later sort later, to the millisecond."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    characters = [_ALPHABET[number >> 5 * i & 31] for i in reversed(range(_ULID_CHARACTERS))]
    return f"{prefix}_{''.join(characters)}"
