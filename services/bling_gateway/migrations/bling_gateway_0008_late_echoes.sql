-- the webhook of our own write that comes late: read like any other, and known as ours
-- depends: bling_gateway_0007_import

-- migrate: apply

ALTER TABLE hint ADD COLUMN echo_of uuid;

-- migrate: rollback

ALTER TABLE hint DROP COLUMN echo_of;
