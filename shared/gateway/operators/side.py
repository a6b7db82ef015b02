"""What a gateway tells operators beside what both gateways know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shared.gateway.store import Connection
from shared.gateway.values import NewWork

Value = str | int | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Details:
    """When an account was last compared with the other side, and what else is known of it there.

    ``more`` goes by the names that the API shows.
    """

    last_compared_at: datetime | None = None
    more: Mapping[str, Value] = field(default_factory=dict)


class Side(Protocol):
    """One gateway's own part."""

    async def details(self, conn: Connection, only: UUID | None = None) -> Mapping[UUID, Details]:
        """Return what is known of every account, or of one."""

    def comparison(self, account_id: UUID) -> NewWork:
        """Return the work that compares an account with the other side."""
