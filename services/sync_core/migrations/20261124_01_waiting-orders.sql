-- Which orders wait for which product, and for what of it
-- depends: 20261123_02_account-reasons

-- migrate: apply

-- 'import': it must be at 360Hub before the order can be registered; 'approval': 360Hub holds the
-- order until it approves the product.
ALTER TABLE order_product
    ADD COLUMN waits_for text NOT NULL DEFAULT 'import',
    DROP CONSTRAINT order_product_pkey,
    ADD PRIMARY KEY (partition, account_id, product_id, waits_for, order_id);

ALTER TABLE products ADD COLUMN imported boolean NOT NULL DEFAULT false;
UPDATE products SET imported = true WHERE (state ->> 'imported')::boolean;
CREATE INDEX products_newest_of_account
    ON products (partition, account_id, created_at DESC, product_id DESC);

-- migrate: rollback

DROP INDEX products_newest_of_account;
ALTER TABLE products DROP COLUMN imported;
DELETE FROM order_product WHERE waits_for <> 'import';
ALTER TABLE order_product
    DROP CONSTRAINT order_product_pkey,
    DROP COLUMN waits_for,
    ADD PRIMARY KEY (partition, account_id, product_id, order_id);
