GRANT SELECT, INSERT ON {schema}.company TO {role};
GRANT SELECT, INSERT, DELETE ON {schema}.oauth_state, {schema}.hint TO {role};
GRANT SELECT, INSERT, UPDATE ON
    {schema}.order_seen, {schema}.product_seen, {schema}.reconcile
    TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON
    {schema}.token, {schema}.echo_ticket, {schema}.reading
    TO {role};
