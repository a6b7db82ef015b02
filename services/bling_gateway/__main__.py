"""``python -m services.bling_gateway``: serve, migrate, accounts, parked, reconcile."""

from pathlib import Path

from services.bling_gateway.commands import to_work
from services.bling_gateway.erasing import purge
from services.bling_gateway.main import SYSTEM, make_app
from services.bling_gateway.operators import BlingSide
from services.bling_gateway.settings import Migration, Operating, Settings
from shared.gateway.command_line import command_line
from shared.gateway.operators.desk import desk_of

app = command_line(
    "bling_gateway",
    about="The gateway to Bling.",
    settings=Settings,
    migration=Migration,
    make_app=make_app,
    migrations=Path(__file__).parent / "migrations",
    open_desk=desk_of("bling_gateway", Operating, SYSTEM, to_work, purge, BlingSide()),
)

if __name__ == "__main__":
    app()
