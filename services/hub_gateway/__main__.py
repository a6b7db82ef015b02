"""``python -m services.hub_gateway``: serve, migrate, accounts, parked, reconcile."""

from pathlib import Path

from services.hub_gateway.commands import to_work
from services.hub_gateway.main import SYSTEM, make_app
from services.hub_gateway.operators import HubSide
from services.hub_gateway.settings import Migration, Operating, Settings
from shared.gateway.command_line import command_line
from shared.gateway.operators.desk import desk_of

app = command_line(
    "hub_gateway",
    about="The gateway to 360Hub.",
    settings=Settings,
    migration=Migration,
    make_app=make_app,
    migrations=Path(__file__).parent / "migrations",
    open_desk=desk_of("hub_gateway", Operating, SYSTEM, to_work, HubSide()),
)

if __name__ == "__main__":
    app()
