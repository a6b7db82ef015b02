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
SELECT account_id, event_id
FROM logged_event
JOIN unnest($2::uuid[], $3::uuid[]) AS asked (account_id, event_id)
    USING (account_id, event_id)
WHERE partition = $1
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

# One row with "in_file" alone, if the next position is in a file or there is none: seen at one
# moment, so whoever reads on while history is moved misses nothing.
EVENTS_AFTER: Final = f"""
SELECT known.in_file, page.*
FROM (
    SELECT EXISTS (
        SELECT FROM archive_segment
        WHERE partition = $1 AND account_id = $2
            AND first_position <= $3::bigint + 1 AND last_position > $3::bigint
    ) AS in_file
) AS known
LEFT JOIN LATERAL (
    SELECT {_LOGGED}, hash
    FROM event_log
    WHERE partition = $1 AND account_id = $2 AND position > $3 AND NOT known.in_file
    ORDER BY position
    LIMIT $4
) AS page ON true
"""  # noqa: S608

# Materialised, so that streams are read by their own index and not the whole account by position.
POSITIONS_IN: Final = """
WITH told AS MATERIALIZED (
    SELECT position
    FROM logged_event
    WHERE partition = $1 AND account_id = $2 AND stream = ANY ($3::text[])
)
SELECT position
FROM told
ORDER BY position
"""

EVENTS_BY_ID: Final = f"""
SELECT {_LOGGED}, hash
FROM event_log
JOIN unnest($2::uuid[], $3::uuid[]) AS asked (account_id, event_id)
    USING (account_id, event_id)
WHERE partition = $1
"""  # noqa: S608

EVENTS_AT: Final = f"""
SELECT {_LOGGED}, hash
FROM event_log
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, position)
    USING (account_id, position)
WHERE partition = $1
"""  # noqa: S608

POSITIONS_OF: Final = """
SELECT event_id, position
FROM logged_event
WHERE partition = $1 AND account_id = $2 AND event_id = ANY ($3::uuid[])
"""

# --- the log's older part, which is in files

_SEGMENT: Final = "account_id, first_position, last_position, hash_before, hash_last, sha256"

SEGMENT_AT: Final = f"""
SELECT {_SEGMENT}
FROM archive_segment
WHERE partition = $1 AND account_id = $2 AND first_position <= $3 AND last_position >= $3
"""  # noqa: S608

SEGMENTS_HOLDING: Final = f"""
SELECT DISTINCT {_SEGMENT}
FROM archive_segment
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, position) USING (account_id)
WHERE partition = $1 AND position BETWEEN first_position AND last_position
"""  # noqa: S608

SEGMENTS: Final = f"""
SELECT {_SEGMENT}
FROM archive_segment
WHERE partition = $1 AND account_id = $2
ORDER BY first_position
"""  # noqa: S608

# Closed: nothing was ever sent, or the shipment ended; nothing is awaited, of a person neither.
FIRST_OF_OPEN_ORDERS: Final = """
SELECT earliest.position, earliest.stream
FROM orders
CROSS JOIN LATERAL (
    SELECT position, stream
    FROM event_log AS log
    WHERE log.partition = orders.partition
        AND log.account_id = orders.account_id
        AND log.stream = 'order-' || orders.order_id
    ORDER BY stream_version
    LIMIT 1
) AS earliest
WHERE orders.partition = $1
    AND orders.account_id = $2
    AND NOT (
        (
            orders.stage IN ('delivered', 'cancelled', 'returned', 'lost')
            OR coalesce(orders.state #>> '{shipment,told}', 'false') = 'false'
        )
        AND orders.reasons <@ $3::text[]
        AND orders.due_at IS NULL
        AND orders.state ->> 'pending' IS NULL
    )
ORDER BY earliest.position
LIMIT 1
"""

FIRST_UNSENT: Final = """
SELECT position, 'outbox' AS stream
FROM outbox
WHERE partition = $1 AND account_id = $2
ORDER BY position
LIMIT 1
"""

