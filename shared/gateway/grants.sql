GRANT SELECT, INSERT, UPDATE ON {schema}.account, {schema}.fact_counter, {schema}.pace TO {role};
GRANT SELECT, INSERT, DELETE ON {schema}.outbox, {schema}.suspect_message TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.work, {schema}.turn TO {role};
GRANT SELECT, INSERT ON {schema}.inbox, {schema}.command, {schema}.parked_message TO {role};
