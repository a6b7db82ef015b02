"""Access tokens by client credentials."""

import base64
import binascii
import hmac
import secrets
from datetime import timedelta

from aiohttp import web

from sandbox.hub.faults import TOKEN_PATH, FaultName
from sandbox.hub.problems import ERROR_CODES, ApiError
from sandbox.hub.state import HUB, Account, Hub, Token

TOKEN_LIFE = timedelta(hours=1)
SCOPES = frozenset({"orders", "products", "tracking"})


async def issue_token(request: web.Request) -> web.Response:
    """Answer an access token to a client that proves itself with HTTP Basic."""
    hub = request.config_dict[HUB]
    client_id, secret = _basic(request)
    account = hub.account_of_client(client_id)
    if account is not None:
        _count(account)
        _fail_on_request(account)
    if account is None or not _knows(account, secret):
        return _refusal("invalid_client", status=401)
    if request.content_type != "application/x-www-form-urlencoded":
        return _refusal("invalid_request")
    form = await request.post()
    if form.get("grant_type") != "client_credentials":
        return _refusal("unsupported_grant_type")
    scopes = frozenset(str(form.get("scope", "")).split()) or SCOPES
    if not scopes <= SCOPES:
        return _refusal("invalid_scope")
    return _granted(hub, account, scopes)


def authenticated(hub: Hub, request: web.Request) -> Token:
    """Find the token of a call; raises the 401 that fits."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise ApiError("token-missing")
    token = hub.tokens.get(value)
    if token is None:
        raise ApiError("token-invalid")
    if token.expires_at <= hub.clock.now():
        raise ApiError("token-expired")
    return token


def add_secret(account: Account) -> str:
    """Make a further secret; the one before stays valid, older ones do not."""
    secret = secrets.token_urlsafe(32)
    account.secrets = [secret, *account.secrets[:1]]
    return secret


def expire_tokens(hub: Hub, account: Account) -> int:
    """Let every token of an account expire now; answers how many."""
    now = hub.clock.now()
    live = [t for t in hub.tokens.values() if t.account is account and t.expires_at > now]
    for token in live:
        token.expires_at = now
    return len(live)


def _basic(request: web.Request) -> tuple[str, str]:
    """Read the client's name and secret; both empty where there are none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return "", ""
    return client_id, secret


def _knows(account: Account, secret: str) -> bool:
    return any(hmac.compare_digest(secret.encode(), known.encode()) for known in account.secrets)


def _count(account: Account) -> None:
    allowance = account.token_allowance
    if not allowance.take():
        headers = {**allowance.headers(), "Retry-After": str(allowance.reset_s)}
        raise ApiError("rate-limited", headers=headers)


def _fail_on_request(account: Account) -> None:
    if fault := account.faults.take(FaultName.ERROR_BEFORE, "POST", TOKEN_PATH):
        raise ApiError(ERROR_CODES[fault.error_status])


def _granted(hub: Hub, account: Account, scopes: frozenset[str]) -> web.Response:
    value = f"hat_{base64.urlsafe_b64encode(secrets.token_bytes(48)).decode()}"
    hub.tokens[value] = Token(account, scopes, hub.clock.now() + TOKEN_LIFE)
    granted = {
        "access_token": value,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "scope": " ".join(sorted(scopes)),
        "account_id": account.account_id,
    }
    return web.json_response(granted, headers={"Cache-Control": "no-store"})


def _refusal(error: str, *, status: int = 400) -> web.Response:
    headers = {"WWW-Authenticate": 'Basic realm="360Hub"'} if status == 401 else {}
    return web.json_response({"error": error}, status=status, headers=headers)
