"""One byte form for one value: what is hashed, compared and stored."""

from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """Return the canonical JSON bytes of a JSON value: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
