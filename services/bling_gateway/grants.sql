GRANT SELECT, INSERT, UPDATE (name) ON {schema}.company TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.address TO {role};
GRANT SELECT, INSERT, DELETE ON {schema}.oauth_state, {schema}.hint TO {role};
GRANT SELECT, INSERT, UPDATE ON
    {schema}.order_seen, {schema}.product_seen, {schema}.reconcile
    TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON
    {schema}.token, {schema}.echo_ticket, {schema}.reading
    TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.webhook_heard, {schema}.import_run TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_order TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.situation_list, {schema}.unlisted_situation TO {role};
GRANT SELECT, INSERT, UPDATE ON {schema}.tracking_written TO {role};
