"""What this gateway's own tables forget of a person: what it read of the contact.

Its work, hints and orders hold ids, situações and amounts; Bling's webhooks name contacts by id.
"""

from collections.abc import Mapping
from uuid import UUID

from services.bling_gateway.store import readings
from shared.contracts.sync_core import EraseSubject
from shared.gateway.erasing import contact_of
from shared.gateway.store import Connection
from shared.gateway.work import WorkQueue


async def purge(
    conn: Connection, _queue: WorkQueue, account_id: UUID, wanted: EraseSubject
) -> Mapping[str, int]:
    """Forget the subject. See `shared.gateway.erasing`."""
    contact_id = contact_of(wanted)
    if contact_id is None:
        return {}
    return {"reading": await readings.erase_contact(conn, account_id, contact_id)}
