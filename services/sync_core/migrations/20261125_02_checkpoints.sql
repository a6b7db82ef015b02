-- Signed checkpoints, the heads that they state, to where they were published, and the last proofs
-- depends: 20261124_01_waiting-orders

-- migrate: apply

-- A checkpoint is about the whole log, so it stands in no partition. "note" is all that it says.
CREATE TABLE checkpoint (
    number bigint PRIMARY KEY CHECK (number > 0),
    note   text   NOT NULL
);

-- A head is kept with the first checkpoint that states it: an account's head in any checkpoint is
-- the last one up to there. So the table grows with what changed, and every tree can be made again.
CREATE TABLE checkpoint_head (
    partition  smallint NOT NULL,
    account_id uuid     NOT NULL,
    checkpoint bigint   NOT NULL,
    position   bigint   NOT NULL,
    hash       bytea    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (partition, account_id, checkpoint)
);
CREATE INDEX checkpoint_head_by_checkpoint ON checkpoint_head (checkpoint);

-- The last checkpoint that each place has: 'bus', 'file', 'url'. They get them in order.
CREATE TABLE checkpoint_published (
    place  text   PRIMARY KEY,
    number bigint NOT NULL
);

-- What the last proof of each account's chain found.
CREATE TABLE verification (
    partition   smallint    NOT NULL,
    account_id  uuid        NOT NULL,
    position    bigint      NOT NULL,
    differences integer     NOT NULL,
    first       text,
    verified_by text        NOT NULL,
    verified_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
);

-- migrate: rollback

DROP TABLE verification, checkpoint_published, checkpoint_head, checkpoint;
