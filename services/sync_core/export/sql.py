"""Which checkpoint holds what an export shows."""

from typing import Final

FIRST_STATING: Final = """
SELECT checkpoint
FROM checkpoint_head
WHERE partition = $1 AND account_id = $2 AND position >= $3
ORDER BY checkpoint
LIMIT 1
"""

LAST_STATING: Final = """
SELECT checkpoint
FROM checkpoint_head
WHERE partition = $1 AND account_id = $2 AND position >= $3
ORDER BY checkpoint DESC
LIMIT 1
"""
