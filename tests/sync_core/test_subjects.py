"""What is held about a person, found by whatever name, and the commands that tell and erase."""

import base64
import os
from pathlib import Path

import orjson
import pytest

from services.sync_core.audit.subjects import Disclosed, disclosed, subject_view, subjects_called
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.erasures import Erasure, ErasureList
from tests.sync_core.api import Api
from tests.sync_core.database import CoreDatabase
from tests.sync_core.seller import RECIPIENT, Seller, content, opened
from tests.sync_core.test_erasure import ask, delivered, key_of, people, started, status, tell
from tests.sync_core.test_service import Environment, replica, run


@pytest.fixture
def environment(core_database: CoreDatabase, tmp_path: Path) -> Environment:
    """What the commands are told: neither the bus nor a token."""
    return {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "LOG_LEVEL": "warning",
        "SYNC_CORE_DATABASE_URL": core_database.service_url,
        "SYNC_CORE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
        "SYNC_CORE_ERASURES_FILE": str(tmp_path / "erasures.jsonl"),
    }


async def all_disclosed(log: EventLog, seller: Seller, subject: str) -> list[Disclosed]:
    return [each async for _, page in disclosed(log, seller.id, subject) for each in page]


@pytest.mark.parametrize("name", ["contact-77", "order-1", "529.982.247-25", "52998224725"])
async def test_a_person_is_found_by_contact_order_and_document(log: EventLog, name: str) -> None:
    seller = await started(log)

    assert await subjects_called(log, seller.id, name) == ["contact-77"]


async def test_a_person_is_found_by_the_orders_key(log: EventLog) -> None:
    seller = await started(log)

    assert await subjects_called(log, seller.id, f"{seller.tag}-1") == ["contact-77"]


async def test_one_document_may_be_several_contacts(log: EventLog) -> None:
    seller = await started(log)
    await tell(log, seller.observed(2, content=content(), subject="contact-78"))

    called = await subjects_called(log, seller.id, "52998224725")

    assert called == ["contact-77", "contact-78"]


@pytest.mark.parametrize("name", ["11144477735", "Jurema", "contact-0", "account", "' OR true"])
async def test_what_means_nobody_finds_nobody(log: EventLog, name: str) -> None:
    seller = await started(log)

    assert await subjects_called(log, seller.id, name) == []


async def test_an_order_without_a_contact_is_its_own_subject(log: EventLog) -> None:
    seller = await opened(log)
    await tell(log, seller.observed(4, content=content(), subject="order-4"))

    assert await subjects_called(log, seller.id, "order-4") == ["order-4"]
    assert (await subject_view(log.pool, seller.id, "order-4")).known


async def test_every_reading_is_shown_until_it_is_erased(log: EventLog) -> None:
    seller = await delivered(log)
    await tell(log, seller.observed(1, content=content()))

    found = await all_disclosed(log, seller, "contact-77")

    assert [each.stream for each in found] == ["order-1", "order-1"]
    assert [each.recipient for each in found] == [RECIPIENT.model_dump(mode="json")] * 2
    await ask(log, seller)
    erased = await all_disclosed(log, seller, "contact-77")
    assert [each.recipient for each in erased] == [None, None]


async def test_a_document_finds_nobody_after_the_erasure(log: EventLog) -> None:
    seller = await delivered(log)
    await ask(log, seller)

    assert await subjects_called(log, seller.id, "52998224725") == []
    view = await subject_view(log.pool, seller.id, "contact-77")
    assert (view.known, view.findable, view.erased_at) == (True, False, log.clock())


# --- the commands


async def test_the_subject_command_shows_what_is_held_and_where(
    log: EventLog, environment: Environment
) -> None:
    seller = await delivered(log)

    code, said, _ = await run(environment, "audit", "subject", f"{seller.tag}-1", "--json")

    assert code == 0
    lines = [orjson.loads(line) for line in said.splitlines()]
    assert (lines[0]["subject"], lines[0]["state"]) == ("contact-77", "held")
    assert lines[0]["orders"] == [
        {"order_id": 1, "number": "1042", "stage": "delivered", "under_way": False, "nfe": False}
    ]
    assert [each["recipient"]["name"] for each in lines if "recipient" in each] == [RECIPIENT.name]
    assert {each["table"] for each in lines if "table" in each} >= {"event_log.personal", "person"}
    code, said, _ = await run(environment, "audit", "subject", f"{seller.tag}-1")
    assert code == 0
    assert "Rua dos Aimorés" in said


