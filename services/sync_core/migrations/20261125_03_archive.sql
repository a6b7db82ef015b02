-- Old history in files: which file holds which positions, and what is asked without reading it
-- depends: 20261124_01_waiting-orders

-- migrate: apply

-- Positions first to last of an account are in a file that their name tells (log/segments.py), whose
-- SHA-256 this is. They begin at 1, follow each other, and event_log goes on after the last.
CREATE TABLE archive_segment (
    partition      smallint NOT NULL,
    account_id     uuid     NOT NULL,
    first_position bigint   NOT NULL,
    last_position  bigint   NOT NULL,
    hash_before    bytea    NOT NULL CHECK (length(hash_before) = 32),
    hash_last      bytea    NOT NULL CHECK (length(hash_last) = 32),
    sha256         bytea    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (partition, account_id, first_position),
    CHECK (0 < first_position AND first_position <= last_position)
);

-- Each archived event: was it logged, where, in what stream, and was it one for the bus.
CREATE TABLE archived_event (
    partition      smallint NOT NULL,
    account_id     uuid     NOT NULL,
    position       bigint   NOT NULL,
    event_id       uuid     NOT NULL,
    stream         text     NOT NULL,
    stream_version bigint   NOT NULL,
    sent           boolean  NOT NULL,
    PRIMARY KEY (partition, account_id, position),
    UNIQUE (partition, account_id, event_id),
    UNIQUE (partition, account_id, stream, stream_version)
);

-- What can be asked of every event, wherever it is.
CREATE VIEW logged_event AS
SELECT
    partition, account_id, position, event_id, stream, stream_version,
    kind = 'command' OR (kind = 'decision' AND type LIKE 'sync.%') AS sent
FROM event_log
UNION ALL
SELECT partition, account_id, position, event_id, stream, stream_version, sent
FROM archived_event;

-- migrate: rollback

DROP VIEW logged_event;
DROP TABLE archived_event, archive_segment;
