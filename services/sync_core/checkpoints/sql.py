"""Every statement about checkpoints: about all partitions, and no append waits for one."""

from typing import Final

LAST: Final = """
SELECT number, textsend(note) AS note
FROM checkpoint
ORDER BY number DESC
LIMIT 1
"""

ONE: Final = """
SELECT number, textsend(note) AS note
FROM checkpoint
WHERE number = $1
"""

AFTER: Final = """
SELECT number, textsend(note) AS note
FROM checkpoint
WHERE number > $1
ORDER BY number
LIMIT $2
"""

# Every head, what the last checkpoint that states it says, and whether the log still holds that
# (of what is in files, their own proof tells).
HEADS: Final = """
SELECT
    head.partition, head.account_id, head.position, head.hash,
    stated.position AS stated_position, stated.hash AS stated_hash,
    head.position >= stated.position AND (
        EXISTS (
            SELECT FROM event_log
            WHERE partition = head.partition
                AND account_id = head.account_id
                AND position = stated.position
                AND hash = stated.hash
        )
        OR EXISTS (
            SELECT FROM archive_segment
            WHERE partition = head.partition
                AND account_id = head.account_id
                AND stated.position BETWEEN first_position AND last_position
        )
    ) AS holds
FROM account_head AS head
LEFT JOIN LATERAL (
    SELECT position, hash
    FROM checkpoint_head
    WHERE partition = head.partition AND account_id = head.account_id
    ORDER BY checkpoint DESC
    LIMIT 1
) AS stated ON true
WHERE head.position > 0
ORDER BY head.account_id
"""

SIGN: Final = """
INSERT INTO checkpoint (number, note)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
RETURNING number
"""

STATE_HEADS: Final = """
INSERT INTO checkpoint_head (partition, account_id, checkpoint, position, hash)
SELECT partition, account_id, $1, position, hash
FROM unnest($2::smallint[], $3::uuid[], $4::bigint[], $5::bytea[])
    AS new (partition, account_id, position, hash)
"""

HEADS_AT: Final = """
SELECT DISTINCT ON (account_id) account_id, position, hash
FROM checkpoint_head
WHERE checkpoint <= $1
ORDER BY account_id, checkpoint DESC
"""

HEADS_STATED_BY: Final = """
SELECT account_id, position, hash
FROM checkpoint_head
WHERE checkpoint = $1
ORDER BY account_id
"""

STATED_BUT_NOT_SIGNED: Final = """
SELECT min(checkpoint)
FROM checkpoint_head
WHERE NOT EXISTS (SELECT FROM checkpoint WHERE number = checkpoint)
"""

# Stated heads whose event is not in the table with that hash, nor among those in files (whose own
# proof compares them).
_MISSING: Final = """
SELECT stated.account_id, stated.checkpoint, stated.position
FROM {stated} AS stated
LEFT JOIN event_log AS log USING (partition, account_id, position)
LEFT JOIN account_head AS head USING (partition, account_id)
WHERE ($1::uuid IS NULL OR stated.account_id = $1)
    AND (
        coalesce(head.position, 0) < stated.position
        OR log.hash IS DISTINCT FROM stated.hash AND NOT EXISTS (
            SELECT FROM archive_segment AS moved
            WHERE moved.partition = stated.partition
                AND moved.account_id = stated.account_id
                AND stated.position BETWEEN moved.first_position AND moved.last_position
        )
    )
ORDER BY stated.checkpoint, stated.account_id
"""

HEADS_MISSING: Final = _MISSING.format(stated="checkpoint_head")

LAST_HEADS_MISSING: Final = _MISSING.format(
    stated="""(
    SELECT DISTINCT ON (partition, account_id) partition, account_id, checkpoint, position, hash
    FROM checkpoint_head
    ORDER BY partition, account_id, checkpoint DESC
)"""
)

PUBLISHED_AND_MISSING: Final = """
SELECT max(number)
FROM checkpoint_published
HAVING max(number) > coalesce((SELECT max(number) FROM checkpoint), 0)
"""

PUBLISHED: Final = """
SELECT place, number
FROM checkpoint_published
"""

PUBLISHED_TO: Final = """
SELECT number
FROM checkpoint_published
WHERE place = $1
"""

HAS_PUBLISHED: Final = """
INSERT INTO checkpoint_published (place, number)
VALUES ($1, $2)
ON CONFLICT (place) DO UPDATE
SET number = greatest(checkpoint_published.number, excluded.number)
"""
