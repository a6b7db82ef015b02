"""The API as its callers meet it: over HTTP, with tokens, pages and problems."""

import base64
import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.sync_core.api.openapi import document
from services.sync_core.api.routes import ROUTES
from services.sync_core.domain import REASONS
from services.sync_core.log.append import EventLog
from services.sync_core.log.connection import Pool
from services.sync_core.log.consume import FactConsumer
from shared.contracts import Message
from shared.contracts import bling_gateway as bling
from shared.contracts import hub_gateway as hub
from tests.sync_core.api import Api, Client, Json, take
from tests.sync_core.clock import Clock
from tests.sync_core.seller import CANCELLED, DONE, OPEN, START, Seller, content, opened
from tests.sync_core.test_consume import delivery, poisoned

FAR = base64.urlsafe_b64encode(
    b'{"created_at":"2026-11-23T12:00:00Z","account_id":"00000000-0000-0000-0000-000000000001",'
    b'"order_id":9223372036854775808}'
).decode()
"""A cursor beyond every order."""


@pytest.fixture
async def seller(log: EventLog) -> Seller:
    return await opened(log)


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if "choice" not in r.path], ids=lambda r: r.name
)
async def test_without_a_token_there_is_nothing(client: Client, route: Any) -> None:
    path = re.sub(r"\{[^}]*\}", "x", route.path)

    answer = await client.request(route.method, path, headers={"Authorization": "Bearer wrong"})

    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers
    assert (await answer.json(content_type=None))["code"] == "unauthorized"


async def test_a_new_account_is_named_and_known_to_both_gateways(api: Api, pool: Pool) -> None:
    made = await api.call("POST", "/api/accounts", {"name": "Loja Aurora"}, status=201)

    account_id = UUID(made["account_id"])
    assert account_id.version == 7
    types = await pool.fetch(
        "SELECT type, actor FROM event_log WHERE account_id = $1 ORDER BY position", account_id
    )
    assert [(row["type"], row["actor"]) for row in types] == [
        ("account.created", "console"),
        ("account.connect", None),
    ]
    listed = (await api.get("/api/accounts"))["accounts"]
    (view,) = [account for account in listed if account["account_id"] == made["account_id"]]
    assert (view["tag"], view["name"], view["mapping"]) == (made["tag"], "Loja Aurora", None)


async def test_a_repeated_request_makes_one_account(api: Api) -> None:
    key = str(uuid4())

    first = await api.call(
        "POST", "/api/accounts", {"name": "Ateliê"}, status=201, Idempotency_Key=key
    )
    again = await api.call("POST", "/api/accounts", {"name": "Ateliê"}, Idempotency_Key=key)
    other = await api.call(
        "POST", "/api/accounts", {"name": "Outra"}, status=422, Idempotency_Key=key
    )

    assert first == again
    assert other["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("choice", "body", "shown"),
    [
        ("mode", {"to_hub": "live", "to_bling": "observe"}, "mode"),
        ("filter", {"stores": [204]}, "filter"),
        ("go-live", {"go_live": "2026-11-23"}, "go_live"),
        ("policies", {"delivered_by_hand": "reason", "hub_cancellation": "write"}, "policies"),
        ("mapping", {"situations": {"delivered": 9, "lost": None}}, "mapping"),
    ],
)
async def test_what_a_seller_chooses_is_in_force(
    api: Api, choice: str, body: Json, shown: str
) -> None:
    made = await api.call("POST", "/api/accounts", {"name": "Loja"}, status=201)

    await api.call("PUT", f"/api/accounts/{made['account_id']}/{choice}", body, X_Actor="Ana Sá")

    listed = (await api.get("/api/accounts?limit=200"))["accounts"]
    (view,) = [account for account in listed if account["account_id"] == made["account_id"]]
    value = view[shown]
    assert value == body["go_live"] if choice == "go-live" else body.items() <= value.items()


