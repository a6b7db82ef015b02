-- the account's situações as they were last told, and the ones that orders showed without being listed
-- depends: bling_gateway_0001_orders

-- migrate: apply

-- `wanted`: what the sync core asked for. `observed` and `refused`: the facts last told, the refusal
-- only while it holds. `listed`: the ids of the list, null while it may not be read. `told` counts
-- the facts: a reading that began before the last of them is out of date.
CREATE TABLE situation_list (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    wanted jsonb NOT NULL,
    observed jsonb,
    refused jsonb,
    listed bigint[],
    told integer NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id)
);
CREATE INDEX situation_list_due ON situation_list (partition, due_at);

-- Situações that orders or webhooks showed and that were not in the list then. `seen_at` moves at
-- most once an hour, and the list is read when it does.
CREATE TABLE unlisted_situation (
    partition smallint NOT NULL,
    account_id uuid NOT NULL,
    situation bigint NOT NULL,
    value bigint,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (partition, account_id, situation)
);

-- migrate: rollback
