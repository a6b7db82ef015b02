"""Events signed and posted as 360Hub does, or nearly so."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from standardwebhooks import Webhook

from tests.hub_gateway.system import Gateway


def event(kind: str = "order.status_changed", **fields: Any) -> bytes:
    values: dict[str, Any] = {
        "id": "evt_1",
        "type": kind,
        "timestamp": "2026-03-11T12:40:03Z",
        "sequence": 1,
        "data": {},
    }
    return json.dumps(values | fields).encode()


async def post(
    gateway: Gateway,
    account_id: object,
    body: bytes,
    *secrets: str,
    webhook_id: str | None = None,
    age_s: float = 0,
    changed: Mapping[str, str | None] | None = None,
) -> aiohttp.ClientResponse:
    """Post an event signed with the secrets; headers ``changed`` or left out after that."""
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    webhook_id = webhook_id or f"evt_{uuid4().hex}"
    signatures = [Webhook(secret).sign(webhook_id, at, body.decode()) for secret in secrets]
    headers: dict[str, str | None] = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    headers |= changed or {}
    sent = {name: value for name, value in headers.items() if value is not None}
    url = f"{gateway.url}/webhooks/hub/{account_id}"
    async with gateway.http.post(url, data=body, headers=sent) as response:
        await response.read()
        return response