async def test_erasing_asks_first_and_says_what_stays(
    log: EventLog, pool: Pool, environment: Environment
) -> None:
    seller = await delivered(log)
    erase = ("audit", "erase", "52998224725", "--account", str(seller.id), "--by", "ana")

    code, _, told = await run(environment, *erase)

    assert code != 0, "nobody confirmed"
    assert "order 1, number 1042: delivered" in told
    assert await people(pool, seller) == 1
    code, said, _ = await run(environment, *erase, "--yes")
    assert (code, said.strip()) == (0, "The key is destroyed. The gateways are told to forget; see"
                                       " audit subject.")  # fmt: skip
    assert await people(pool, seller) == 0
    key = await key_of(pool, seller)
    assert key is not None
    assert key["wrapped"] is None
    actor = "SELECT actor FROM event_log WHERE account_id = $1 AND type = $2"
    assert await pool.fetchval(actor, seller.id, "privacy.erasure_requested") == "ana"
    listed = ErasureList(Path(environment["SYNC_CORE_ERASURES_FILE"])).read()
    assert [(each.account_id, each.subject) for each in listed] == [(seller.id, "contact-77")]


async def test_a_shipment_under_way_is_named(
    log: EventLog, pool: Pool, environment: Environment
) -> None:
    seller = await started(log)
    erase = ("audit", "erase", f"{seller.tag}-1", "--by", "ana", "--yes", "--json")

    code, said, told = await run(environment, *erase)

    assert code == 1
    assert orjson.loads(said)["waits_for"] == [1]
    assert "waits for order 1" in told
    assert await people(pool, seller) == 1


async def test_who_is_not_known_is_told_in_one_line_that_repeats_no_document(
    log: EventLog, environment: Environment
) -> None:
    seller = await started(log)

    for arguments in (("11144477735",), ("11144477735", "--account", str(seller.id))):
        code, said, told = await run(environment, "audit", "subject", *arguments)
        assert (code, said) == (2, "")
        assert len(told.splitlines()) == 1
        assert "11144477735" not in told


async def test_a_core_that_starts_on_a_restored_backup_erases_first(
    log: EventLog,
    pool: Pool,
    environment: Environment,
    amqp_url: str,
    bus_prefix: str,
    unused_tcp_port: int,
) -> None:
    seller = await delivered(log)
    listed = ErasureList(Path(environment["SYNC_CORE_ERASURES_FILE"]))
    listed.note([Erasure(seller.id, "contact-77", log.clock())])
    serving = environment | {
        "AMQP_URL": amqp_url,
        "BUS_PREFIX": bus_prefix,
        "SYNC_CORE_API_TOKENS": "tests:token",
    }

    async with replica(serving, unused_tcp_port):
        key = await key_of(pool, seller)
        assert key is not None
        assert key["wrapped"] is None
        assert await people(pool, seller) == 0


# --- over HTTP


async def test_an_erasure_is_asked_for_over_http_and_once_for_each_request(
    log: EventLog, api: Api
) -> None:
    seller = await started(log)
    path = f"/api/accounts/{seller.id}/subjects/contact-77"
    shown = await api.call("GET", path)
    assert (shown["state"], shown["waits_for"]) == ("held", [])
    assert [order["under_way"] for order in shown["orders"]] == [True]

    accepted = await api.call("POST", f"{path}/erasure")

    assert not accepted["repeated"]
    shown = await api.call("GET", path)
    assert (shown["state"], shown["waits_for"]) == ("erasure_waits", [1])
    assert RECIPIENT.name not in str(shown)
    await tell(log, status(seller, 1, "delivered", 1))
    shown = await api.call("GET", path)
    assert shown["state"] == "being_erased"
    assert shown["erased_at"] is not None


@pytest.mark.parametrize("subject", ["contact-99", "account", "contact-0", "52998224725"])
async def test_over_http_nobody_unknown_is_erased(log: EventLog, api: Api, subject: str) -> None:
    seller = await started(log)

    path = f"/api/accounts/{seller.id}/subjects/{subject}/erasure"
    problem = await api.call("POST", path, status=404)

    assert problem["code"] == "subject_unknown"
