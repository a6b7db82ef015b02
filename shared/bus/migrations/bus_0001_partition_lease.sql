-- Which replica of the service has which partition
-- depends:

-- migrate: apply
CREATE TABLE partition_lease (
    partition smallint PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    owner text,
    until timestamptz NOT NULL
);

INSERT INTO partition_lease (partition, until)
SELECT generate_series(0, 15), '-infinity';

CREATE TABLE replica (
    owner text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- migrate: rollback