@pytest.mark.parametrize(
    ("choice", "body"),
    [
        ("mode", {"to_hub": "live"}),
        ("mode", {"to_hub": "live", "to_bling": "loud"}),
        ("filter", {"shops": [1]}),
        ("mapping", {"situations": {"delivered": 15}}),
        ("mapping", {"situations": {"delivered": 12}}),
        ("mapping", {"situations": {"teleported": 9}}),
        ("mapping", {"start": 12, "situations": {}}),
        ("go-live", {"go_live": "soon"}),
    ],
)
async def test_a_choice_that_makes_no_sense_is_refused(
    api: Api, seller: Seller, choice: str, body: Json
) -> None:
    problem = await api.call("PUT", f"/api/accounts/{seller.id}/{choice}", body, status=422)

    assert problem["code"] == "body_invalid"
    assert problem["errors"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/orders/aaaaaaaaaa-1", "order_unknown"),
        ("GET", "/api/orders/nonsense", "order_unknown"),
        ("GET", "/api/orders/aaaaaaaaaa-1/timeline", "order_unknown"),
        ("POST", "/api/orders/aaaaaaaaaa-1/retry", "order_unknown"),
        ("PUT", f"/api/accounts/{UUID(int=1)}/go-live", "account_unknown"),
        ("PUT", "/api/accounts/x/go-live", "account_unknown"),
        ("GET", "/api/nothing", "not_found"),
    ],
)
async def test_what_is_not_there_is_said_to_be_not_there(
    api: Api, method: str, path: str, code: str
) -> None:
    body = {"go_live": "2026-11-23"} if method == "PUT" else None

    assert (await api.call(method, path, body, status=404))["code"] == code


async def test_an_order_shows_both_sides(api: Api, log: EventLog, seller: Seller) -> None:
    await take(log, seller, seller.observed(1, content=content()))

    order = await api.get(f"/api/orders/{seller.tag}-1")

    assert order["situation"] == {"id": START, "name": "Em andamento"}
    assert order["stage"] == "started"
    assert order["shipment"]["reference"] == f"bling-{seller.tag}-1"
    assert order["waits_for_products"] == [15990001]


async def test_an_order_shows_what_stands_beside_its_status(
    api: Api, log: EventLog, seller: Seller
) -> None:
    at = {"shipment": 1, "happened_at": "2026-03-10T12:00:00Z"}
    occurrence = {"occurrence_id": "occ_1", "code": "address_not_found", "volume": 2}
    label = {"label_id": "lbl_1", "volume": 1, "status": "ready", "tracking_code": "AB1"}
    scan = {"scan": "in_transit", "volume": 2, "carrier_code": "TRANSITO"}
    told = (
        hub.OrderHoldChanged.model_validate({**at, "hub_sequence": 1, "holds": [{"code": "ice"}]}),
        hub.OrderLabelsUpdated.model_validate({**at, "hub_sequence": 2, "labels": [label]}),
        hub.OrderTrackingUpdated.model_validate({**at, "hub_sequence": 3, **scan}),
        hub.OrderOccurrenceOpened.model_validate(
            {**at, "hub_sequence": 4, "occurrence": occurrence}
        ),
    )
    await take(
        log,
        seller,
        seller.observed(1, content=content()),
        *(seller.fact(each, "order-1", source=hub.SOURCE) for each in told),
    )

    shipment = (await api.get(f"/api/orders/{seller.tag}-1"))["shipment"]

    assert shipment["holds"] == [{"code": "ice", "sentence": "ice", "products": []}]
    labelled, moving = shipment["volumes"]
    assert (labelled["tracking_code"], labelled["scan"]) == ("AB1", None)
    assert moving["label_status"] is None
    assert (moving["scan"]["label"], moving["scan"]["carrier_code"]) == ("em trânsito", "TRANSITO")
    (seen,) = shipment["occurrences"]
    assert seen["label"] == "endereço não localizado"
    assert (seen["severity"], seen["severity_label"]) == ("action_required", "exige ação")
    assert seen["suggested_action_label"] == "corrija o endereço com a 360Envios"
    assert (seen["needs_person"], seen["resolved_at"]) == (True, None)


async def test_a_reason_comes_with_its_sentence_and_actions(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(1, OPEN))

    (reason,) = (await api.get(f"/api/orders/{seller.tag}-1"))["reasons"]

    assert reason["code"] == "not_started"
    assert reason["sentence"] == REASONS["not_started"].sentence


