-- Which orders are a subject's: asked when a person is to be forgotten
-- depends: 20261124_01_waiting-orders

-- migrate: apply

CREATE INDEX orders_subject ON orders (partition, account_id, data_subject);

-- migrate: rollback

DROP INDEX orders_subject;
