"""What the sync core reads from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.sync_core.checkpoints.note import KeyTextError, Signer, Verifier, seeds_of
from shared.sealing import MasterKeys
from shared.settings import (
    DatabaseUrl,
    HttpUrl,
    MasterKey,
    MigrationSettings,
    Port,
    ProcessSettings,
    ServiceSettings,
)

_PREFIX = "SYNC_CORE_"


def _check_seeds(value: SecretStr) -> SecretStr:
    try:
        seeds_of(value.get_secret_value())
    except KeyTextError as error:
        raise ValueError(str(error)) from error
    return value


def _check_verifiers(value: str) -> str:
    try:
        _verifiers_of(value)
    except KeyTextError as error:
        raise ValueError(str(error)) from error
    return value


def _verifiers_of(text: str) -> tuple[Verifier, ...]:
    return tuple(Verifier.parse(line) for line in text.split(",") if line)


_Seeds = Annotated[SecretStr, AfterValidator(_check_seeds)]
_Unset = BeforeValidator(lambda value: value or None)
"""Set to nothing is not set."""


class Checkpoints(ProcessSettings):
    """Who signs checkpoints, who can check them, and where a copy is kept outside the database.

    ``checkpoint_key`` is base64 seeds of Ed25519 keys, the newest first, separated by commas: the
    first signs, and all of them are believed. ``checkpoint_verifiers`` is verifier lines for those
    who check and do not sign.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    checkpoint_origin: Annotated[str, Field(pattern=r"^[^\s+]+$")] = "bling-360hub-sync"
    checkpoint_key: Annotated[_Seeds | None, _Unset, Field(repr=False)] = None
    checkpoint_verifiers: Annotated[str, AfterValidator(_check_verifiers)] = ""
    checkpoint_file: Annotated[Path | None, _Unset] = None

    @property
    def signers(self) -> tuple[Signer, ...]:
        """The keys that :attr:`checkpoint_key` spells, the one that signs first."""
        if self.checkpoint_key is None:
            return ()
        seeds = seeds_of(self.checkpoint_key.get_secret_value())
        return tuple(Signer(self.checkpoint_origin, seed) for seed in seeds)

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """Whom to believe."""
        own = tuple(signer.verifier for signer in self.signers)
        return own + _verifiers_of(self.checkpoint_verifiers)


class Settings(ServiceSettings, Checkpoints):
    """A running core's settings."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    port: Port = 8080
    erasures_file: Path
    checkpoint_interval_s: Annotated[float, Field(gt=0)] = 600.0
    checkpoint_url: Annotated[HttpUrl | None, _Unset] = None


class Archive(ProcessSettings):
    """Where the files of archived history are; needed as soon as there is any."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    archive_dir: Annotated[Path | None, _Unset] = None


class Audit(Checkpoints):
    """What reading the log takes: neither the bus nor a key that opens anything."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    database_url: DatabaseUrl


class Repair(Audit):
    """What appending to the log takes, and reading what is sealed in it."""

    master_key: MasterKey
    erasures_file: Path

    @property
    def master_keys(self) -> MasterKeys:
        """The keys that :attr:`master_key` spells."""
        return MasterKeys.parse(self.master_key.get_secret_value())


class Migration(MigrationSettings):
    """What migrating the core's schema needs."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)
