"""Products over the API: where each stands, which orders wait for it, what people may do."""

from typing import Any
from uuid import uuid4

import pytest

from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.consume import FactConsumer
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from shared.contracts import sync_core as core
from shared.contracts.account import Policies
from shared.contracts.references import product_reference
from tests.sync_core.api import Api, take
from tests.sync_core.clock import Clock
from tests.sync_core.seller import AT, PRODUCT, Seller, content, opened
from tests.sync_core.test_consume import delivery

BIG = 2**63 - 1
PICTURE = bling.ProductImage(url="https://fotos.example.com/caneca.jpg", position=1)


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await opened(log)


def stands(
    seller: Seller, status: str, sequence: int, code: str | None = None, product: int = PRODUCT
) -> Any:
    moved = hub.ProductApprovalChanged(
        product_id=product,
        reference=product_reference(seller.tag, product),
        approval=hub.Approval(status=status, reason_code=code, photos_required=2),
        hub_sequence=sequence,
        happened_at=AT,
    )
    return seller.fact(moved, f"product-{product}", source=hub.SOURCE)


def held(seller: Seller, order_id: int, sequence: int, *products: int) -> Any:
    """Return the fact that 360Hub holds the order until it approves the products, if any."""
    references = tuple(product_reference(seller.tag, each) for each in products)
    hold = hub.Hold(code="product_pending_approval", product_references=references)
    changed = hub.OrderHoldChanged(
        shipment=1, hub_sequence=sequence, happened_at=AT, holds=(hold,) if products else ()
    )
    return seller.fact(changed, f"order-{order_id}", source=hub.SOURCE)


async def chooses_photos(log: EventLog, seller: Seller) -> None:
    chosen = core.PoliciesChanged(policies=Policies(product_photos=True))
    async with log.writing(seller.partition, [seller.id]) as writing:
        await writing.append([seller.human("account", chosen)])


def path(seller: Seller, product_id: int = PRODUCT, more: str = "") -> str:
    return f"/api/accounts/{seller.id}/products/{product_id}{more}"


async def waiting(api: Api, seller: Seller, product_id: int = PRODUCT) -> list[tuple[int, str]]:
    view = await api.get(path(seller, product_id))
    assert view["waiting_orders"] == len(view["orders"])
    return [(order["order_id"], order["waits_for"]) for order in view["orders"]]


async def test_the_seller_sees_which_orders_wait_for_which_product_and_for_what(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(BIG, content=content(PRODUCT, BIG)))
    await take(log, seller, seller.observed(2, content=content(PRODUCT)))
    assert await waiting(api, seller) == [(2, "import"), (BIG, "import")]

    await take(log, seller, seller.product_observed(), seller.product_imported())
    assert await waiting(api, seller) == []  # one still waits, but for the other product
    assert await waiting(api, seller, BIG) == [(BIG, "import")]

    await take(log, seller, held(seller, 2, 1, PRODUCT))
    assert await waiting(api, seller) == [(2, "approval")]

    await take(log, seller, held(seller, 2, 2))
    assert await waiting(api, seller) == []


async def test_an_order_that_is_cancelled_waits_for_nothing(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(1, content=content()))
    await take(log, seller, seller.product_observed(), seller.product_imported())
    await take(log, seller, held(seller, 1, 1, PRODUCT))

    await take(log, seller, seller.observed(1, 12))

    assert await waiting(api, seller) == []


async def test_products_are_listed_by_approval_and_by_who_waits(
    api: Api, log: EventLog, seller: Seller, clock: Clock
) -> None:
    for product_id in (11, 12, 13):
        clock.forward(60)
        await take(log, seller, seller.product_observed(product_id))
    await take(log, seller, seller.observed(1, content=content(12)))
    await take(log, seller, stands(seller, "beamed_up", 1, product=13))

    async def listed(query: str = "") -> list[int]:
        page = await api.get(f"/api/accounts/{seller.id}/products{query}")
        return [product["product_id"] for product in page["products"]]

    assert await listed() == [13, 12, 11]
    assert await listed("?waiting=true") == [12]
    assert await listed("?approval=beamed_up") == [13]
    assert await listed("?approval=beamed_up&waiting=true") == []


