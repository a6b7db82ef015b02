"""What every call to the API passes on its way to its handler, outermost first."""

import asyncio
import hashlib
import json
import re
from datetime import timedelta

from aiohttp import web

from sandbox.hub.clock import stamp
from sandbox.hub.faults import Fault, FaultName
from sandbox.hub.oauth import authenticated
from sandbox.hub.problems import (
    ANSWER_HEADERS,
    ERROR_CODES,
    REQUEST_ID,
    ApiError,
    Handler,
    answered,
)
from sandbox.hub.state import ACCOUNT, Account, StoredAnswer, Token, account_of, hub_of

KEY_KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{8,128}")
_REPLAYED = "Idempotent-Replayed"
_TRACKING_PARTS = frozenset({"tracking", "labels", "occurrences"})


@web.middleware
async def keep_journal(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write down each call of a known account, with its answer."""
    response = await answered(request, handler)
    account = request.get(ACCOUNT)
    if account is not None:
        account.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "status": response.status,
                "at": stamp(account.clock.now()),
                "idempotency_key": request.headers.get("Idempotency-Key"),
                "request_id": request[REQUEST_ID],
                "replayed": _REPLAYED in response.headers,
            }
        )
    return response


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the token decide the account, and refuse what its scopes do not cover."""
    hub = hub_of(request)
    token = authenticated(hub, request)
    account = token.account
    request[ACCOUNT] = account
    if account.faults.take(FaultName.EXPIRED_TOKEN, request.method, request.path):
        token.expires_at = hub.clock.now()
        raise ApiError("token-expired")
    if account.suspended:
        raise ApiError("account-suspended")
    _check_scope(token, request.path)
    return await handler(request)


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the call, and tell in every answer what is left."""
    allowance = account_of(request).allowance
    allowed = allowance.take()
    request[ANSWER_HEADERS].update(allowance.headers())
    if not allowed:
        raise ApiError("rate-limited", headers={"Retry-After": str(allowance.reset_s)})
    return await handler(request)


@web.middleware
async def inject_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Fail on request: before anything happened, or after it took effect."""
    faults, method, path = account_of(request).faults, request.method, request.path
    if fault := faults.take(FaultName.RATE_LIMITED, method, path):
        _be_over_the_limit(request, max(1, round(fault.seconds)))
    if fault := faults.take(FaultName.ERROR_BEFORE, method, path):
        raise ApiError(ERROR_CODES[fault.error_status])
    if fault := faults.take(FaultName.PROBLEM, method, path):
        raise ApiError(fault.code)
    if _written_address(request) and faults.take(FaultName.CONCURRENT_UPDATE, method, path):
        raise ApiError("concurrent-update")
    fault = faults.take(FaultName.ERROR_AFTER, method, path)
    response = await answered(request, handler)
    if fault is not None:
        raise ApiError(ERROR_CODES[fault.error_status])
    return response


@web.middleware
async def once_per_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Carry out each `POST` once per `Idempotency-Key`, and repeat its first answer."""
    if request.method != "POST":
        return await handler(request)
    account = account_of(request)
    key = _idempotency_key(request)
    fingerprint = await _fingerprint(request)
    known = _live_answer(account, key)
    if known is not None:
        return _repeated(known, fingerprint)
    account.answers[key] = stored = StoredAnswer(fingerprint, account.clock.now())
    try:
        response = await answered(request, handler)
        _keep(stored, response)
    finally:
        if stored.status is None:
            del account.answers[key]
    return response


@web.middleware
async def one_write_at_a_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a write while another one to the same order or product runs; be slow on request."""
    account = account_of(request)
    address = _written_address(request)
    if address is not None and address in account.writing:
        raise ApiError("concurrent-update")
    early = account.faults.take(FaultName.SLOW_BEFORE, request.method, request.path)
    late = account.faults.take(FaultName.SLOW, request.method, request.path)
    if address is not None:
        account.writing.add(address)
    try:
        await _wait(early)
        response = await answered(request, handler)
        await _wait(late)
        return response
    finally:
        if address is not None:
            account.writing.discard(address)


async def _wait(slow: Fault | None) -> None:
    if slow is not None:
        await asyncio.sleep(slow.seconds)


def _be_over_the_limit(request: web.Request, seconds: int) -> None:
    told = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(seconds)}
    request[ANSWER_HEADERS].update(told)
    raise ApiError("rate-limited", headers={"Retry-After": str(seconds)})


def _check_scope(token: Token, path: str) -> None:
    parts = path.split("/")[2:] or [""]
    needed = {"orders": "orders", "manifests": "orders", "products": "products"}.get(parts[0])
    if parts[0] == "orders" and parts[-1] in _TRACKING_PARTS:
        needed = "tracking"
    if needed is not None and needed not in token.scopes:
        raise ApiError("scope", f"The call needs the scope {needed}.")


def _written_address(request: web.Request) -> str | None:
    """Name the order or product that a call writes to."""
    parts = request.path.split("/")
    writes = request.method in ("PUT", "POST") and len(parts) > 3
    return "/".join(parts[2:4]) if writes and parts[2] in ("orders", "products") else None


def _idempotency_key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise ApiError("malformed", "A POST needs an Idempotency-Key of 8 to 128 characters.")
    return key


async def _fingerprint(request: web.Request) -> str:
    body = hashlib.sha256(await request.read()).hexdigest()
    return f"{request.path} {body}"


def _live_answer(account: Account, key: str) -> StoredAnswer | None:
    answer = account.answers.get(key)
    if answer is None or account.clock.now() - answer.at >= KEY_KEPT_FOR:
        return None
    return answer


def _repeated(known: StoredAnswer, fingerprint: str) -> web.Response:
    if known.fingerprint != fingerprint:
        raise ApiError("idempotency-key-reused")
    if known.status is None:
        raise ApiError("idempotency-in-progress")
    return web.Response(
        status=known.status,
        body=known.body,
        content_type=known.content_type,
        charset="utf-8",
        headers={_REPLAYED: "true"},
    )


def _keep(stored: StoredAnswer, response: web.StreamResponse) -> None:
    """Keep an answer for repetition, unless it asks to be tried again itself."""
    if not isinstance(response, web.Response):
        raise TypeError("only whole answers can be repeated")
    if response.status >= 500 or _retryable(response):
        return
    stored.status = response.status
    stored.body = response.body if isinstance(response.body, bytes) else b""
    stored.content_type = response.content_type


def _retryable(response: web.Response) -> bool:
    return response.status == 409 and json.loads(response.text or "{}").get("retryable") is True
