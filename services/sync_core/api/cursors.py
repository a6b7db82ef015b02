"""Cursors: where a page ends, in a form that callers cannot take apart."""

import base64
import binascii
from typing import Annotated, TypeAlias, TypeVar

from pydantic import Field, ValidationError

from shared.contracts import Frozen
from shared.web import Problem

CursorT = TypeVar("CursorT", bound=Frozen)

Number: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
"""What PostgreSQL's bigint holds: all that a place may be made of."""


def encode_cursor(place: Frozen) -> str:
    """Return the place as an opaque word for a URL."""
    return base64.urlsafe_b64encode(place.model_dump_json().encode()).rstrip(b"=").decode()


def decode_cursor(text: str | None, place: type[CursorT]) -> CursorT | None:
    """Undo :func:`encode_cursor`; no text, no place. Raises a problem if it is not ours."""
    if text is None:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        return place.model_validate_json(base64.b64decode(padded, b"-_", validate=True))
    except (binascii.Error, ValidationError, UnicodeEncodeError) as error:
        raise Problem(400, "cursor_invalid", "The cursor is not one of ours") from error