async def test_a_page_leads_to_the_next_without_gap_or_repetition(
    api: Api, log: EventLog, seller: Seller, clock: Clock
) -> None:
    for order_id in range(1, 8):
        clock.forward(60)
        await take(log, seller, seller.observed(order_id, OPEN))

    seen: list[int] = []
    path = f"/api/orders?account={seller.id}&limit=3"
    page = await api.get(path)
    while True:
        seen += [order["order_id"] for order in page["orders"]]
        clock.forward(60)
        await take(log, seller, seller.observed(100 + len(seen), OPEN), seller.observed(2, OPEN))
        if page["next_cursor"] is None:
            break
        page = await api.get(f"{path}&cursor={page['next_cursor']}")

    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_orders_are_found_by_stage_and_reason(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(1, OPEN), seller.observed(2, content=content()))

    async def found(query: str) -> list[int]:
        page = await api.get(f"/api/orders?account={seller.id}&{query}")
        return [order["order_id"] for order in page["orders"]]

    assert await found("stage=started") == [2]
    assert await found("reason=not_started") == [1]
    assert 2 in {o["order_id"] for o in (await api.get("/api/orders?limit=200"))["orders"]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=abc", "cursor_invalid"),
        ("cursor=%C3%A9", "cursor_invalid"),
        ("limit=0", "limit_invalid"),
        ("limit=201", "limit_invalid"),
        ("limit=many", "limit_invalid"),
        (f"limit={'9' * 5000}", "limit_invalid"),
        ("stage=%00", "query_invalid"),
        ("reason=a%00b", "query_invalid"),
        (f"cursor={FAR}", "cursor_invalid"),
    ],
)
async def test_a_wrong_page_is_refused(api: Api, query: str, code: str) -> None:
    assert (await api.get(f"/api/orders?{query}", status=400))["code"] == code


@pytest.mark.parametrize("name", ["stage", "reason"])
async def test_nothing_is_found_by_a_word_that_is_none_of_ours(api: Api, name: str) -> None:
    assert (await api.get(f"/api/orders?{name}=%C3%A7%20ok"))["orders"] == []


async def test_a_timeline_ends_before_a_position_beyond_all(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(1, OPEN))
    cursor = base64.urlsafe_b64encode(b'{"position":9223372036854775808}').decode().rstrip("=")

    path = f"/api/orders/{seller.tag}-1/timeline?cursor={cursor}"

    assert (await api.get(path, status=400))["code"] == "cursor_invalid"


