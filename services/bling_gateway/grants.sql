GRANT SELECT, INSERT, UPDATE, DELETE ON
    company, oauth_state, token, order_seen, hint, echo_ticket, reading, product_seen, reconcile
    TO {role};
