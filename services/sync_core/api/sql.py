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

# An order that waits for a product's import has rows for all its products, imported or not.
_WAITS: Final = """
FROM order_product AS waiting
WHERE waiting.partition = products.partition
    AND waiting.account_id = products.account_id
    AND waiting.product_id = products.product_id
    AND (waiting.waits_for = 'approval' OR NOT products.imported)
"""

PRODUCTS: Final = f"""
SELECT
    products.product_id, products.state, products.created_at, products.updated_at,
    (SELECT count(DISTINCT waiting.order_id) {_WAITS}) AS waiting_orders
FROM products
WHERE products.partition = $1 AND products.account_id = $2
    AND ($3::timestamptz IS NULL OR (products.created_at, products.product_id) < ($3, $4::bigint))
    AND ($5::text IS NULL OR products.approval = $5)
    AND (NOT $6::boolean OR EXISTS (SELECT {_WAITS}))
ORDER BY products.created_at DESC, products.product_id DESC
LIMIT $7
"""  # noqa: S608 - made of the constants above

PRODUCT: Final = f"""
SELECT
    products.product_id, products.state, products.created_at, products.updated_at,
    (SELECT count(DISTINCT waiting.order_id) {_WAITS}) AS waiting_orders
FROM products
WHERE products.partition = $1 AND products.account_id = $2 AND products.product_id = $3
"""  # noqa: S608

ORDERS_WAITING_FOR: Final = """
SELECT orders.order_id, orders.number, orders.stage, orders.created_at, waiting.waits_for
FROM order_product AS waiting
JOIN products USING (partition, account_id, product_id)
JOIN orders USING (partition, account_id, order_id)
WHERE waiting.partition = $1 AND waiting.account_id = $2 AND waiting.product_id = $3
    AND (waiting.waits_for = 'approval' OR NOT products.imported)
    AND ($4::timestamptz IS NULL OR (orders.created_at, orders.order_id) > ($4, $5::bigint))
ORDER BY orders.created_at, orders.order_id
LIMIT $6
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

# --- proofs

VERIFICATION: Final = """
SELECT position AS verified_to, differences, first, verified_by, verified_at
FROM verification
WHERE partition = $1 AND account_id = $2
"""

VERIFICATIONS: Final = """
SELECT
    count(*) AS accounts,
    count(known.position) AS verified,
    count(*) FILTER (WHERE known.differences > 0) AS differing,
    coalesce(sum(head.position), 0)::bigint AS events,
    coalesce(sum(least(known.position, head.position)), 0)::bigint AS verified_events,
    min(known.verified_at) AS oldest_verified_at
FROM account_head AS head
LEFT JOIN verification AS known USING (partition, account_id)
"""
