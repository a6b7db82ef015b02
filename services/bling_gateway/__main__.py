"""``python -m services.bling_gateway serve | migrate``."""

from pathlib import Path

from services.bling_gateway.main import make_app
from services.bling_gateway.settings import Migration, Settings
from shared.gateway.command_line import command_line

app = command_line(
    "bling_gateway",
    about="The gateway to Bling.",
    settings=Settings,
    migration=Migration,
    make_app=make_app,
    migrations=Path(__file__).parent / "migrations",
)

if __name__ == "__main__":
    app()