NAME_SEGMENT: Final = """
INSERT INTO archive_segment (
    partition, account_id, first_position, last_position, hash_before, hash_last, sha256
)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

NOTE_ARCHIVED: Final = """
INSERT INTO archived_event (
    partition, account_id, position, event_id, stream, stream_version, sent
)
SELECT partition, account_id, position, event_id, stream, stream_version, sent
FROM logged_event
WHERE partition = $1 AND account_id = $2 AND position BETWEEN $3 AND $4
"""

TAKE_OUT: Final = """
DELETE FROM event_log
WHERE partition = $1 AND account_id = $2 AND position BETWEEN $3 AND $4
"""

FORGET_ARCHIVED: Final = """
DELETE FROM archived_event
WHERE partition = $1 AND account_id = $2 AND position BETWEEN $3 AND $4
"""

FORGET_SEGMENT: Final = """
DELETE FROM archive_segment
WHERE partition = $1 AND account_id = $2 AND first_position = $3
"""

PLACES_OF: Final = """
SELECT account_id, position
FROM logged_event
JOIN unnest($2::uuid[], $3::uuid[]) AS asked (account_id, event_id)
    USING (account_id, event_id)
WHERE partition = $1
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

# --- proving the log

# Row by row through both keys: neither the heads nor the log alone is believed.
PLACES: Final = """
WITH RECURSIVE logged AS (
    (
        SELECT partition, account_id FROM event_log
        ORDER BY partition, account_id LIMIT 1
    )
    UNION ALL
    SELECT following.partition, following.account_id
    FROM logged
    CROSS JOIN LATERAL (
        SELECT partition, account_id FROM event_log
        WHERE (partition, account_id) > (logged.partition, logged.account_id)
        ORDER BY partition, account_id LIMIT 1
    ) AS following
)
SELECT partition, account_id FROM logged
UNION
SELECT partition, account_id FROM archive_segment
UNION
SELECT partition, account_id FROM checkpoint_head
UNION
SELECT partition, account_id FROM account_head
ORDER BY partition, account_id
"""

# One statement sees one moment: the log's end and its head agree whatever is appended meanwhile.
# All of the log may be in files: then it ends with the last of them. The stream's name comes as
# bytes: who proves the log cannot rely on its text being text.
ENDS: Final = """
SELECT
    head.position AS head,
    first.position AS first,
    coalesce(last.position, moved.last_position) AS last,
    head.hash = coalesce(last.hash, moved.hash_last)
        AND head.recorded_at = coalesce(last.recorded_at, head.recorded_at) AS same,
    queued.position AS queued,
    broken.stream, broken.events, broken.version
FROM unnest($1::smallint[], $2::uuid[]) WITH ORDINALITY AS asked (partition, account_id, place)
LEFT JOIN account_head AS head USING (partition, account_id)
LEFT JOIN LATERAL (
    SELECT position FROM event_log
    WHERE partition = asked.partition AND account_id = asked.account_id
    ORDER BY position LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT position, hash, recorded_at FROM event_log
    WHERE partition = asked.partition AND account_id = asked.account_id
    ORDER BY position DESC LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT last_position, hash_last FROM archive_segment
    WHERE partition = asked.partition AND account_id = asked.account_id
    ORDER BY first_position DESC LIMIT 1
) AS moved ON true
LEFT JOIN LATERAL (
    SELECT position FROM outbox
    WHERE partition = asked.partition AND account_id = asked.account_id
    ORDER BY position DESC LIMIT 1
) AS queued ON true
LEFT JOIN LATERAL (
    SELECT textsend(stream) AS stream, count(*) AS events, max(stream_version) AS version
    FROM logged_event
    WHERE partition = asked.partition AND account_id = asked.account_id
    GROUP BY logged_event.stream
    HAVING count(*) <> max(stream_version)
    ORDER BY logged_event.stream
    LIMIT 1
) AS broken ON true
ORDER BY asked.place
"""

SEGMENTS_OF: Final = f"""
SELECT {_SEGMENT}
FROM archive_segment
JOIN unnest($1::uuid[]) AS asked (account_id) USING (account_id)
ORDER BY account_id, first_position
"""  # noqa: S608

NEXT_POSITION: Final = """
SELECT min(position)
FROM event_log
WHERE partition = $1 AND account_id = $2 AND position > $3
"""

