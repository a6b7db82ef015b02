"""What operators see of an account at Bling, and how it is compared."""

from collections.abc import Mapping
from uuid import UUID

from services.bling_gateway import tasks
from services.bling_gateway.store import overview
from shared.gateway.operators.side import Details
from shared.gateway.store import Connection
from shared.gateway.values import NewWork


class BlingSide:
    """Bling's part of what operators see."""

    async def details(self, conn: Connection, only: UUID | None = None) -> Mapping[UUID, Details]:
        """Return what is known of every account, or of one."""
        return {
            row["account_id"]: Details(
                last_compared_at=row["compared_at"],
                more={
                    "company_id": row["company_id"],
                    "company": row["company"] or None,
                    "token_expires_at": row["expires_at"],
                    "token_renewed_at": row["renewed_at"],
                    "webhooks_silent": row["silent"],
                },
            )
            for row in await overview.connections(conn, only)
        }

    def comparison(self, account_id: UUID) -> NewWork:
        """Return the work that compares the account's orders."""
        return tasks.reconcile(account_id)
