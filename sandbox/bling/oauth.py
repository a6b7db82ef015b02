"""What the authorisation server knows: codes, access tokens and refresh tokens of companies."""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.bling.errors import ApiError, validation
from sandbox.bling.state import Clock, Json

CODE_LIFE = timedelta(minutes=1)
ACCESS_LIFE = timedelta(hours=6)
REFRESH_LIFE = timedelta(days=30)

# Scope ids are numbers, shown only in Bling's app settings; these are invented.
SCOPE = "98309 98310 318257565 318257570 363921589 1780930003"


@dataclass(slots=True)
class _Code:
    company_id: str
    expires_at: datetime
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    company_id: str
    expires_at: datetime


class Authorisations:
    """Issues, rotates and revokes what an app holds of each company."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def is_authorised(self, company_id: str) -> bool:
        """Tell whether the app holds a living authorisation, obtained up to the tokens."""
        now = self._clock()
        return any(t.company_id == company_id and now < t.expires_at for t in self._all_tokens())

    def issue_code(self, company_id: str) -> str:
        """Make a code for the redirect after consent."""
        code = secrets.token_hex(20)
        self._codes[code] = _Code(company_id, self._clock() + CODE_LIFE)
        return code

    def exchange(self, code: str, *, jwt: bool) -> Json:
        """Turn a code into tokens; using a code that still lives twice revokes the company."""
        known = self._codes.get(code)
        if known is None:
            raise validation("Invalid authorization code")
        if self._clock() >= known.expires_at:
            raise _invalid_grant("The authorization code has expired")
        if known.used:
            self.revoke_company(known.company_id)
            raise validation("Invalid authorization code")
        known.used = True
        return self._issue(known.company_id, jwt=jwt)

    def refresh(self, token: str, *, jwt: bool) -> Json:
        """Rotate a refresh token: the one presented is worth nothing afterwards."""
        known = self._refresh.pop(token, None)
        if known is None or self._clock() >= known.expires_at:
            raise _invalid_grant("The refresh token is invalid")
        return self._issue(known.company_id, jwt=jwt)

    def company_of(self, access_token: str) -> str:
        """Find whose access token this is, or refuse it with 401."""
        known = self._access.get(access_token)
        if known is None:
            raise invalid_token("The access token provided is invalid")
        if self._clock() >= known.expires_at:
            raise invalid_token("The access token provided has expired")
        return known.company_id

    def expire_access(self, company_id: str) -> int:
        """End the life of a company's access tokens now, and count them."""
        mine = [t for t, known in self._access.items() if known.company_id == company_id]
        for token in mine:
            self._access[token] = _Token(company_id, self._clock())
        return len(mine)

    def revoke_token(
        self, token: str, *, hint: Literal["access_token", "refresh_token"] | None
    ) -> str | None:
        """Revoke one token and tell whose it was; an unknown one is no error."""
        stores = {"access_token": [self._access], "refresh_token": [self._refresh]}
        for store in stores.get(hint or "", [self._access, self._refresh]):
            known = store.pop(token, None)
            if known is not None:
                return known.company_id
        return None

    def revoke_company(self, company_id: str) -> None:
        """Withdraw the app's authorisation for a company."""
        for store in (self._access, self._refresh):
            for token in [t for t, known in store.items() if known.company_id == company_id]:
                del store[token]

    def clear(self) -> None:
        """Forget every code and token."""
        self._codes.clear()
        self._access.clear()
        self._refresh.clear()

    def _all_tokens(self) -> list[_Token]:
        return [*self._refresh.values(), *self._access.values()]

    def _issue(self, company_id: str, *, jwt: bool) -> Json:
        # An earlier access token stays good until its end; Bling documents neither way.
        now = self._clock()
        access = _jwt_like(company_id, now) if jwt else secrets.token_hex(20)
        refresh = secrets.token_hex(20)
        self._access[access] = _Token(company_id, now + ACCESS_LIFE)
        self._refresh[refresh] = _Token(company_id, now + REFRESH_LIFE)
        return {
            "access_token": access,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "token_type": "bearer",
            "scope": SCOPE,
            "refresh_token": refresh,
        }


def invalid_token(message: str) -> ApiError:
    """Refuse an access token; only this answer asks for a refresh."""
    return ApiError(401, "invalid_token", message)


def _invalid_grant(message: str) -> ApiError:
    # Bling does not say which status goes with it; OAuth 2.0 (RFC 6749, 5.2) says 400.
    return ApiError(400, "invalid_grant", message)


def _jwt_like(company_id: str, now: datetime) -> str:
    """Make a token of a real JWT's shape and length, 1,500 to 3,000 characters."""
    header = {"alg": "RS256", "typ": "JWT", "kid": secrets.token_hex(8)}
    claims = {
        "iss": "https://www.bling.com.br",
        "sub": company_id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_LIFE).timestamp()),
        "jti": secrets.token_hex(20),
        "scope": SCOPE.split(),
        "ctx": secrets.token_hex(420),
    }
    parts = [_encoded(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, _encoded(secrets.token_bytes(256))])


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
