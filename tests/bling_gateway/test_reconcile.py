"""Comparing an account with Bling: which orders are read again, and whether webhooks come."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from services.bling_gateway.reconcile import Period
from tests.bling_gateway.stage import OPEN, STARTED, Json, Seller
from tests.waiting import eventually

CONNECTED = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

minutes = st.integers(0, 3000).map(lambda count: timedelta(minutes=count))


@given(
    pauses=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    read_after=minutes,
    edited_after=minutes,
)
def test_every_edit_is_read_before_it_leaves_the_list(
    pauses: list[int], read_after: timedelta, edited_after: timedelta
) -> None:
    """Pitfall 33: whichever time zone changes are dated in, four hours hold the doubt."""
    read_at = CONNECTED + read_after
    edited_at = read_at + edited_after + timedelta(seconds=1)

    now, is_listed, is_read = CONNECTED, False, False
    for minutes_later in pauses:
        period = Period.of(now, now := now + timedelta(minutes=minutes_later))
        was_listed, is_listed = is_listed, edited_at <= now and edited_at >= period.since
        is_read = is_read or (is_listed and read_at < period.read_since)
        if was_listed and not is_listed:
            assert is_read


async def compare(seller: Seller) -> None:
    """Have the account compared now, and wait until it is."""
    before = await _compared_at(seller)
    await seller.rows(
        "UPDATE bling_gateway.reconcile SET due_at = now() WHERE account_id = $1",
        seller.account_id,
    )

    async def is_compared() -> bool:
        return await _compared_at(seller) != before

    await eventually(is_compared, within_s=30)


async def _compared_at(seller: Seller) -> datetime | None:
    rows = await seller.rows(
        "SELECT compared_at FROM bling_gateway.reconcile WHERE account_id = $1", seller.account_id
    )
    moment: datetime | None = rows[0][0]
    return moment


async def lists(seller: Seller) -> list[Json]:
    """The queries of all lists of changed orders."""
    calls = await seller.calls("GET")
    queries = [parse_qs(call["query"]) for call in calls if call["path"].endswith("/vendas")]
    return [query for query in queries if "dataAlteracaoInicial" in query]


async def long_ago(seller: Seller, column: str, by: str) -> None:
    """Let what is remembered in a column have happened earlier."""
    await seller.rows(
        f"UPDATE bling_gateway.reconcile SET {column} = {column} - $2::text::interval"  # noqa: S608
        " WHERE account_id = $1",
        seller.account_id,
        by,
    )


async def test_more_orders_than_a_page_are_found_without_turning_pages(seller: Seller) -> None:
    await seller.control("POST", "webhooks", enabled=False)
    placed = {(await seller.place_order(situation=OPEN))["id"] for _ in range(120)}

    await compare(seller)

    await seller.fact("bling.order.observed", 120, within_s=60)
    found = {fact.data["order_id"] for fact in seller.facts("bling.order.observed")}
    assert found == placed
    asked = await lists(seller)
    assert len(asked) > 1
    within_a_second = [query for query in asked if query["pagina"] != ["1"]]
    assert all(_seconds(query) <= 1 for query in within_a_second)


def _seconds(query: Json) -> float:
    first, last = (
        datetime.fromisoformat(query[f"dataAlteracao{end}"][0]) for end in ("Inicial", "Final")
    )
    return (last - first).total_seconds()


async def test_an_interrupted_comparison_goes_on_where_it_came_to(seller: Seller) -> None:
    await compare(seller)
    now = datetime.now(UTC).replace(microsecond=0)
    listed_until, comparing_until = now - timedelta(hours=1), now - timedelta(minutes=61)
    await seller.rows(
        "UPDATE bling_gateway.reconcile SET comparing_until = $2, listed_until = $3"
        " WHERE account_id = $1",
        seller.account_id,
        comparing_until,
        listed_until,
    )

    await compare(seller)

    continued = (await lists(seller))[-1]
    brasilia = listed_until - timedelta(hours=3)
    assert continued["dataAlteracaoInicial"] == [f"{brasilia:%Y-%m-%d %H:%M:%S}"]
    stored = await seller.rows(
        "SELECT changed_until, comparing_until, listed_until FROM bling_gateway.reconcile"
        " WHERE account_id = $1",
        seller.account_id,
    )
    assert tuple(stored[0]) == (comparing_until, None, None)


async def test_webhooks_that_fell_silent_are_told_and_so_is_their_return(seller: Seller) -> None:
    """Pitfall 12: polling finds changes, and no webhook told of them."""
    await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await long_ago(seller, "listening_since", "1 day")
    await seller.control("POST", "webhooks", enabled=False)
    await seller.place_order(situation=STARTED)
    await compare(seller)
    await seller.fact("bling.order.observed", 2)
    assert seller.facts("bling.webhooks.silent") == []
    await long_ago(seller, "missed_since", "15 min")
    await seller.rows(
        "UPDATE bling_gateway.webhook_heard SET at = at - interval '1 h' WHERE account_id = $1",
        seller.account_id,
    )

    await compare(seller)

    silent = await seller.fact("bling.webhooks.silent")
    assert silent.data["missed"] == 1
    assert silent.subject == "account"

    await seller.control("POST", "webhooks", enabled=True)
    await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed", 3)
    await compare(seller)

    await seller.fact("bling.webhooks.heard")


async def test_a_webhook_that_waits_to_be_worked_on_is_no_silence(seller: Seller) -> None:
    await long_ago(seller, "listening_since", "1 day")
    order = await seller.place_order(situation=OPEN)
    await seller.fact("bling.order.observed")
    await seller.settled()
    await seller.rows(
        "INSERT INTO bling_gateway.hint"
        " (partition, account_id, order_id, webhook_id, situation, at)"
        " SELECT partition, account_id, order_id, 'waits', 15, now()"
        " FROM bling_gateway.order_seen WHERE account_id = $1",
        seller.account_id,
    )
    await seller.control("POST", "webhooks", enabled=False)
    await seller.choose(order["id"], STARTED)

    await compare(seller)

    missed = await seller.rows(
        "SELECT missed_since FROM bling_gateway.reconcile WHERE account_id = $1", seller.account_id
    )
    assert missed[0][0] is None


async def test_an_order_of_an_odd_shape_is_not_read_again_and_again(seller: Seller) -> None:
    """Its total is not known, which is no change, nor one of which a webhook should have told."""
    await long_ago(seller, "listening_since", "1 day")
    odd = {"transporte": {"pesoBruto": "pesado"}}
    order = await seller.place_order(situation=OPEN, override=odd)
    await seller.fact("bling.order.observed")
    await seller.settled()

    await compare(seller)
    await seller.settled()

    reads = [call for call in await seller.calls("GET") if str(order["id"]) in call["path"]]
    assert len(reads) == 1
    missed = await seller.rows(
        "SELECT missed FROM bling_gateway.reconcile WHERE account_id = $1", seller.account_id
    )
    assert missed[0][0] == 0


async def test_silence_in_every_account_alarms_the_operator(seller: Seller) -> None:
    """Pitfall 12: Bling switches a resource off for all sellers at once."""
    other = await seller.stage.new_seller()
    for each in (seller, other):
        await each.place_order(situation=OPEN)
        await each.fact("bling.order.observed")
        await each.settled()
        await long_ago(each, "listening_since", "1 day")
        await each.control("POST", "webhooks", enabled=False)
        await each.place_order(situation=OPEN)
        await compare(each)
        await long_ago(each, "missed_since", "15 min")
    await seller.rows("UPDATE bling_gateway.webhook_heard SET at = at - interval '17 min'")
    await compare(seller)
    assert "webhooks_switched_off" not in seller.stage.log.read_text()

    await compare(other)

    await other.fact("bling.webhooks.silent")
    assert "webhooks_switched_off" in seller.stage.log.read_text()
