"""Secrets of a development run, made once and kept in .run/development.env."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.database import SERVICES


def secrets_of(state: Path) -> Mapping[str, str]:
    """Return the master keys and API tokens kept in `state`, made the first time."""
    path = state / "development.env"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in new_secrets().items()))
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def new_secrets() -> dict[str, str]:
    """Make a master key and one API token, named `developer`, for each service."""
    made = {}
    for service in SERVICES:
        prefix = service.upper()
        made[f"{prefix}_MASTER_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
        made[f"{prefix}_API_TOKENS"] = f"developer:{secrets.token_urlsafe(24)}"
    return made


def fingerprint(environment: Mapping[str, str]) -> str:
    """Return what tells one set of master keys from another, and nothing about them."""
    keys = [environment[f"{service.upper()}_MASTER_KEY"] for service in SERVICES]
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]
