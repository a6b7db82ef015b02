"""Settings from the environment, and one plain line for each that is wrong."""

import os
import socket
import sys
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.sealing import MasterKeys, SealError

EXIT_WRONG_SETTING: Final = 2


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not _names_a_host(value, schemes):
            raise ValueError(
                f"must be a URL that begins with {schemes[0]}:// and names a host"
                " (and, if any, a port from 1 to 65535)"
            )
        return value

    return AfterValidator(check)


def _names_a_host(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, or no address, could be made of the text
        return False


def _check_master_key(value: SecretStr) -> SecretStr:
    try:
        MasterKeys.parse(value.get_secret_value())
    except SealError as error:
        raise ValueError(str(error)) from error
    return value


def _named_tokens(value: Any) -> Any:
    """Parse ``name:token,name:token``."""
    if not isinstance(value, str):
        return value
    tokens: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in value.split(","))):
        name, _, token = entry.partition(":")
        if not name or not token:
            raise ValueError("must be name:token,name:token")
        tokens[name] = token
    return tokens


DatabaseUrl = Annotated[str, _url("postgresql", "postgres"), Field(repr=False)]
AmqpUrl = Annotated[str, _url("amqp", "amqps"), Field(repr=False)]
HttpUrl = Annotated[str, _url("http", "https")]
Port = Annotated[int, Field(ge=1, le=65535)]
MasterKey = Annotated[SecretStr, AfterValidator(_check_master_key), Field(repr=False)]
"""Keys for :class:`~shared.sealing.MasterKeys`, the current one first, separated by commas."""
ApiTokens = Annotated[
    dict[str, SecretStr], NoDecode, BeforeValidator(_named_tokens), Field(repr=False)
]
"""Who may call the API: the caller's name → the bearer token."""


class ProcessSettings(BaseSettings):
    """What every process of ours reads, under the same names for all.

    Subclasses set ``env_prefix`` for their own fields. A field with ``repr=False`` holds a secret
    (a URL with a password in it does): its value is never shown.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)
    ] = Field("info", validation_alias="LOG_LEVEL")
    log_format: Literal["json", "console"] = Field("json", validation_alias="LOG_FORMAT")


class ServiceSettings(ProcessSettings):
    """What a running service needs. Subclasses set ``env_prefix`` and the default ``port``."""

    amqp_url: AmqpUrl = Field(validation_alias="AMQP_URL")
    bus_prefix: str = Field("", validation_alias="BUS_PREFIX", pattern=r"^[A-Za-z0-9_.-]{0,64}$")
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Port
    database_url: DatabaseUrl
    master_key: MasterKey
    api_tokens: ApiTokens

    @property
    def replica(self) -> str:
        """What tells this process from other replicas, the same after a restart."""
        return f"{socket.gethostname()}:{self.port}"

    @property
    def master_keys(self) -> MasterKeys:
        """The keys that :attr:`master_key` spells."""
        return MasterKeys.parse(self.master_key.get_secret_value())


class MigrationSettings(ProcessSettings):
    """What migrating needs: the owner's login, and the service's, which is made if missing.

    Apart from :class:`ServiceSettings`, so that a running service need not know the owner's login.
    """

    database_url: DatabaseUrl
    migration_database_url: DatabaseUrl


class OperatorSettings(ProcessSettings):
    """What an operator's commands need: no more than the service's own login."""

    database_url: DatabaseUrl


SettingsType = TypeVar("SettingsType", bound=BaseSettings)


def load(settings: type[SettingsType]) -> SettingsType:
    """Read the settings; if any is wrong, say which and why, one line each, and exit with 2."""
    try:
        return settings()
    except ValidationError as error:
        for line in wrong_settings(settings, error):
            print(line, file=sys.stderr)  # noqa: T201 - logging is configured by the settings
        raise SystemExit(EXIT_WRONG_SETTING) from None


def wrong_settings(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    """Say in one line each what is wrong. Never shows the value of a secret."""
    fields = {_variable(settings, name): field for name, field in settings.model_fields.items()}
    return [_line(settings, fields, details) for details in error.errors(include_url=False)]


def _line(settings: type[BaseSettings], fields: dict[str, FieldInfo], details: ErrorDetails) -> str:
    variable = _named(settings, details)
    if details["type"] == "missing":
        return f"{variable}: is missing"
    reason = details["msg"].removeprefix("Value error, ").replace("Input should", "must")
    field = fields.get(variable)
    if field is None or not field.repr:
        return f"{variable}: {reason}"
    return f"{variable}: {reason}, got {os.environ.get(variable, details['input'])!r}"


def _named(settings: type[BaseSettings], details: ErrorDetails) -> str:
    if not details["loc"]:
        return "settings"
    name = str(details["loc"][0])
    return _variable(settings, name) if name in settings.model_fields else name.upper()


def _variable(settings: type[BaseSettings], name: str) -> str:
    """Return the environment variable that a field is read from."""
    alias = settings.model_fields[name].validation_alias
    if isinstance(alias, str):
        return alias
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()
