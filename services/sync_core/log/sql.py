"""Every statement that the log, its loop, its relay and its audit send to PostgreSQL.

All are about one partition, and take sets: a batch costs the same few statements whatever its
size. None uses a sequence, a trigger, an advisory lock or NOTIFY, so the tables can be spread over
several servers by ``partition`` as they are.
"""

from typing import Final

from services.sync_core.log.events import COLUMNS

# --- the heads

LOCK_HEADS: Final = """
SELECT account_id, position, hash, recorded_at
FROM account_head
WHERE partition = $1 AND account_id = ANY ($2::uuid[])
ORDER BY account_id
FOR UPDATE
"""

OPEN_HEAD: Final = """
INSERT INTO account_head (partition, account_id, position, hash, recorded_at)
VALUES ($1, $2, 0, $3, $4)
ON CONFLICT DO NOTHING
"""

ADVANCE_HEADS: Final = """
UPDATE account_head AS head
SET position = new.position, hash = new.hash, recorded_at = new.recorded_at
FROM unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::timestamptz[])
    AS new (account_id, position, hash, recorded_at)
WHERE head.partition = $1 AND head.account_id = new.account_id
"""

# --- the log

LOGGED_IDS: Final = """
SELECT log.account_id, log.event_id
FROM event_log AS log
JOIN unnest($2::uuid[], $3::uuid[]) AS asked (account_id, event_id)
    ON log.account_id = asked.account_id AND log.event_id = asked.event_id
WHERE log.partition = $1
"""

_TYPES: Final = (
    "smallint[]",
    "uuid[]",
    "bigint[]",
    "uuid[]",
    "text[]",
    "bigint[]",
    "text[]",
    "text[]",
    "smallint[]",
    "timestamptz[]",
    "timestamptz[]",
    "uuid[]",
    "uuid[]",
    "text[]",
    "text[]",
    "bigint[]",
    "integer[]",
    "json[]",
    "text[]",
    "smallint[]",
    "bytea[]",
    "bytea[]",
)
_LOGGED: Final = ", ".join(COLUMNS)

INSERT_EVENTS: Final = f"""
INSERT INTO event_log ({_LOGGED}, hash)
SELECT * FROM unnest({", ".join(f"${at}::{name}" for at, name in enumerate(_TYPES, start=1))})
"""  # noqa: S608 - made of the constants above

ACCOUNT_EVENTS: Final = f"""
SELECT {_LOGGED}, hash
FROM event_log
WHERE partition = $1 AND account_id = $2
ORDER BY position
"""  # noqa: S608

ACCOUNT_EVENTS_BY_STREAM: Final = f"""
SELECT {_LOGGED}
FROM event_log
WHERE partition = $1 AND account_id = $2
ORDER BY stream, stream_version
"""  # noqa: S608

# Materialised, so that streams are read by their own index and not the whole account by position.
TIMELINE: Final = f"""
WITH told AS MATERIALIZED (
    SELECT {_LOGGED}
    FROM event_log
    WHERE partition = $1 AND account_id = $2 AND stream = ANY ($4::text[])
)
SELECT {_LOGGED}
FROM told
WHERE position > $5
    AND position >= (SELECT position FROM told WHERE stream = $3 AND stream_version = 1)
ORDER BY position
LIMIT $6
"""  # noqa: S608

EVENTS_BY_ID: Final = f"""
SELECT {_LOGGED}
FROM event_log
JOIN unnest($2::uuid[], $3::uuid[]) AS asked (account_id, event_id)
    USING (account_id, event_id)
WHERE partition = $1
"""  # noqa: S608

EVENTS_AT: Final = f"""
SELECT {_LOGGED}
FROM event_log
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, position)
    USING (account_id, position)
WHERE partition = $1
"""  # noqa: S608

POSITIONS_OF: Final = """
SELECT event_id, position
FROM event_log
WHERE partition = $1 AND account_id = $2 AND event_id = ANY ($3::uuid[])
"""

HEAD: Final = """
SELECT position, hash, recorded_at
FROM account_head
WHERE partition = $1 AND account_id = $2
"""

ALL_HEADS: Final = """
SELECT account_id, position
FROM account_head
ORDER BY partition, account_id
"""

# --- the states

LOAD_ORDERS: Final = """
SELECT account_id, order_id AS id, version, created_at, state
FROM orders
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, order_id)
    USING (account_id, order_id)
WHERE partition = $1
"""

LOAD_PRODUCTS: Final = """
SELECT account_id, product_id AS id, version, created_at, state
FROM products
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, product_id)
    USING (account_id, product_id)
WHERE partition = $1
"""

