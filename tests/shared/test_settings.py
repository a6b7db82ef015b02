"""Settings: one line for each that is wrong, and never a secret in it."""

import base64

import pytest
from pydantic_settings import SettingsConfigDict

from shared.settings import HttpUrl, MigrationSettings, Port, ServiceSettings, load


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="GROUND_")

    port: Port = 8080
    public_url: HttpUrl = "http://localhost"


KEY = base64.b64encode(bytes(32)).decode()
SOUND = {
    "AMQP_URL": "amqp://guest:guest@localhost:5672/",
    "GROUND_DATABASE_URL": "postgresql://user:hidden@localhost/sync",
    "GROUND_MASTER_KEY": KEY,
    "GROUND_API_TOKENS": "ana:t0ken,bot:an0ther",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOG_LEVEL", "LOG_FORMAT", "BUS_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)


def test_sound_settings_are_read() -> None:
    settings = load(Settings)

    assert settings.port == 8080
    assert settings.log_format == "json"
    assert settings.api_tokens["ana"].get_secret_value() == "t0ken"
    assert settings.master_keys.seal(b"x", context=b"")


def test_no_secret_is_in_what_settings_print() -> None:
    printed = repr(load(Settings))

    assert "8080" in printed
    assert not any(secret in printed for secret in ("hidden", "t0ken", "guest", KEY))


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("GROUND_PORT", "70000", "GROUND_PORT: must be less than or equal to 65535, got '70000'"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: must be 'json' or 'console', got 'xml'"),
        ("GROUND_PUBLIC_URL", "x", "GROUND_PUBLIC_URL: must be a URL that begins with http://"),
        ("GROUND_DATABASE_URL", "mysql://u:hidden@h/d", "GROUND_DATABASE_URL: must be a URL that"),
        ("GROUND_MASTER_KEY", "hidden", "GROUND_MASTER_KEY: must be the base64 of 32 bytes"),
        ("GROUND_API_TOKENS", "hidden", "GROUND_API_TOKENS: must be name:token,name:token"),
    ],
)
def test_a_wrong_setting_is_one_line_and_an_exit(
    variable: str,
    value: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit) as exit_:
        load(Settings)

    assert exit_.value.code == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(line)
    assert "hidden" not in told


def test_each_wrong_setting_has_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AMQP_URL")
    monkeypatch.setenv("GROUND_PORT", "many")

    with pytest.raises(SystemExit):
        load(Settings)

    first, second = capsys.readouterr().err.splitlines()
    assert first == "AMQP_URL: is missing"
    assert second.startswith("GROUND_PORT: must be a valid integer")


def test_migrating_needs_only_the_two_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    class Migration(MigrationSettings):
        model_config = SettingsConfigDict(env_prefix="GROUND_")

    monkeypatch.delenv("AMQP_URL")
    monkeypatch.setenv("GROUND_MIGRATION_DATABASE_URL", "postgresql://owner@localhost/sync")

    assert load(Migration).migration_database_url == "postgresql://owner@localhost/sync"