async def test_pages_lead_on_without_gap_or_repetition(
    api: Api, log: EventLog, seller: Seller
) -> None:
    """Of products, and of the orders that wait for one: all seen in the same moment."""
    for number in range(1, 6):
        await take(log, seller, seller.product_observed(number))
        await take(log, seller, seller.observed(number, content=content()))

    async def pages(address: str, entries: str, key: str) -> list[int]:
        found, cursor = [], ""
        while True:
            page = await api.get(f"{address}?limit=2{cursor}")
            found += [entry[key] for entry in page[entries]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    products = await pages(f"/api/accounts/{seller.id}/products", "products", "product_id")
    assert products == [PRODUCT, 5, 4, 3, 2, 1]
    assert await pages(path(seller), "orders", "order_id") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("awaiting_photos", None, "Cadastre-as na própria tela dela."),
        ("in_review", None, "Pode levar dias"),
        ("approved", None, "aprovou o produto"),
        ("suspended", None, "só a 360Hub pode liberá-lo"),
        ("rejected", "photo_quality", "Troque as fotos"),
        ("rejected", "beamed_up", "reprovou o produto: beamed_up."),
        ("rejected", None, "não disse por quê"),
        ("beamed_up", None, "“beamed_up”"),
    ],
)
async def test_a_product_says_where_it_stands_and_what_to_do(
    api: Api, log: EventLog, seller: Seller, status: str, code: str | None, said: str
) -> None:
    await take(log, seller, seller.product_observed(), stands(seller, status, 1, code))

    view = await api.get(path(seller))

    approval = view["approval"]
    assert said in approval["sentence"]
    assert (approval["status"], approval["reason_code"]) == (status, code)
    assert (approval["photos_required"], approval["photos_accepted"]) == (2, None)
    assert approval["since"] == AT.isoformat().replace("+00:00", "Z")
    assert (view["name"], view["reference"]) == ("Caneca", f"bling-{seller.tag}-{PRODUCT}")


async def test_a_photo_shows_what_became_of_it_and_may_be_tried_again(
    api: Api, log: EventLog, seller: Seller, pool: Pool
) -> None:
    await chooses_photos(log, seller)
    await take(log, seller, seller.observed(1, content=content()))
    await take(log, seller, seller.product_observed(images=(PICTURE,)))
    await take(log, seller, seller.product_imported(approval="awaiting_photos"))
    view = await api.get(path(seller))
    assert [photo["state"] for photo in view["photos"]] == ["sent"]
    assert "vão para lá automaticamente" in view["approval"]["sentence"]
    command_id = await pool.fetchval(
        "SELECT event_id FROM event_log WHERE account_id = $1 AND type = 'hub.add_product_photo'",
        seller.id,
    )

    refused = hub.ProductPhotoRefused(
        command_id=command_id, product_id=PRODUCT, position=1, cause="invalid"
    )
    await take(log, seller, seller.fact(refused, f"product-{PRODUCT}", source=hub.SOURCE))

    view = await api.get(path(seller))
    (photo,) = view["photos"]
    assert (photo["state"], photo["picture"]) == ("refused", PICTURE.url)
    assert "não conseguiu usar a foto" in photo["label"]
    assert view["actions"] == ["retry", "send_again"]
    await api.call("POST", path(seller, more="/retry"), {})
    again = seller.product_observed(images=(PICTURE,))
    await take(log, seller, again)
    assert (await api.get(path(seller)))["photos"][0]["state"] == "sent"


async def test_what_failed_of_a_product_is_named_and_may_be_tried_again(
    api: Api, log: EventLog, seller: Seller, pool: Pool
) -> None:
    await take(log, seller, seller.observed(1, content=content()), seller.product_observed())
    refused = hub.ProductRefused(
        command_id=uuid4(),
        product_id=PRODUCT,
        version=1,
        cause="invalid",
        errors=(hub.FieldError(pointer="/weight_g", code="required"),),
    )
    await take(log, seller, seller.fact(refused, f"product-{PRODUCT}", source=hub.SOURCE))

    view = await api.get(path(seller))
    assert (view["missing"], view["actions"]) == ("refused", ["retry"])
    assert view["refused"] == ["a 360Hub recusou peso (campo obrigatório)"]
    assert view["approval"]["sentence"].endswith("foi recusado pela 360Hub.")

    key = str(uuid4())
    first = await api.call("POST", path(seller, more="/retry"), {}, Idempotency_Key=key)
    again = await api.call("POST", path(seller, more="/retry"), {}, Idempotency_Key=key)
    assert (first["repeated"], again["repeated"]) == (False, True)
    await take(log, seller, seller.product_observed())
    imports = "SELECT count(*) FROM event_log WHERE account_id = $1 AND type = 'hub.import_product'"
    assert await pool.fetchval(imports, seller.id) == 2


