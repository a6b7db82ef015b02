"""How every account stands: connected, called, heard from, compared, and what of it waits."""

from dataclasses import dataclass
from datetime import datetime

from shared.gateway import accounts
from shared.gateway.accounts import Account
from shared.gateway.operators.side import Details, Side
from shared.gateway.store import Connection
from shared.gateway.store import overview as rows
from shared.gateway.store import pace as pace_rows
from shared.gateway.values import Clock, Priority, utc_now
from shared.gateway.waiting import Standing, Waiting, standing, tally, waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One account. ``standing`` is None until the account is called for the first time."""

    account: Account
    waiting: Waiting
    standing: Standing | None
    last_webhook_at: datetime | None
    details: Details

    def shown(self) -> dict[str, object]:
        """Return what the API and ``--json`` show."""
        return {
            "account_id": str(self.account.account_id),
            "tag": self.account.tag,
            "name": self.account.name,
            "state": self.account.state,
            "paused_reason": self.account.paused_reason,
            "waiting": {each.name.lower(): self.waiting.counts.get(each, 0) for each in Priority},
            "estimate_s": self.waiting.estimate_s,
            "parked": self.waiting.parked,
            **_pace(self.standing),
            "last_webhook_at": self.last_webhook_at,
            "last_compared_at": self.details.last_compared_at,
            **self.details.more,
        }


def _pace(standing: Standing | None) -> dict[str, object]:
    if standing is None:
        return {"calls_per_second": None, "calls_left_today": None, "closed_until": None}
    return {
        "calls_per_second": standing.per_second,
        "calls_left_today": standing.left_today,
        "closed_until": standing.closed_until,
        "limit_per_second": standing.state.second_limit,
        "limit_per_day": standing.state.day_limit,
    }


async def overview(conn: Connection, side: Side, account: Account) -> Overview:
    """Return one account."""
    key = account.account_id
    details = await side.details(conn, key)
    return Overview(
        account=account,
        waiting=await waiting(conn, key),
        standing=await standing(conn, key),
        last_webhook_at=await rows.last_webhook(conn, key),
        details=details.get(key, Details()),
    )


async def overviews(conn: Connection, side: Side, *, clock: Clock = utc_now) -> list[Overview]:
    """Return all accounts, by their tags."""
    counted, webhooks = await rows.counted(conn), await rows.last_webhooks(conn)
    paces, details = await pace_rows.every(conn), await side.details(conn)

    def seen(account: Account) -> Overview:
        key = account.account_id
        pace = Standing(*paces[key], now=clock()) if key in paces else None
        return Overview(
            account=account,
            waiting=tally(counted.get(key, {}), pace),
            standing=pace,
            last_webhook_at=webhooks.get(key),
            details=details.get(key, Details()),
        )

    known = await accounts.every(conn)
    return [seen(account) for account in sorted(known, key=lambda known: known.tag)]
