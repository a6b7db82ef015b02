GRANT SELECT, INSERT, UPDATE ON {schema}.account, {schema}.fact_counter, {schema}.pace TO {role};
GRANT SELECT, INSERT, DELETE ON {schema}.outbox, {schema}.suspect_message TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.work, {schema}.turn TO {role};
GRANT SELECT, INSERT ON {schema}.inbox, {schema}.command, {schema}.parked_message TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.difference TO {role};
GRANT DELETE ON {schema}.command, {schema}.parked_message TO {role};
REVOKE EXECUTE ON FUNCTION {schema}.purge_inbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.purge_inbox TO {role};
