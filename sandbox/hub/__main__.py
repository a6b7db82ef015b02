"""`python -m sandbox.hub` starts the double of 360Hub."""

import logging
from typing import Annotated

import typer
from aiohttp import web
from pydantic import ValidationError

from sandbox.hub.app import build_app
from sandbox.hub.settings import Settings

_WRONG_SETTING = 2


def main(
    host: Annotated[str | None, typer.Option(help="Overrides HUB_SANDBOX_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Overrides HUB_SANDBOX_PORT.")] = None,
) -> None:
    """Run the sandbox of 360Hub until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = _settings(host=host, port=port)
    web.run_app(
        build_app(settings),
        host=settings.host,
        port=settings.port,
        print=lambda _: typer.echo(f"360Hub sandbox at http://{settings.host}:{settings.port}"),
        access_log=None,
    )


def _settings(**overrides: str | int | None) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate({**Settings().model_dump(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"HUB_SANDBOX_{str(first['loc'][0]).upper()}"
        typer.echo(f"Wrong setting {name}: {first['msg']}", err=True)
        raise typer.Exit(_WRONG_SETTING) from None


if __name__ == "__main__":
    typer.run(main)
