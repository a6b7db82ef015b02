GRANT SELECT, UPDATE ON partition_lease TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON replica TO {role};
