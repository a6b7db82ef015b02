"""What operators see of an account at 360Hub, and how it is compared."""

from collections.abc import Mapping
from uuid import UUID

from services.hub_gateway import tasks
from services.hub_gateway.store import connections
from shared.gateway.operators.side import Details
from shared.gateway.store import Connection
from shared.gateway.values import NewWork


class HubSide:
    """360Hub's part of what operators see."""

    async def details(self, conn: Connection, only: UUID | None = None) -> Mapping[UUID, Details]:
        """Return what is known of every account that was ever connected, or of one."""
        return {
            row["account_id"]: Details(
                last_compared_at=row["compared_at"],
                more={
                    "hub_account_id": row["hub_account_id"],
                    "client_id": row["client_id"],
                    "webhook_endpoint": row["endpoint_id"],
                    "webhook_verified": row["verified_at"] is not None,
                    "webhook_verified_at": row["verified_at"],
                    "webhook_failing_since": row["failing_since"],
                },
            )
            for row in await connections.shown(conn, only)
        }

    def comparison(self, account_id: UUID) -> NewWork:
        """Return the work that reads the account's changes."""
        return tasks.reconcile(account_id)
