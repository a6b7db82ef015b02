-- By what people call an order: Bling's id and number, the store's number, tracking codes
-- depends: 20261124_01_waiting-orders

-- migrate: apply

ALTER TABLE orders ADD COLUMN names text[] NOT NULL DEFAULT '{}';

-- Each once, in the order that the projection writes them in (log/projection.py, names_of): who
-- compares the states with the log compares bytes.
UPDATE orders
SET names = array(
    SELECT name
    FROM (
        SELECT name, place, '' AS label_id
        FROM unnest(ARRAY[order_id::text, number, store_number])
            WITH ORDINALITY AS given (name, place)
        UNION ALL
        SELECT label ->> 'tracking_code', 4, label_id
        FROM json_each(
            CASE json_typeof(state #> '{shipment,issued}')
                WHEN 'object' THEN state #> '{shipment,issued}'
            END
        ) AS issued (label_id, label)
    ) AS named
    WHERE name <> ''
    GROUP BY name
    ORDER BY min(place), min(label_id COLLATE "C")
);

-- One index for all of them; a search names the whole name.
CREATE INDEX orders_names ON orders USING gin (names);

-- migrate: rollback

DROP INDEX orders_names;
ALTER TABLE orders DROP COLUMN names;
