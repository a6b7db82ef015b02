"""Start the double: `python -m sandbox.bling`."""

import logging
import socket
from typing import Annotated

import typer
from aiohttp import web
from pydantic import ValidationError

from sandbox.bling.app import build_app
from sandbox.bling.settings import ENV_PREFIX, Settings, describe_error

WRONG_SETTING = 2
# Held answers and long webhook gaps must not keep a stopping process alive.
SHUTDOWN_TIMEOUT_S = 1.0


def serve(
    host: Annotated[str | None, typer.Option(help="Default: BLING_SANDBOX_HOST.")] = None,
    port: Annotated[str | None, typer.Option(help="Default: BLING_SANDBOX_PORT.")] = None,
) -> None:
    """Serve a double of Bling's API v3 until it is stopped."""
    options = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        settings = Settings.model_validate(options)
    except ValidationError as error:
        typer.echo(describe_error(error), err=True)
        raise typer.Exit(WRONG_SETTING) from error
    listener = _listen(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    web.run_app(
        build_app(settings),
        sock=listener,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        access_log=None,
    )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        place = f"{ENV_PREFIX}HOST, {ENV_PREFIX}PORT: {settings.host}:{settings.port}"
        typer.echo(f"{place}: {error.strerror}", err=True)
        raise typer.Exit(WRONG_SETTING) from error


if __name__ == "__main__":
    typer.run(serve)