async def test_the_timeline_tells_the_story_in_order_and_why(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(
        log,
        seller,
        seller.observed(1, OPEN),
        seller.observed(1, content=content()),
        seller.product_observed(),
        seller.product_imported(),
    )

    path = f"/api/orders/{seller.tag}-1/timeline?limit=4"
    page = await api.get(path)
    entries = page["entries"]
    while page["next_cursor"]:
        page = await api.get(f"{path}&cursor={page['next_cursor']}")
        entries += page["entries"]

    positions = [entry["position"] for entry in entries]
    assert positions == sorted(set(positions))
    told = {entry["type"]: entry for entry in entries}
    register = told["hub.register_order"]
    assert register["sentence"] == "Registrar o pedido na 360Hub: remessa 1, versão 1"
    by_position = {entry["position"]: entry["type"] for entry in entries}
    assert by_position[register["cause"]] == "sync.order.product_ready"
    assert by_position[told["sync.order.product_ready"]["cause"]] == "hub.product.imported"


async def test_an_action_that_nothing_asks_for_is_refused(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, seller.observed(1, content=content()))
    path = f"/api/orders/{seller.tag}-1"

    for action, body in (
        ("confirm-start", None),
        ("confirm-reopening", None),
        ("confirm-gone", None),
        ("settle", {"choice": "apply_hub", "seen": 15}),
    ):
        problem = await api.call("POST", f"{path}/{action}", body, status=409)
        assert problem["code"] == "action_not_offered"


async def test_a_settlement_that_would_do_nothing_is_refused(
    api: Api, log: EventLog, seller: Seller
) -> None:
    """The order moved on since the person looked, or 360Hub's side cannot be applied."""
    await take(log, seller, seller.observed(1, content=content()), seller.observed(1, DONE))
    path = f"/api/orders/{seller.tag}-1"
    assert [reason["code"] for reason in (await api.get(path))["reasons"]] == ["delivered_by_hand"]

    for body, code in (
        ({"choice": "keep_bling", "seen": START}, "order_moved_on"),
        ({"choice": "keep_bling", "seen": 2**70}, "body_invalid"),
        ({"choice": "apply_hub", "seen": DONE}, "nothing_to_apply"),
    ):
        status = 422 if code == "body_invalid" else 409
        problem = await api.call("POST", f"{path}/settle", body, status=status)
        assert problem["code"] == code
    await api.call("POST", f"{path}/settle", {"choice": "keep_bling", "seen": DONE})
    assert (await api.get(path))["reasons"] == []


@pytest.mark.parametrize(
    ("choice", "body"),
    [
        ("mapping", {"start": 2**70, "situations": {}}),
        ("mapping", {"pass_through": [2**70], "situations": {}}),
        ("mapping", {"situations": {"in_manifest": 2**70}}),
        ("filter", {"stores": [2**70]}),
    ],
)
async def test_a_choice_that_cannot_be_stored_is_refused(
    api: Api, seller: Seller, choice: str, body: Json
) -> None:
    path = f"/api/accounts/{seller.id}/{choice}"

    problem = await api.call("PUT", path, body, status=422)

    assert problem["code"] == "body_invalid"


async def test_the_next_shipment_is_refused_until_bling_shows_the_start(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(
        log,
        seller,
        seller.observed(1, OPEN),
        seller.observed(1, content=content()),
        seller.observed(1, CANCELLED),
        seller.observed(1, OPEN),
    )
    path = f"/api/orders/{seller.tag}-1"
    assert [reason["code"] for reason in (await api.get(path))["reasons"]] == ["reopened"]

    problem = await api.call("POST", f"{path}/confirm-reopening", status=409)

    assert problem["code"] == "not_ready_to_reopen"
    await take(log, seller, seller.observed(1, START, content=content()))
    await api.call("POST", f"{path}/confirm-reopening")
    assert (await api.get(path))["shipment"]["number"] == 2


async def test_a_confirmed_start_is_logged_with_its_person_once(
    api: Api, log: EventLog, seller: Seller, pool: Pool
) -> None:
    old = seller.observed(1, content=content())
    old = old.model_copy(update={"data": old.data | {"placed_on": "2026-01-05"}})
    await take(log, seller, old)
    path, key = f"/api/orders/{seller.tag}-1/confirm-start", str(uuid4())

    first = await api.call("POST", path, Idempotency_Key=key, X_Actor="Ana")
    again = await api.call("POST", path, Idempotency_Key=key, X_Actor="Ana")

    assert first == {"event_id": key, "repeated": False}
    assert again == {"event_id": key, "repeated": True}
    row = await pool.fetchrow("SELECT kind, actor FROM event_log WHERE event_id = $1", UUID(key))
    assert row is not None
    assert (row["kind"], row["actor"]) == ("human", "console/Ana")
    assert (await api.get(f"/api/orders/{seller.tag}-1"))["stage"] == "started"


async def test_a_retry_takes_up_what_is_parked(api: Api, log: EventLog, seller: Seller) -> None:
    consumer = FactConsumer(log, seller.partition)
    await consumer.take([delivery(seller.observed(1, OPEN))])
    await consumer.park(delivery(seller.observed(1, OPEN)), ValueError())
    path = f"/api/orders/{seller.tag}-1"
    assert [p["cause"] for p in (await api.get(path))["parked_facts"]] == ["ValueError"]

    await api.call("POST", f"{path}/retry")

    assert (await api.get(path))["parked_facts"] == []


async def test_a_retry_that_fails_says_so_by_what_stays(
    api: Api, log: EventLog, seller: Seller
) -> None:
    consumer = FactConsumer(log, seller.partition)
    await consumer.take([delivery(seller.observed(1, OPEN))])
    await consumer.park(delivery(poisoned(seller.observed(1, CANCELLED))), ValueError())
    path = f"/api/orders/{seller.tag}-1"

    await api.call("POST", f"{path}/retry")

    (parked,) = (await api.get(path))["parked_facts"]
    assert parked["cause"] != "ValueError"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Idempotency_Key": "1"}, "idempotency_key_invalid"),
        ({"X_Actor": "<b>"}, "actor_invalid"),
        ({"X_Actor": "a" * 81}, "actor_invalid"),
    ],
)
async def test_wrong_names_are_refused(api: Api, headers: dict[str, str], code: str) -> None:
    problem = await api.call("POST", "/api/accounts", {"name": "Loja"}, status=400, **headers)

    assert problem["code"] == code


