-- accounts, inbox, work queue, facts and pace of a gateway
-- depends:

-- migrate: apply

-- One seller's account, as the sync core made it known.
-- Its clock counts the time in which its work could run: `ran` so far, and since `running_since`
-- (which may lie ahead, if it is known when the account goes on).
CREATE TABLE account (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    tag text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('known', 'connected', 'disconnected')),
    paused_reason text,
    resting_until timestamptz,
    ran interval NOT NULL DEFAULT '0',
    running_since timestamptz,
    PRIMARY KEY (partition, account_id)
);

-- What came in from outside and was authentic, byte for byte.
-- Unclaimed rows belong to no account that we know, hence no partition in the key.
CREATE TABLE inbox (
    webhook_id text NOT NULL PRIMARY KEY,
    partition smallint,
    account_id uuid,
    state text NOT NULL CHECK (state IN ('claimed', 'unclaimed')),
    received_at timestamptz NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX inbox_received ON inbox (received_at);

-- Work that waits, runs or is parked. What is done is deleted, personal data with it.
CREATE TABLE work (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    stream text NOT NULL,
    lane text NOT NULL CHECK (lane IN ('inbound', 'outbound')),
    kind text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 4),
    payload bytea NOT NULL,
    supersedes text NOT NULL
        CHECK (supersedes IN ('nothing', 'same_kind', 'lower_versions', 'shipment')),
    version integer,
    command_id uuid,
    command_type text,
    correlation_id uuid,
    shipment integer,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'parked')),
    run_at timestamptz NOT NULL,
    enqueued_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    defects integer NOT NULL DEFAULT 0,
    tried_since interval,
    last_error text,
    PRIMARY KEY (partition, account_id, number)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX work_lane ON work (partition, account_id, stream, lane, number);
CREATE INDEX work_command ON work (partition, account_id, command_id) WHERE command_id IS NOT NULL;

-- One row per stream that has something to run: which piece runs, and when the next may be taken
-- (while one runs, that is the end of its lease). Locking this row is locking both lanes.
CREATE TABLE turn (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    stream text NOT NULL,
    running bigint,
    priority smallint NOT NULL,
    run_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, stream)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX turn_next ON turn (priority, partition, account_id, run_at);

-- Every command that was ever taken: a command that is delivered again is known by its id.
CREATE TABLE command (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    command_id uuid NOT NULL,
    type text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, command_id)
);

-- Facts that are not on the bus yet, and how many each account has published.
CREATE TABLE outbox (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    sequence bigint NOT NULL,
    message bytea NOT NULL,
    PRIMARY KEY (partition, account_id, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE fact_counter (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (partition, account_id)
) WITH (fillfactor = 50);

-- How fast an account is called: `free_at` is when one more call needs not wait, `spent` counts the
-- calls of `day`, and each class of calls may be closed for a while.
CREATE TABLE pace (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    free_at timestamptz NOT NULL,
    slow_until timestamptz,
    day date NOT NULL,
    spent integer NOT NULL,
    urgent_from timestamptz NOT NULL,
    ordinary_from timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
) WITH (fillfactor = 50);

-- Messages from the bus that we cannot read, and marks of messages that may have killed us.
CREATE TABLE parked_message (
    partition smallint NOT NULL,
    digest text NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, digest)
);

CREATE TABLE suspect_message (
    partition smallint NOT NULL,
    digest text NOT NULL,
    marked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, digest)
);

-- migrate: rollback
