"""The gateway's settings, all from the environment under ``HUB_GATEWAY_``."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import HttpUrl, MigrationSettings, OperatorSettings, Port, ServiceSettings

_PREFIX = "HUB_GATEWAY_"


class Settings(ServiceSettings):
    """What the running gateway needs beside what every service does."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    port: Port = 8082
    api_url: HttpUrl
    """Where 360Hub's API is, without ``/v1``."""
    public_url: HttpUrl
    """Where 360Hub reaches this gateway."""
    contact: str = "suporte@bling-360hub.example"
    """Whom 360Hub may write to about our calls: goes into every request's ``User-Agent``."""
    reconcile_every_s: float = Field(300.0, gt=0)
    """How often each account's changes are read, in case a webhook was lost."""


class Migration(MigrationSettings):
    """What migrating needs."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)


class Operating(OperatorSettings):
    """What operators' commands need."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)
