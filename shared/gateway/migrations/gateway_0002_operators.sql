-- what operators see: since when work is parked, each account's last webhook, what was found to differ
-- depends: gateway_0001_kit

-- migrate: apply

-- NULL in work that was parked before this column was there.
ALTER TABLE work ADD COLUMN parked_at timestamptz;

-- An account's newest webhook. An index and no column of `account`: a row that every webhook wrote
-- would make webhooks of an account wait for each other.
CREATE INDEX inbox_account ON inbox (partition, account_id, received_at)
    WHERE account_id IS NOT NULL;

-- The streams that comparing found to differ, and when it last did.
CREATE TABLE difference (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    stream text NOT NULL,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, stream)
) WITH (fillfactor = 80);
CREATE INDEX difference_found ON difference (partition, account_id, found_at);

-- What must run also while the account's other work may not: nearly always none.
CREATE INDEX turn_disconnect ON turn (run_at) WHERE stream = 'account:disconnect';

-- Commands are forgotten after a time.
CREATE INDEX command_received ON command (received_at);

-- Webhooks are evidence. The service's role may not delete them; it may call this, which deletes
-- none that is younger than 35 days. Returns how many it deleted.
CREATE FUNCTION purge_inbox(most integer) RETURNS bigint
LANGUAGE sql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
    WITH old AS (
        SELECT webhook_id
        FROM inbox
        WHERE received_at < now() - interval '35 days'
        ORDER BY received_at
        LIMIT most
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM inbox USING old WHERE inbox.webhook_id = old.webhook_id RETURNING 1
    )
    SELECT count(*) FROM gone
$$;

-- migrate: rollback