async def test_the_description_names_every_address(
    client: Client,
) -> None:
    answer = await client.get("/api/openapi.json", headers={"Authorization": ""})

    described = await answer.json()
    assert described == document()
    operations = [
        operation["operationId"]
        for methods in described["paths"].values()
        for operation in methods.values()
    ]
    assert sorted(operations) == sorted(route.name for route in ROUTES)


def test_the_description_is_whole() -> None:
    described = document()

    for reference in _references(described):
        target: Any = described
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for path, methods in described["paths"].items():
        for operation in methods.values():
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for inner in value.values() for each in _references(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in _references(inner)]
    return []


# --- an account's situações, imports, pauses

STOCK = bling.Transition(
    id=7, active=True, origin=START, destination=DONE, actions=("lancarEstoque",)
)


def listed(seller: Seller, *transitions: bling.Transition) -> Message:
    """Return the account's list of situações, with these transitions."""
    made = {"Em romaneio": 883047, "Aguardando coleta": 883048, "Em rota de entrega": 883049}
    observed = bling.SituationsObserved(
        situations=tuple(bling.SituationDefinition(id=i, name=name) for name, i in made.items()),
        roles={"in_manifest": 883047, "awaiting_pickup": 883048, "in_transit": 883049},
        transitions=transitions,
        seen_lately=(bling.Situation(id=CHECKOUT, value=3),),
    )
    return seller.fact(observed, "account")


CHECKOUT = 447110


async def test_an_account_shows_what_its_seller_can_choose_from(
    api: Api, log: EventLog, seller: Seller
) -> None:
    store = bling.Store(id=204, name="Loja da Praça", kind="Shopee", enabled=True)
    options = bling.EntryOptionsObserved(stores=(store,), services=None)
    await take(log, seller, listed(seller, STOCK), seller.fact(options, "account"))

    account = await api.get(f"/api/accounts/{seller.id}")

    assert [s["name"] for s in account["stores"]] == ["Loja da Praça"]
    assert account["services"] is None
    assert account["side_effects"] == [
        {
            "transition": 7,
            "origin": {"id": START, "name": "Em andamento"},
            "destination": {"id": DONE, "name": "Atendido"},
            "actions": ["lançar estoque"],
            "accepted": False,
        }
    ]
    assert account["proposed_mapping"]["pass_through"] == [24, CHECKOUT]
    (reason,) = account["reasons"]
    assert reason["explanations"] == ["de “Em andamento” para “Atendido”: lançar estoque"]
    listed_too = (await api.get("/api/accounts?limit=200"))["accounts"]
    (summary,) = [each for each in listed_too if each["account_id"] == str(seller.id)]
    assert summary["reasons"] == ["new_side_effects"]


async def test_going_live_wants_the_side_effects_accepted(
    api: Api, log: EventLog, pool: Pool
) -> None:
    seller = await opened(log, live=False)
    await take(log, seller, listed(seller, STOCK))
    path, live = f"/api/accounts/{seller.id}", {"to_hub": "live", "to_bling": "live"}

    problem = await api.call("PUT", f"{path}/mode", live, status=409)

    assert problem["code"] == "side_effects_not_accepted"
    assert problem["transitions"] == [7]
    assert "de “Em andamento” para “Atendido”: lançar estoque" in problem["detail"]
    unknown = await api.call("PUT", f"{path}/side-effects", {"transitions": [7, 8]}, status=409)
    assert unknown["code"] == "transition_unknown"
    await api.call("PUT", f"{path}/side-effects", {"transitions": [7]}, X_Actor="Ana")
    await api.call("PUT", f"{path}/mode", live)
    assert (await api.get(path))["reasons"] == []
    row = await pool.fetchrow(
        "SELECT actor FROM event_log WHERE account_id = $1"
        " AND type = 'account.side_effects_accepted'",
        seller.id,
    )
    assert row is not None
    assert row["actor"] == "console/Ana"


async def test_what_is_new_stops_nobody_from_switching_off(
    api: Api, log: EventLog, seller: Seller
) -> None:
    await take(log, seller, listed(seller, STOCK))

    for to_hub in ("off", "live"):
        mode = {"to_hub": to_hub, "to_bling": "live"}
        await api.call("PUT", f"/api/accounts/{seller.id}/mode", mode)


