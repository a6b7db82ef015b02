"""Secrets of a development run, made once and kept in .run/development.env."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.database import SERVICES


def secrets_of(state: Path) -> Mapping[str, str]:
    """Return the keys and API tokens kept in `state`; what is not there yet is made."""
    path = state / "development.env"
    state.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    kept = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    made = {name: value for name, value in new_secrets().items() if name not in kept}
    with path.open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in made.items())
    return kept | made


def new_secrets() -> dict[str, str]:
    """Make a master key and one API token, named `developer`, for each; the core signs, too."""
    made = {}
    for service in SERVICES:
        prefix = service.upper()
        made[f"{prefix}_MASTER_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
        made[f"{prefix}_API_TOKENS"] = f"developer:{secrets.token_urlsafe(24)}"
    made["SYNC_CORE_CHECKPOINT_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
    return made


def fingerprint(environment: Mapping[str, str]) -> str:
    """Return what tells one set of master keys from another, and nothing about them."""
    keys = [environment[f"{service.upper()}_MASTER_KEY"] for service in SERVICES]
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]
