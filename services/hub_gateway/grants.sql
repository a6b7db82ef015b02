GRANT SELECT, INSERT, UPDATE, DELETE
ON connection, webhook_secret, shipment, product, prepared_call, change_cursor
TO {role};