@pytest.mark.parametrize(
    ("wish", "body", "command"),
    [
        ("pause", {"reason": "inventário"}, {"by": "console/Ana", "reason": "inventário"}),
        ("resume", None, {"by": "console/Ana"}),
        ("disconnect", {"side": "hub"}, {"side": "hub"}),
        ("read-options", None, {}),
    ],
)
async def test_what_a_person_wants_done_is_ordered_once(
    api: Api, pool: Pool, seller: Seller, wish: str, body: Json | None, command: Json
) -> None:
    path, key = f"/api/accounts/{seller.id}/{wish}", str(uuid4())

    first = await api.call("POST", path, body, Idempotency_Key=key, X_Actor="Ana")
    again = await api.call("POST", path, body, Idempotency_Key=key, X_Actor="Ana")

    assert (first["repeated"], again["repeated"]) == (False, True)
    rows = await pool.fetch(
        "SELECT data FROM event_log WHERE causation_id = $1 AND kind = 'command'", UUID(key)
    )
    assert [json.loads(row["data"]) for row in rows] == [command]


@pytest.mark.parametrize(
    ("wish", "body"),
    [
        ("pause", {"reason": ""}),
        ("pause", {"reason": "uma\nlinha e outra"}),
        ("pause", {}),
        ("disconnect", {"side": "both"}),
        ("import", {"since": "ontem"}),
        ("confirm-starts", {"orders": []}),
        ("confirm-starts", {"orders": [True]}),
        ("confirm-starts", {"orders": [2**70]}),
        ("confirm-starts", {"orders": list(range(201))}),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    api: Api, seller: Seller, wish: str, body: Json
) -> None:
    problem = await api.call("POST", f"/api/accounts/{seller.id}/{wish}", body, status=422)

    assert problem["code"] == "body_invalid"


async def test_an_import_waits_until_there_is_something_to_import_from(
    api: Api, log: EventLog, seller: Seller
) -> None:
    path, since = f"/api/accounts/{seller.id}/import", {"since": "2026-01-01"}

    problem = await api.call("POST", path, since, status=409)

    assert (problem["code"], problem["detail"]) == (
        "not_ready_to_import",
        "Bling is not connected.",
    )
    connected = bling.AccountConnected(company_id="c1")
    await take(log, seller, seller.fact(connected, "account"))
    await api.call("POST", path, since)
    importing = (await api.get(f"/api/accounts/{seller.id}"))["importing"]
    assert importing == {"since": "2026-01-01", "found": 0, "read": 0, "finished": False}


async def test_many_imported_orders_are_confirmed_at_once_and_each_is_answered(
    api: Api, log: EventLog, seller: Seller, pool: Pool
) -> None:
    def imported(order_id: int, number: str) -> Message:
        seen = seller.observed(order_id, content=content())
        return seen.model_copy(update={"data": seen.data | {"trigger": "import", "number": number}})

    await take(
        log,
        seller,
        *(imported(order_id, number) for order_id, number in ((1, "a"), (2, "b"), (3, "c"))),
        *(imported(order_id, "twin") for order_id in (4, 5)),
        seller.observed(6, OPEN),
    )
    path, key = f"/api/accounts/{seller.id}/confirm-starts", str(uuid4())

    wanted = {"orders": [1, "b", "twin", 6, 77, "c", 3]}
    first = await api.call("POST", path, wanted, Idempotency_Key=key, X_Actor="Ana")
    again = await api.call("POST", path, wanted, Idempotency_Key=key, X_Actor="Ana")

    outcomes = [each["outcome"] for each in first["orders"]]
    assert outcomes == [
        *("confirmed", "confirmed", "ambiguous", "not_waiting", "unknown"),
        *("confirmed", "confirmed"),
    ]
    assert [each["order"] for each in first["orders"]] == wanted["orders"]
    assert [each["outcome"] for each in again["orders"]][:2] == ["repeated", "repeated"]
    rows = await pool.fetch(
        "SELECT stream, actor, event_id FROM event_log WHERE account_id = $1"
        " AND type = 'order.start_confirmed' ORDER BY stream",
        seller.id,
    )
    assert [(row["stream"], row["actor"]) for row in rows] == [
        (f"order-{number}", "console/Ana") for number in (1, 2, 3)
    ]
    assert str(rows[0]["event_id"]) == first["orders"][0]["event_id"]
    assert (await api.get(f"/api/orders/{seller.tag}-2"))["stage"] == "started"
    assert (await api.get(f"/api/orders/{seller.tag}-4"))["stage"] is None
