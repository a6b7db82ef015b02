"""The API's own queries: pages and look-ups. All else about the log is in ``log/sql.py``."""

from typing import Final

ACCOUNT: Final = """
SELECT account_id
FROM accounts
WHERE partition = $1 AND account_id = $2
"""

ACCOUNT_STATE: Final = """
SELECT account_id, created_at, state
FROM accounts
WHERE partition = $1 AND account_id = $2
"""

ORDERS_NAMED: Final = """
SELECT order_id, number
FROM orders
WHERE partition = $1 AND account_id = $2
    AND (order_id = ANY ($3::bigint[]) OR number = ANY ($4::text[]))
"""

ACCOUNTS: Final = """
SELECT account_id, created_at, state
FROM accounts
WHERE $1::timestamptz IS NULL OR (created_at, account_id) < ($1, $2::uuid)
ORDER BY created_at DESC, account_id DESC
LIMIT $3
"""

_SUMMARY: Final = """
SELECT
    orders.account_id, orders.order_id, orders.number, orders.store_number, orders.stage,
    orders.situation, orders.status, orders.reasons, orders.created_at, orders.updated_at,
    accounts.tag, accounts.state AS account
FROM orders
JOIN accounts USING (partition, account_id)
"""

_PAGE: Final = """
    AND ($1::timestamptz IS NULL
        OR (orders.created_at, orders.account_id, orders.order_id) < ($1, $2::uuid, $3::bigint))
    AND ($4::text IS NULL OR orders.stage = $4)
    AND ($5::text IS NULL OR orders.reasons @> ARRAY[$5])
ORDER BY orders.created_at DESC, orders.account_id DESC, orders.order_id DESC
LIMIT $6
"""

ORDERS: Final = f"{_SUMMARY} WHERE TRUE {_PAGE}"

ORDERS_OF_ACCOUNT: Final = (
    f"{_SUMMARY} WHERE orders.partition = $7 AND orders.account_id = $8 {_PAGE}"
)
