"""What the authorisation server knows: codes, access tokens and refresh tokens of companies."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.bling.errors import ApiError, validation
from sandbox.bling.registration import Registration
from sandbox.bling.state import Clock, Company, Json
from sandbox.bling.unconfirmed import Unconfirmed

CODE_LIFE = timedelta(minutes=1)
REFRESH_LIFE = timedelta(days=30)


@dataclass(slots=True)
class _Code:
    company: Company
    expires_at: datetime
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Access:
    company: Company
    expires_at: datetime
    jwt: bool


@dataclass(frozen=True, slots=True)
class _Refresh:
    company: Company
    expires_at: datetime
    access: str
    """The access token that was issued together with it."""


class Authorisations:
    """Issues, rotates and revokes what an app holds of each company."""

    def __init__(
        self,
        clock: Clock,
        registration: Registration,
        unconfirmed: Unconfirmed,
        companies: Mapping[str, Company],
    ) -> None:
        self._clock = clock
        self._registration = registration
        self._unconfirmed = unconfirmed
        self._companies = companies
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Access] = {}
        self._refresh: dict[str, _Refresh] = {}

    def is_authorised(self, company_id: str) -> bool:
        """Tell whether the app holds a living authorisation, obtained up to the tokens."""
        now = self._clock()
        tokens: list[_Refresh | _Access] = [*self._refresh.values(), *self._access.values()]
        return any(t.company.id == company_id and now < t.expires_at for t in tokens)

    def issue_code(self, company_id: str) -> str:
        """Make a code for the redirect after consent."""
        code = secrets.token_hex(20)
        self._codes[code] = _Code(self._companies[company_id], self._clock() + CODE_LIFE)
        return code

    def exchange(self, code: str, *, jwt: bool) -> tuple[Company, Json]:
        """Turn a code into tokens; using a code that still lives twice revokes the company."""
        known = self._codes.get(code)
        if known is None:
            raise validation("Invalid authorization code")
        if self._clock() >= known.expires_at:
            raise ApiError(400, "invalid_grant", "The authorization code has expired")
        if known.used:
            self.revoke_company(known.company.id)
            raise validation("Invalid authorization code")
        _require_active(known.company)
        known.used = True
        return known.company, self._issue(known.company, self._clock() + REFRESH_LIFE, jwt=jwt)

    def refresh(self, token: str, *, jwt: bool) -> tuple[Company, Json]:
        """Rotate a refresh token: the one presented is worth nothing afterwards."""
        known = self._refresh.get(token)
        if known is None or self._clock() >= known.expires_at:
            status = self._unconfirmed.refused_refresh_status
            raise ApiError(status, "invalid_grant", "The refresh token is invalid")
        _require_active(known.company)
        del self._refresh[token]
        if not self._unconfirmed.refresh_keeps_access:
            self._access.pop(known.access, None)
        until = known.expires_at
        if self._unconfirmed.refresh_restarts_life:
            until = self._clock() + REFRESH_LIFE
        return known.company, self._issue(known.company, until, jwt=jwt)

    def company_of(self, access_token: str, *, asks_for_jwt: bool) -> Company:
        """Find whose access token this is, or refuse it with 401."""
        known = self._access.get(access_token)
        if known is None or not known.company.active:
            raise invalid_token("The access token provided is invalid")
        if self._clock() >= known.expires_at:
            raise invalid_token("The access token provided has expired")
        refused = self._unconfirmed.opaque_with_jwt_header == "refused"
        if asks_for_jwt and not known.jwt and refused:
            raise invalid_token("The access token provided is invalid")
        return known.company

    def expire_access(self, company_id: str) -> int:
        """End the life of a company's access tokens now, and count them."""
        mine = [t for t, known in self._access.items() if known.company.id == company_id]
        for token in mine:
            self._access[token] = replace(self._access[token], expires_at=self._clock())
        return len(mine)

    def revoke_token(self, token: str) -> str | None:
        """Revoke one token and tell whose it was; an unknown one is no error."""
        known = self._access.pop(token, None) or self._refresh.pop(token, None)
        return known.company.id if known else None

    def revoke_company(self, company_id: str) -> None:
        """Withdraw the app's authorisation for a company."""
        self._access = {t: k for t, k in self._access.items() if k.company.id != company_id}
        self._refresh = {t: k for t, k in self._refresh.items() if k.company.id != company_id}

    def revoke_all(self) -> None:
        """Withdraw the app's authorisation for every company."""
        self._access.clear()
        self._refresh.clear()

    def _issue(self, company: Company, until: datetime, *, jwt: bool) -> Json:
        expires_at = self._clock() + timedelta(seconds=self._registration.expires_in)
        access = self._jwt(company.id, expires_at) if jwt else secrets.token_hex(20)
        refresh = secrets.token_hex(20)
        self._access[access] = _Access(company, expires_at, jwt)
        self._refresh[refresh] = _Refresh(company, until, access)
        return {
            "access_token": access,
            "expires_in": self._registration.expires_in,
            "token_type": "bearer",
            "scope": self._registration.scope,
            "refresh_token": refresh,
        }

    def _jwt(self, company_id: str, expires_at: datetime) -> str:
        """Make a token of a real JWT's shape and length, 1,500 to 3,000 characters."""
        header = {"alg": "RS256", "typ": "JWT", "kid": secrets.token_hex(8)}
        claims = {
            "iss": "https://www.bling.com.br",
            "sub": company_id,
            "iat": int(self._clock().timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_hex(20),
            "scope": self._registration.scope.split(),
            "ctx": secrets.token_hex(420),
        }
        parts = [_encoded(json.dumps(part).encode()) for part in (header, claims)]
        return ".".join([*parts, _encoded(secrets.token_bytes(256))])


def invalid_token(message: str) -> ApiError:
    """Refuse an access token; only this answer asks for a refresh."""
    return ApiError(401, "invalid_token", message)


def _require_active(company: Company) -> None:
    # Neither the status nor whether the grant is used up is documented.
    if not company.active:
        raise ApiError(400, "UNAUTHORIZED_ERROR", "Empresa inativa")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
