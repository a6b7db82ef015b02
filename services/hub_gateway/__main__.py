"""``python -m services.hub_gateway``: serve, migrate, accounts, parked, reconcile, webhooks."""

from pathlib import Path

from services.hub_gateway.commands import to_work
from services.hub_gateway.erasing import purge
from services.hub_gateway.main import SYSTEM, http_api, make_app
from services.hub_gateway.operators import HubSide
from services.hub_gateway.settings import Migration, Operating, Settings
from services.hub_gateway.webhook_commands import desk_of as webhook_desk_of
from services.hub_gateway.webhook_commands import webhook_commands
from shared.gateway.command_line import command_line
from shared.gateway.operators.desk import desk_of

app = command_line(
    "hub_gateway",
    about="The gateway to 360Hub.",
    settings=Settings,
    migration=Migration,
    make_app=make_app,
    migrations=Path(__file__).parent / "migrations",
    open_desk=desk_of("hub_gateway", Operating, SYSTEM, to_work, purge, HubSide()),
)
app.add_typer(webhook_commands(webhook_desk_of(http_api)), name="webhooks")

if __name__ == "__main__":
    app()