async def test_facts_that_were_parked_are_taken_up_with_the_retry(
    api: Api, log: EventLog, seller: Seller
) -> None:
    consumer = FactConsumer(log, seller.partition)
    await consumer.take([delivery(seller.observed(1, content=content()))])
    await consumer.park(delivery(seller.product_observed()), ValueError())
    assert len((await api.get(path(seller)))["parked_facts"]) == 1

    await api.call("POST", path(seller, more="/retry"), {})

    view = await api.get(path(seller))
    assert (view["parked_facts"], view["name"]) == ([], "Caneca")


async def test_changed_data_goes_again_when_a_person_asks(
    api: Api, log: EventLog, seller: Seller, pool: Pool
) -> None:
    await take(log, seller, seller.observed(1, content=content()), seller.product_observed())
    await take(log, seller, seller.product_imported())
    problem = await api.call("POST", path(seller, more="/send-again"), {}, status=409)
    assert problem["code"] == "nothing_to_send"

    await take(log, seller, seller.product_observed(name="Caneca grande"))
    view = await api.get(path(seller))
    assert (view["changed"], view["actions"]) == (True, ["send_again"])
    await api.call("POST", path(seller, more="/send-again"), {})

    assert (await api.get(path(seller)))["version"] == 2
    problem = await api.call("POST", path(seller, more="/send-again"), {}, status=409)
    assert problem["code"] == "nothing_to_send"


async def test_a_product_that_no_order_needs_is_not_retried(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.product_observed())

    problem = await api.call("POST", path(seller, more="/retry"), {}, status=409)

    assert problem["code"] == "product_not_needed"


@pytest.mark.parametrize("product_id", ["0", "x", "1", str(2**63), "01", "9" * 30])
@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("POST", "/retry")])
async def test_a_product_that_is_not_there_is_said_to_be_not_there(
    api: Api, seller: Seller, product_id: str, method: str, more: str
) -> None:
    address = f"/api/accounts/{seller.id}/products/{product_id}{more}"

    assert (await api.call(method, address, status=404))["code"] == "product_unknown"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("waiting=perhaps", "query_invalid"),
        ("approval=%00", "query_invalid"),
        ("limit=0", "limit_invalid"),
        ("cursor=x", "cursor_invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    api: Api, seller: Seller, query: str, code: str
) -> None:
    address = f"/api/accounts/{seller.id}/products?{query}"

    assert (await api.call("GET", address, status=400))["code"] == code


async def test_a_seller_chooses_photos_unless_360hub_takes_none(
    api: Api, log: EventLog, seller: Seller
) -> None:
    wanted = {
        "delivered_by_hand": "reason",
        "hub_cancellation": "reason",
        "product_photos": True,
    }
    address = f"/api/accounts/{seller.id}/policies"
    lacking = hub.AccountConnected(hub_account_id="h1", lacks=("photos",))
    await take(log, seller, seller.fact(lacking, "account", source=hub.SOURCE))

    problem = await api.call("PUT", address, wanted, status=409)
    assert problem["code"] == "photos_unsupported"
    (reason,) = (await api.get(f"/api/accounts/{seller.id}"))["reasons"]
    assert (reason["code"], reason["details"]) == ("hub_lacks", ["photos"])

    able = hub.AccountConnected(hub_account_id="h1")
    await take(log, seller, seller.fact(able, "account", source=hub.SOURCE))
    await api.call("PUT", address, wanted)
    view = await api.get(f"/api/accounts/{seller.id}")
    assert (view["policies"]["product_photos"], view["reasons"]) == (True, [])
