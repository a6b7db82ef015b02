"""The gateway's settings, all from the environment under ``BLING_GATEWAY_``."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import HttpUrl, MigrationSettings, OperatorSettings, Port, ServiceSettings

_PREFIX = "BLING_GATEWAY_"


class Settings(ServiceSettings):
    """What the running gateway needs beside what every service does."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    port: Port = 8081
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1, repr=False)
    previous_client_secret: SecretStr | None = Field(None, repr=False)
    """Still good, for webhooks and token calls, while a new secret takes over."""
    api_url: HttpUrl = "https://api.bling.com.br/Api/v3"
    authorize_url: HttpUrl = "https://www.bling.com.br/Api/v3/oauth/authorize"
    token_url: HttpUrl = "https://api.bling.com.br/Api/v3/oauth/token"  # noqa: S105
    revoke_url: HttpUrl = "https://api.bling.com.br/Api/v3/oauth/revoke"
    calls_per_second: float = Field(1.8, gt=0)
    """Per account, beyond a burst of two. Bling allows three in any second, which the seller's
    other apps share; two at once and two a second would make four in some seconds."""
    calls_per_day: int = Field(60_000, ge=100)
    """Per account. Bling allows 120,000, which the seller's other apps share."""
    outgoing_address: str = Field("default", min_length=1)
    """What the address is called that Bling sees. Replicas of the same name share its limits."""
    address_calls_per_second: float = Field(45.0, gt=0)
    """Of the outgoing address, beyond a burst of two seconds' calls. Bling blocks it after 600
    calls in ten seconds."""
    token_calls_per_minute: int = Field(18, ge=1)
    """Of the outgoing address. Bling blocks it after 20."""
    reconcile_every_s: float = Field(900.0, gt=0)
    """How often each account is compared with Bling, in case a webhook was lost."""


class Migration(MigrationSettings):
    """What migrating needs."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)


class Operating(OperatorSettings):
    """What operators' commands need."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)
