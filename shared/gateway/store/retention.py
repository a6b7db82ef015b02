"""Rows that are of no use any more."""

from datetime import timedelta

from shared.gateway.store import Connection

# The age is the function's own: this login may delete no webhook that is younger.
_INBOX = "SELECT purge_inbox($1)"

# A command that is still worked on, or parked, stays known however old it is.
COMMANDS = """
WITH old AS (
    SELECT partition, account_id, command_id
    FROM command
    WHERE received_at < clock_timestamp() - $1::interval
      AND NOT EXISTS (
          SELECT FROM work
          WHERE work.partition = command.partition
            AND work.account_id = command.account_id
            AND work.command_id = command.command_id
      )
    ORDER BY received_at
    LIMIT $2
), gone AS (
    DELETE FROM command
    USING old
    WHERE command.partition = old.partition
      AND command.account_id = old.account_id
      AND command.command_id = old.command_id
    RETURNING 1
)
SELECT count(*) FROM gone
"""

_DIFFERENCES = "DELETE FROM difference WHERE found_at < clock_timestamp() - $1::interval"


async def purge_inbox(conn: Connection, most: int) -> int:
    """Delete up to ``most`` webhooks that are no longer evidence; return how many."""
    deleted: int = await conn.fetchval(_INBOX, most)
    return deleted


async def purge_commands(conn: Connection, age: timedelta, most: int) -> int:
    """Forget up to ``most`` commands that were taken before that; return how many."""
    deleted: int = await conn.fetchval(COMMANDS, age, most)
    return deleted


async def purge_differences(conn: Connection, age: timedelta) -> None:
    """Forget what was found to differ before that."""
    await conn.execute(_DIFFERENCES, age)
