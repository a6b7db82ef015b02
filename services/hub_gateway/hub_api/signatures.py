"""Whether a webhook really comes from 360Hub (Standard Webhooks 1.0): a pure check on raw bytes."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final

from services.hub_gateway.port import NotAuthenticError

TOLERANCE_S: Final = 300
"""How far the time of an attempt may lie from ours, either way: older ones could be replays."""

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

_PREFIX: Final = "whsec_"
_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_SECONDS: Final = re.compile(r"[0-9]{1,15}")


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now_s: float) -> str:
    """Return the webhook's id, or raise `NotAuthenticError`.

    Any of the secrets and any of the signatures will do: both are in twos while one is rotated.
    """
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(webhook_id):
        raise NotAuthenticError("webhook-id is missing or unusable")
    if not _SECONDS.fullmatch(timestamp):
        raise NotAuthenticError("webhook-timestamp is missing or no number")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise NotAuthenticError("webhook-timestamp is too far from now")
    offered = _offered(headers.get("webhook-signature", ""))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    if not _any_match(offered, [_digest(secret, signed) for secret in secrets]):
        raise NotAuthenticError("no signature matches")
    return webhook_id


def usable(secret: str) -> bool:
    """Tell whether 360Hub's secret has the agreed form."""
    try:
        return secret.startswith(_PREFIX) and len(_key(secret)) > 0
    except ValueError:  # no base64, or text that is not even ASCII
        return False


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.new(_key(secret), signed, hashlib.sha256).digest()


def _offered(header: str) -> list[bytes]:
    parts = (part.partition(",") for part in header.split(" "))
    found = (_decoded(value) for version, _, value in parts if version == "v1")
    return [digest for digest in found if digest is not None]


def _decoded(value: str) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):  # non-ASCII text raises the latter
        return None


def _any_match(offered: list[bytes], expected: list[bytes]) -> bool:
    # Every pair is compared, so that the time taken tells nothing of which secret is in use.
    matches = [hmac.compare_digest(one, other) for one in offered for other in expected]
    return any(matches)
