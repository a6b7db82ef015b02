"""Where the double listens and which app it knows; every value has a development default."""

from pydantic import AnyHttpUrl, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "BLING_SANDBOX_"

# The longest that Bling's app registration takes (developer documentation, Aplicativos).
REDIRECT_URL_MAX = 350


class Settings(BaseSettings):
    """The double's settings, read from the environment as BLING_SANDBOX_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on."""
    port: int = Field(default=9081, ge=1, le=65535)
    client_id: str = Field(default="bling-development-client", min_length=1)
    """Client id of the one registered app."""
    client_secret: str = Field(default="bling-development-secret", min_length=8)
    """Secret of the app: Basic password at the token endpoint and key of webhook signatures."""
    redirect_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8081/oauth/callback")
    """Registered redirect address: what a request asks for is ignored, as at Bling."""
    webhook_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8081/webhooks/bling")
    """Where webhooks are delivered."""

    @field_validator("redirect_url")
    @classmethod
    def _short_enough(cls, value: AnyHttpUrl) -> AnyHttpUrl:
        if len(str(value)) > REDIRECT_URL_MAX:
            raise ValueError(f"longer than {REDIRECT_URL_MAX} characters")
        return value


def describe_error(error: ValidationError) -> str:
    """Say in one line which settings are wrong and why."""
    return "; ".join(
        f"{ENV_PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors()
    )
