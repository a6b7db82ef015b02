"""Whoever reads the feed on from where it was gets every event once, in order."""

import asyncio
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.archiving import Due, archive
from services.sync_core.log.connection import Pool
from tests.sync_core.api import Api, Client, Json, take
from tests.sync_core.seller import Seller, content
from tests.sync_core.test_export import verified
from tests.sync_core.test_outbox import registered


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await registered(log, orders=2)


async def walked(api: Api, seller: Seller, limit: int) -> list[Json]:
    events: list[Json] = []
    after = 0
    while True:
        page = await api.get(f"/api/accounts/{seller.id}/events?after={after}&limit={limit}")
        if not page["events"]:
            assert page["next_after"] == after
            return events
        assert len(page["events"]) <= limit
        events += page["events"]
        after = page["next_after"]


async def test_pages_follow_each_other_without_a_gap(api: Api, pool: Pool, seller: Seller) -> None:
    events = await walked(api, seller, 7)

    rows = await pool.fetch(
        "SELECT * FROM event_log WHERE account_id = $1 ORDER BY position", seller.id
    )
    assert [event["position"] for event in events] == [row["position"] for row in rows]
    assert [event["hash"] for event in events] == [row["hash"].hex() for row in rows]
    assert [event["type"] for event in events] == [row["type"] for row in rows]
    assert events[0]["data"]["name"] == "Loja Aurora"
    assert "personal" not in events[0]


async def test_a_reader_waits_for_the_next_event(api: Api, log: EventLog, seller: Seller) -> None:
    after = len(await walked(api, seller, 200))
    address = f"/api/accounts/{seller.id}/events?after={after}&wait=30"

    waiting = asyncio.create_task(api.get(address))
    await take(log, seller, seller.observed(9, content=content()))

    page = await waiting
    assert page["events"][0]["position"] == after + 1
    assert page["events"][0]["stream"] == "order-9"


async def test_archived_events_are_in_the_feed(
    api: Api, owner: Pool, seller: Seller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path))
    before = await walked(api, seller, 200)

    await archive(owner, Due(seller.id, 0, 9, None), lambda moved: None)

    assert await walked(api, seller, 4) == before


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("after=-1", 400, "after_invalid"),
        ("after=x", 400, "after_invalid"),
        ("limit=0", 400, "limit_invalid"),
        ("wait=31", 400, "wait_invalid"),
        ("after=100000", 409, "position_unknown"),
    ],
)
async def test_what_cannot_be_asked_is_told(
    api: Api, seller: Seller, query: str, status: int, code: str
) -> None:
    problem = await api.get(f"/api/accounts/{seller.id}/events?{query}", status=status)
    assert problem["code"] == code


async def test_an_unknown_account_has_no_feed_and_no_export(api: Api) -> None:
    for address in ("events", "export"):
        problem = await api.get(f"/api/accounts/{uuid4()}/{address}", status=404)
        assert problem["code"] == "account_unknown"


async def test_a_bundle_is_downloaded_and_holds(
    client: Client, api: Api, seller: Seller, tmp_path: Path
) -> None:
    async with client.get(f"/api/accounts/{seller.id}/export") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/gzip"
        (tmp_path / "b.tar.gz").write_bytes(await answer.read())

    code, out = verified(tmp_path / "b.tar.gz")
    assert code == 0, out

    backwards = "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z"
    for query in ("from=2026-11-01", backwards):
        problem = await api.get(f"/api/accounts/{seller.id}/export?{query}", status=400)
        assert problem["code"] == "from_invalid"


def shorten(directory: Path) -> None:
    (file,) = directory.rglob("*.gz")
    file.write_bytes(file.read_bytes()[:-1])


async def test_a_download_whose_archive_is_damaged_breaks_off(
    client: Client,
    owner: Pool,
    seller: Seller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never a shorter bundle that looks whole."""
    monkeypatch.setenv("SYNC_CORE_ARCHIVE_DIR", str(tmp_path))
    await archive(owner, Due(seller.id, 0, 9, None), lambda moved: None)
    shorten(tmp_path)

    with pytest.raises(aiohttp.ClientError):
        async with client.get(f"/api/accounts/{seller.id}/export") as answer:
            await answer.read()
