"""``python -m services.hub_gateway serve | migrate``."""

from pathlib import Path

from services.hub_gateway.main import make_app
from services.hub_gateway.settings import Migration, Settings
from shared.gateway.command_line import command_line

app = command_line(
    "hub_gateway",
    about="The gateway to 360Hub.",
    settings=Settings,
    migration=Migration,
    make_app=make_app,
    migrations=Path(__file__).parent / "migrations",
)

if __name__ == "__main__":
    app()