LOAD_ACCOUNTS: Final = """
SELECT account_id, id, version, created_at, state
FROM accounts
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, id)
    USING (account_id)
WHERE partition = $1
"""

ACCOUNT_BY_TAG: Final = """
SELECT account_id
FROM accounts
WHERE partition = $1 AND tag = $2
"""

COUNT_STATES: Final = """
SELECT
    (SELECT count(*) FROM accounts WHERE partition = $1 AND account_id = $2)
    + (SELECT count(*) FROM orders WHERE partition = $1 AND account_id = $2)
    + (SELECT count(*) FROM products WHERE partition = $1 AND account_id = $2)
"""

ORDERS_WAITING: Final = """
SELECT account_id, order_id
FROM order_product
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, product_id)
    USING (account_id, product_id)
WHERE partition = $1 AND waits_for = 'import'
"""

SAVE_ORDERS: Final = """
INSERT INTO orders (
    partition, account_id, order_id, version, number, store_number, data_subject, stage,
    situation, status, reasons, started, created_at, updated_at, due_at, state
)
SELECT
    $1, account_id, order_id, version, number, store_number, data_subject, stage,
    situation, status, string_to_array(reasons, ' '), started, created_at, updated_at, due_at, state
FROM unnest(
    $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::text[], $11::text[], $12::boolean[], $13::timestamptz[],
    $14::timestamptz[], $15::timestamptz[], $16::json[]
) AS new (
    account_id, order_id, version, number, store_number, data_subject, stage,
    situation, status, reasons, started, created_at, updated_at, due_at, state
)
ON CONFLICT (partition, account_id, order_id) DO UPDATE SET
    version = excluded.version,
    number = excluded.number,
    store_number = excluded.store_number,
    data_subject = excluded.data_subject,
    stage = excluded.stage,
    situation = excluded.situation,
    status = excluded.status,
    reasons = excluded.reasons,
    started = excluded.started,
    updated_at = excluded.updated_at,
    due_at = excluded.due_at,
    state = excluded.state
"""

SAVE_PRODUCTS: Final = """
INSERT INTO products (
    partition, account_id, product_id, version, imported, approval, missing, created_at,
    updated_at, state
)
SELECT $1, *
FROM unnest(
    $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::json[]
)
ON CONFLICT (partition, account_id, product_id) DO UPDATE SET
    version = excluded.version,
    imported = excluded.imported,
    approval = excluded.approval,
    missing = excluded.missing,
    updated_at = excluded.updated_at,
    state = excluded.state
"""

SAVE_ACCOUNTS: Final = """
INSERT INTO accounts (
    partition, account_id, version, tag, name, created_at, updated_at, state
)
SELECT $1, *
FROM unnest(
    $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::json[]
)
ON CONFLICT (partition, account_id) DO UPDATE SET
    version = excluded.version,
    tag = excluded.tag,
    name = excluded.name,
    updated_at = excluded.updated_at,
    state = excluded.state
"""

WAIT_FOR_PRODUCTS: Final = """
INSERT INTO order_product (partition, account_id, order_id, product_id, waits_for)
SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[])
ON CONFLICT DO NOTHING
"""

WAIT_NO_LONGER: Final = """
DELETE FROM order_product AS waited
USING unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[])
    AS gone (account_id, order_id, product_id, waits_for)
WHERE waited.partition = $1
    AND waited.account_id = gone.account_id
    AND waited.product_id = gone.product_id
    AND waited.order_id = gone.order_id
    AND waited.waits_for = gone.waits_for
"""

# --- personal data

SUBJECT_KEYS: Final = """
SELECT account_id, subject, key_version, wrapped
FROM subject_key
JOIN unnest($2::uuid[], $3::text[]) AS asked (account_id, subject)
    USING (account_id, subject)
WHERE partition = $1
"""

NEW_SUBJECT_KEYS: Final = """
INSERT INTO subject_key (partition, account_id, subject, key_version, wrapped)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::smallint[], $5::bytea[])
"""

SAVE_PEOPLE: Final = """
INSERT INTO person (partition, account_id, subject, name, document_hmac)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (partition, account_id, subject) DO UPDATE SET
    name = excluded.name,
    document_hmac = excluded.document_hmac
"""

# --- the outbox

QUEUE: Final = """
INSERT INTO outbox (partition, account_id, position)
SELECT $1, * FROM unnest($2::uuid[], $3::bigint[])
"""

UNQUEUE: Final = """
DELETE FROM outbox
USING unnest($2::uuid[], $3::bigint[]) AS sent (account_id, position)
WHERE outbox.partition = $1
    AND outbox.account_id = sent.account_id
    AND outbox.position = sent.position
"""