EVENT_BEFORE: Final = """
(
    SELECT position, hash, timestamptz_send(recorded_at) AS recorded_at
    FROM event_log
    WHERE partition = $1 AND account_id = $2 AND position < $3
    ORDER BY position DESC
    LIMIT 1
)
UNION ALL
(
    SELECT last_position, hash_last, NULL
    FROM archive_segment
    WHERE partition = $1 AND account_id = $2 AND last_position < $3
    ORDER BY first_position DESC
    LIMIT 1
)
ORDER BY position DESC
LIMIT 1
"""

ARCHIVED_BETWEEN: Final = """
SELECT position, event_id, textsend(stream) AS stream, stream_version, sent
FROM archived_event
WHERE partition = $1 AND account_id = $2 AND position BETWEEN $3 AND $4
ORDER BY position
"""

# For COPY, which takes no parameters: numbers and a UUID are spelt out.
EVENTS_BETWEEN: Final = f"""
SELECT {_LOGGED}, hash
FROM event_log
WHERE partition = {{partition:d}} AND account_id = '{{account_id}}'
    AND position BETWEEN '{{first:d}}' AND '{{last:d}}'
ORDER BY position
"""  # noqa: S608

SAVE_VERDICTS: Final = """
INSERT INTO verification (
    partition, account_id, position, differences, first, verified_by, verified_at
)
SELECT new.*, $6, $7
FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[]) AS new
ON CONFLICT (partition, account_id) DO UPDATE SET
    position = excluded.position,
    differences = excluded.differences,
    first = excluded.first,
    verified_by = excluded.verified_by,
    verified_at = excluded.verified_at
"""

STATED_BETWEEN: Final = """
SELECT position, hash
FROM checkpoint_head
WHERE partition = $1 AND account_id = $2 AND position BETWEEN $3 AND $4
ORDER BY position
"""

# --- the states

LOAD_ORDERS: Final = """
SELECT account_id, order_id AS id, version, digest, created_at, state
FROM orders
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, order_id)
    USING (account_id, order_id)
WHERE partition = $1
"""

LOAD_PRODUCTS: Final = """
SELECT account_id, product_id AS id, version, digest, created_at, state
FROM products
JOIN unnest($2::uuid[], $3::bigint[]) AS asked (account_id, product_id)
    USING (account_id, product_id)
WHERE partition = $1
"""

LOAD_ACCOUNTS: Final = """
SELECT account_id, id, version, digest, created_at, state
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

# In one account ($2), or in the one with a tag ($3), or in all.
ORDERS_CALLED: Final = """
SELECT
    orders.account_id, orders.order_id, orders.number, orders.store_number, orders.stage,
    accounts.tag, accounts.name
FROM orders
JOIN accounts USING (partition, account_id)
WHERE orders.names @> ARRAY[$1::text]
    AND ($2::uuid IS NULL OR orders.account_id = $2)
    AND ($3::text IS NULL OR accounts.tag = $3)
ORDER BY orders.created_at DESC, orders.account_id, orders.order_id
LIMIT $4
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
    partition, account_id, order_id, version, digest, number, store_number, names, data_subject,
    stage, situation, status, reasons, started, created_at, updated_at, due_at, state
)
SELECT
    $1, account_id, order_id, version, digest, number, store_number,
    string_to_array(names, E'\\x1f'), data_subject, stage, situation, status,
    string_to_array(reasons, ' '), started, created_at, updated_at, due_at, state
FROM unnest(
    $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::boolean[],
    $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::json[]
) AS new (
    account_id, order_id, version, digest, number, store_number, names, data_subject, stage,
    situation, status, reasons, started, created_at, updated_at, due_at, state
)
ON CONFLICT (partition, account_id, order_id) DO UPDATE SET
    version = excluded.version,
    digest = excluded.digest,
    number = excluded.number,
    store_number = excluded.store_number,
    names = excluded.names,
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
    partition, account_id, product_id, version, digest, imported, approval, missing, created_at,
    updated_at, state
)
SELECT $1, *
FROM unnest(
    $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::text[], $8::text[],
    $9::timestamptz[], $10::timestamptz[], $11::json[]
)
ON CONFLICT (partition, account_id, product_id) DO UPDATE SET
    version = excluded.version,
    digest = excluded.digest,
    imported = excluded.imported,
    approval = excluded.approval,
    missing = excluded.missing,
    updated_at = excluded.updated_at,
    state = excluded.state
