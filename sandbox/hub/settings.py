"""What the sandbox reads from the environment, with defaults for development."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The sandbox's settings; each is `HUB_SANDBOX_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HUB_SANDBOX_", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=9082, ge=1, le=65535)
    client_id: str = Field(default="hub-development-client", min_length=1)
    """Client of the default account."""
    client_secret: str = Field(default="hub-development-secret", min_length=1)
