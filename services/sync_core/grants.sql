-- What the service may do. The log is append-only: nothing of it can be changed or taken back.
GRANT SELECT, INSERT ON event_log TO {role};
GRANT SELECT, INSERT, UPDATE
    ON account_head, accounts, orders, products, fact_source, person, subject_key TO {role};
GRANT SELECT, INSERT, DELETE ON order_product, outbox, held_message, delivery_marker TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_message TO {role};