"""

SAVE_ACCOUNTS: Final = """
INSERT INTO accounts (
    partition, account_id, version, digest, tag, name, created_at, updated_at, state
)
SELECT $1, *
FROM unnest(
    $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::json[]
)
ON CONFLICT (partition, account_id) DO UPDATE SET
    version = excluded.version,
    digest = excluded.digest,
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

# A key that was never made is erased, too: nothing personal is ever logged of that subject.
ERASE_SUBJECT_KEYS: Final = """
INSERT INTO subject_key (partition, account_id, subject, key_version, wrapped, erased_at)
SELECT $1, erased.*, $4, NULL, $5
FROM unnest($2::uuid[], $3::text[]) AS erased (account_id, subject)
ON CONFLICT (partition, account_id, subject) DO UPDATE
SET wrapped = NULL, erased_at = excluded.erased_at
WHERE subject_key.erased_at IS NULL
"""

FORGET_PEOPLE: Final = """
DELETE FROM person
USING unnest($2::uuid[], $3::text[]) AS erased (account_id, subject)
WHERE person.partition = $1
    AND person.account_id = erased.account_id
    AND person.subject = erased.subject
"""

ERASED_SUBJECTS: Final = """
SELECT account_id, subject
FROM subject_key
JOIN unnest($2::uuid[], $3::text[]) AS asked (account_id, subject)
    USING (account_id, subject)
WHERE partition = $1
    AND erased_at IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM person
        WHERE person.partition = $1
            AND person.account_id = subject_key.account_id
            AND person.subject = subject_key.subject
    )
"""

ORDERS_OF_SUBJECT: Final = """
SELECT order_id
FROM orders
WHERE partition = $1 AND account_id = $2 AND data_subject = $3
ORDER BY order_id
"""

SUBJECTS_BY_DOCUMENT: Final = """
SELECT subject
FROM person
WHERE partition = $1 AND account_id = $2 AND document_hmac = $3
ORDER BY subject
"""

SUBJECT: Final = """
SELECT
    key.subject IS NOT NULL AS known, key.erased_at,
    person.name IS NOT NULL AS findable
FROM (SELECT $1::smallint, $2::uuid, $3::text) AS asked (partition, account_id, subject)
LEFT JOIN subject_key AS key USING (partition, account_id, subject)
LEFT JOIN person USING (partition, account_id, subject)
"""

KEPT_MESSAGES: Final = """
SELECT 'held' AS kept, source AS name, sequence AS number, body
FROM held_message
WHERE partition = $1 AND account_id = $2
UNION ALL
SELECT 'parked', message_id::text, place, body
FROM parked_message
WHERE partition = $1 AND (account_id = $2 OR account_id IS NULL)
"""

REPLACE_HELD: Final = """
UPDATE held_message
SET body = $5
WHERE partition = $1 AND account_id = $2 AND source = $3 AND sequence = $4
"""

REPLACE_PARKED: Final = """
UPDATE parked_message
SET body = $3
WHERE partition = $1 AND message_id = $2::text::uuid
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

# Whoever takes an entry out of the outbox counts it: the certificate compares that with the log.
UNQUEUE: Final = """
WITH gone AS (
    DELETE FROM outbox
    USING unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS sent (account_id, position, mark)
    WHERE outbox.partition = $1
        AND outbox.account_id = sent.account_id
        AND outbox.position = sent.position
    RETURNING sent.account_id, sent.mark
)
INSERT INTO log_consumer AS known (partition, account_id, consumer, count, digest)
SELECT $1, account_id, 'relay', count(*), bit_xor(mark)
FROM gone
GROUP BY account_id
ORDER BY account_id
ON CONFLICT (partition, account_id, consumer) DO UPDATE SET
    count = known.count + excluded.count,
    digest = known.digest # excluded.digest
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
