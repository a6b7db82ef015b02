-- What the service may do. The log is append-only: nothing of it can be changed or taken back.
GRANT SELECT, INSERT ON event_log, checkpoint, checkpoint_head TO {role};
GRANT SELECT, INSERT, UPDATE
    ON account_head, accounts, orders, products, fact_source, person, subject_key, log_consumer,
        verified, checkpoint_published, verification TO {role};
GRANT DELETE ON person TO {role};
GRANT UPDATE ON held_message TO {role};
GRANT SELECT, INSERT, DELETE ON order_product, outbox, held_message, delivery_marker TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_message TO {role};
-- What is archived is moved by the owner alone.
GRANT SELECT ON archive_segment, archived_event, logged_event TO {role};