# Walks from account to account by the key alone, so that one account's backlog hides nobody's.
WAITING: Final = """
WITH RECURSIVE waiting AS (
    (
        SELECT account_id FROM outbox
        WHERE partition = $1 AND account_id > $2
        ORDER BY account_id LIMIT 1
    )
    UNION ALL
    SELECT following.account_id
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT account_id FROM outbox
        WHERE partition = $1 AND account_id > waiting.account_id
        ORDER BY account_id LIMIT 1
    ) AS following
)
SELECT waiting.account_id, entry.position
FROM waiting
CROSS JOIN LATERAL (
    SELECT position FROM outbox
    WHERE partition = $1 AND account_id = waiting.account_id
    ORDER BY position LIMIT $3
) AS entry
LIMIT $4
"""

# --- facts by their sequence

LAST_SEQUENCES: Final = """
SELECT account_id, source, sequence
FROM fact_source
WHERE partition = $1 AND account_id = ANY ($2::uuid[])
"""

TAKEN_UP_TO: Final = """
INSERT INTO fact_source (partition, account_id, source, sequence)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[])
ON CONFLICT (partition, account_id, source) DO UPDATE SET sequence = excluded.sequence
"""

HOLD: Final = """
INSERT INTO held_message (partition, account_id, source, sequence, body, held_at)
SELECT $1, new.*, $6
FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bytea[]) AS new
ON CONFLICT DO NOTHING
"""

# Walks by the key from each source's first held fact to the next source's: asked after every batch,
# it must not read the thousands that one account may have behind one missing fact.
NEXT_HELD: Final = """
WITH RECURSIVE first AS (
    (
        SELECT account_id, source, sequence FROM held_message
        WHERE partition = $1
        ORDER BY account_id, source, sequence LIMIT 1
    )
    UNION ALL
    SELECT following.account_id, following.source, following.sequence
    FROM first
    CROSS JOIN LATERAL (
        SELECT account_id, source, sequence FROM held_message
        WHERE partition = $1 AND (account_id, source) > (first.account_id, first.source)
        ORDER BY account_id, source, sequence LIMIT 1
    ) AS following
)
SELECT first.account_id, first.source, first.sequence, (
    SELECT body FROM held_message AS held
    WHERE held.partition = $1
        AND held.account_id = first.account_id
        AND held.source = first.source
        AND held.sequence = first.sequence
) AS body
FROM first
LEFT JOIN fact_source AS taken
    ON taken.partition = $1
    AND taken.account_id = first.account_id
    AND taken.source = first.source
WHERE first.sequence <= coalesce(taken.sequence, 0) + 1
LIMIT 1
"""

UNHOLD: Final = """
DELETE FROM held_message
WHERE partition = $1 AND account_id = $2 AND source = $3 AND sequence = $4
"""

# --- what is parked

PARKED_STREAMS: Final = """
SELECT account_id, stream, max(place) AS place
FROM parked_message
WHERE partition = $1 AND account_id = ANY ($2::uuid[])
GROUP BY account_id, stream
"""

PARK: Final = """
INSERT INTO parked_message (
    partition, message_id, account_id, stream, place, type, cause, body, parked_at
)
SELECT $1, new.*, $9
FROM unnest(
    $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bytea[]
) AS new
ON CONFLICT (partition, message_id) DO NOTHING
"""

PARKED_IDS: Final = """
SELECT message_id
FROM parked_message
WHERE partition = $1 AND message_id = ANY ($2::uuid[])
"""

FIRST_PARKED: Final = """
SELECT message_id, type, cause, body
FROM parked_message
WHERE partition = $1 AND account_id = $2 AND stream = $3
ORDER BY place
LIMIT 1
"""

UNPARK: Final = """
DELETE FROM parked_message
WHERE partition = $1 AND message_id = $2
"""

PARKED_AGAIN: Final = """
UPDATE parked_message
SET cause = $3
WHERE partition = $1 AND message_id = $2
"""

PARKED_OF_STREAM: Final = """
SELECT type, cause, parked_at
FROM parked_message
WHERE partition = $1 AND account_id = $2 AND stream = $3
ORDER BY place
"""

ALL_PARKED: Final = """
SELECT account_id, stream, type, cause, parked_at
FROM parked_message
ORDER BY partition, account_id, stream, place
"""

MARK: Final = """
INSERT INTO delivery_marker (partition, digest, marked_at)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
RETURNING 1
"""

UNMARK: Final = """
DELETE FROM delivery_marker
WHERE partition = $1 AND digest = $2
"""

# --- timers

DUE_ORDERS: Final = """
SELECT account_id, order_id, state
FROM orders
WHERE partition = $1 AND due_at <= $2
ORDER BY due_at
LIMIT $3
"""
