"""`python -m sandbox.hub` starts the double of 360Hub."""

import logging
from typing import Annotated

import typer
from aiohttp import web
from pydantic import ValidationError

from sandbox.hub.app import build_app
from sandbox.hub.settings import Settings

_WRONG_SETTING = 2
_SHUTDOWN_S = 2


def main(
    host: Annotated[str | None, typer.Option(help="Overrides HUB_SANDBOX_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Overrides HUB_SANDBOX_PORT.")] = None,
) -> None:
    """Run the sandbox of 360Hub until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = _settings(host=host, port=port)
    address = f"http://{settings.host}:{settings.port}"
    try:
        web.run_app(
            build_app(settings),
            host=settings.host,
            port=settings.port,
            print=lambda _: typer.echo(f"360Hub sandbox at {address}"),
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
        )
    except OSError as error:
        typer.echo(f"Cannot listen at {address}: {error.strerror}", err=True)
        raise typer.Exit(1) from None


def _settings(**overrides: str | int | None) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"HUB_SANDBOX_{str(first['loc'][0]).upper()}"
        typer.echo(f"Wrong setting {name}: {first['msg']}", err=True)
        raise typer.Exit(_WRONG_SETTING) from None


if __name__ == "__main__":
    typer.run(main)
