"""What the sync core reads from the environment."""

from pydantic_settings import SettingsConfigDict

from shared.sealing import MasterKeys
from shared.settings import (
    DatabaseUrl,
    MasterKey,
    MigrationSettings,
    Port,
    ProcessSettings,
    ServiceSettings,
)

_PREFIX = "SYNC_CORE_"


class Settings(ServiceSettings):
    """A running core's settings."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    port: Port = 8080


class Audit(ProcessSettings):
    """What reading the log takes: neither the bus nor any key."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    database_url: DatabaseUrl


class Repair(Audit):
    """What taking up parked facts takes: they are sealed."""

    master_key: MasterKey

    @property
    def master_keys(self) -> MasterKeys:
        """The keys that :attr:`master_key` spells."""
        return MasterKeys.parse(self.master_key.get_secret_value())


class Migration(MigrationSettings):
    """What migrating the core's schema needs."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)
