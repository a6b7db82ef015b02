"""The first import: which orders hold the start situação already."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.bling_gateway.reading.importing import _spans
from shared.contracts.sync_core import ImportOrders
from tests.bling_gateway.stage import OPEN, STARTED, Seller
from tests.bling_gateway.test_reconcile import compare
from tests.waiting import eventually

TODAY = datetime.now(ZoneInfo("America/Sao_Paulo")).date()


async def test_orders_in_the_start_situation_are_found_read_and_counted(seller: Seller) -> None:
    await seller.control("POST", "webhooks", enabled=False)
    wanted = {
        (await seller.place_order(situation=STARTED, date=str(TODAY - timedelta(days=ago))))["id"]
        for ago in (0, 10, 500)
    }
    await seller.place_order(situation=OPEN)
    await seller.place_order(situation=STARTED, date=str(TODAY - timedelta(days=800)))
    command = ImportOrders(situations=(STARTED,), since=TODAY - timedelta(days=700))

    sent = await seller.command(command, subject="account")

    await seller.fact("bling.order.observed", 3)
    await seller.settled()
    read = seller.facts("bling.order.observed")
    assert {fact.data["order_id"] for fact in read} == wanted
    assert {fact.data["trigger"] for fact in read} == {"import"}
    progress = seller.facts("bling.import.progressed")[-1]
    assert progress.subject == "account"
    assert progress.causationid == sent.id
    assert progress.data == {
        "command_id": str(sent.id),
        "found": 3,
        "read": 3,
        "finished": True,
    }


async def test_an_import_that_finds_nothing_is_finished(seller: Seller) -> None:
    command = ImportOrders(situations=(STARTED,), since=TODAY)

    await seller.command(command, subject="account")

    progress = await seller.fact("bling.import.progressed")
    assert (progress.data["found"], progress.data["finished"]) == (0, True)


async def test_an_order_that_vanished_meanwhile_is_counted(seller: Seller) -> None:
    """Its reading is answered by 404: the import must not wait for it for ever."""
    await seller.control("POST", "webhooks", hold=True)
    order = await seller.place_order(situation=STARTED)
    await seller.control(
        "POST", "faults", fault="not_found", match=f"/Api/v3/pedidos/vendas/{order['id']}", count=9
    )
    await seller.command(ImportOrders(situations=(STARTED,), since=TODAY), subject="account")
    await seller.fact("bling.import.progressed")

    await seller.control("DELETE", f"orders/{order['id']}")
    await seller.control("POST", "webhooks/release", order="as_is")

    progress = await seller.fact("bling.import.progressed", 2)
    assert (progress.data["read"], progress.data["finished"]) == (1, True)


async def test_an_import_ends_though_an_order_waits_for_a_person(seller: Seller) -> None:
    """It says how many were read; the one that a person has read after all is counted then."""
    await seller.control("POST", "webhooks", enabled=False)
    await seller.place_order(situation=STARTED)
    order = await seller.place_order(situation=STARTED)
    path = f"/Api/v3/pedidos/vendas/{order['id']}"
    await seller.control("POST", "faults", fault="insufficient_scope", match=path, count=1)
    await seller.command(ImportOrders(situations=(STARTED,), since=TODAY), subject="account")
    await seller.fact("bling.order.observed")

    async def is_parked() -> bool:
        query = "SELECT state FROM bling_gateway.work WHERE account_id = $1"
        return [row["state"] for row in await seller.rows(query, seller.account_id)] == ["parked"]

    await eventually(is_parked)
    assert not any(told.data["finished"] for told in seller.facts("bling.import.progressed"))
    told = len(seller.facts("bling.import.progressed"))

    await compare(seller)

    # Comparing reads it once more, like everything that is not known as it is listed.
    await seller.fact("bling.import.progressed", told + 2)
    ends = [fact.data for fact in seller.facts("bling.import.progressed")[told:]]
    assert [(end["found"], end["read"], end["finished"]) for end in ends] == [
        (2, 1, True),
        (2, 2, True),
    ]


async def test_another_import_begins_anew(seller: Seller) -> None:
    await seller.control("POST", "webhooks", enabled=False)
    await seller.place_order(situation=STARTED)
    command = ImportOrders(situations=(STARTED,), since=TODAY - timedelta(days=2))
    await seller.command(command, subject="account")
    await seller.fact("bling.order.observed")
    await seller.settled()
    told = len(seller.facts("bling.import.progressed"))

    again = await seller.command(command, subject="account")

    progress = await seller.fact("bling.import.progressed", told + 2)
    assert progress.data["command_id"] == str(again.id)
    assert (progress.data["found"], progress.data["finished"]) == (1, True)


def test_no_period_is_longer_than_bling_lists_and_no_day_is_left_out() -> None:
    """Pitfall 31: a period above one year is refused."""
    since, until = date(2023, 1, 15), date(2026, 3, 2)

    spans = _spans(since, until)

    assert all(span.last - span.first < 365 for span in spans)
    days = {day for span in spans for day in range(span.first, span.last + 1)}
    assert days == set(range(since.toordinal(), until.toordinal() + 1))
