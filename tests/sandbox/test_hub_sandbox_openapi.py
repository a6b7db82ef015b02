"""The document of 360Hub's double says what the double does."""

import re
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from sandbox.hub import openapi
from tests.sandbox.hub_sandbox import (
    PRODUCT,
    REF,
    Answer,
    Hub,
    Json,
    order_body,
    product_body,
    running_hub,
    running_receiver,
    subscribe,
)

DOCUMENT = openapi.document()
CANCELLATION = {"source_version": 9, "reason_code": "cancelled_in_erp"}


class WatchedHub(Hub):
    """A client that holds each answer against the document."""

    checked: set[tuple[str, str, int]]

    async def _send(self, method: str, path: str, **options: Any) -> Answer:
        answer = await super()._send(method, path, **options)
        address = path.partition("?")[0]
        if address.startswith(("/v1", "/oauth")):
            template = _template(address)
            self.checked.add((method, template, answer.status))
            described = DOCUMENT["paths"][template][method.lower()]["responses"]
            assert str(answer.status) in described, (method, template, answer.status)
            _check(answer, described[str(answer.status)])
        return answer


def _template(address: str) -> str:
    for template in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), address):
            return str(template)
    raise AssertionError(f"{address} is not in the document")


def _check(answer: Answer, described: Json) -> None:
    if answer.status == 204:
        assert "content" not in described
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    schema = {**described["content"][kind]["schema"], "components": CLOSED}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(answer.body)
    if kind == "application/problem+json":
        assert f"`{answer.code}`" in described["description"]


def _closed(schema: Any) -> Any:
    """Let no object have a field that is not described, so that nothing is left out."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(inner) for key, inner in schema.items()}
    if isinstance(schema.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed


CLOSED = _closed(DOCUMENT["components"])


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    assert openapi.OPERATIONS.keys() == {(route.method, route.path) for route in openapi.ROUTES}


def test_every_operation_is_described() -> None:
    operations = [
        operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
    ]

    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_schemas_are_schemas() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_schema_that_is_named_is_there() -> None:
    named = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))

    assert named == DOCUMENT["components"]["schemas"].keys()


async def test_answers_of_a_played_life_are_as_described() -> None:
    async with running_hub() as plain, running_receiver() as receiver:
        hub = WatchedHub(**vars(plain))
        hub.checked = set()
        assert await _served(hub) == DOCUMENT
        await _play(hub)
        await _play_webhooks(hub, await subscribe(hub, receiver))
        missing = {
            (method.upper(), path)
            for path, methods in DOCUMENT["paths"].items()
            for method in methods
        } - {(method, path) for method, path, _ in hub.checked}

    assert not missing
    for received in receiver.received:
        assert received.body["type"] in DOCUMENT["webhooks"]
        event = {"$ref": "#/components/schemas/Event", "components": DOCUMENT["components"]}
        Draft202012Validator(event).validate(received.body)


async def _served(hub: Hub) -> Json:
    async with hub.http.get(f"{hub.url}/openapi.json") as response:
        found: Json = await response.json()
        return found


async def _play(hub: Hub) -> None:
    """Play the orders' and products' calls, refusals included."""
    await hub.log_in()
    await hub.request_token("wrong")
    await hub.put(f"/orders/{REF}", order_body())  # its product is unknown
    await hub.put(f"/orders/{REF}", {"number": ""})
    await hub.put(f"/products/{PRODUCT}", product_body())
    photo = {"source_url": "https://cdn.example.com/1.jpg", "position": 1}
    await hub.post(f"/products/{PRODUCT}/photos", photo)
    await hub.control("/accounts/standing", {"product_photos": True})
    await hub.post(f"/products/{PRODUCT}/photos", photo)
    await hub.approve_product()
    for ref in (REF, "cancelled"):
        await hub.put(f"/orders/{ref}", order_body())
    await hub.put(f"/orders/{REF}", order_body(3, number="2"))
    await hub.put(f"/orders/{REF}", order_body(2))
    manifest = await hub.manifest(REF, "cancelled")
    for ref in (REF, "cancelled"):
        await hub.labels(ref)
    await hub.post("/orders/cancelled/cancel", CANCELLATION, key="key-00000001")
    await hub.post("/orders/cancelled/cancel", {"reason_code": "x"}, key="key-00000001")
    await hub.control(f"/manifests/{manifest}/close", {})
    await hub.scan("accepted")
    await hub.control(f"/orders/{REF}/occurrences", {"code": "recipient_absent"})
    await hub.post(f"/orders/{REF}/cancel", CANCELLATION)
    await hub.scan("delivered")
    await hub.put(f"/orders/{REF}", order_body(4, number="3"))
    for path in (
        "/orders",
        "/orders?limit=1",
        "/orders?colour=blue",
        "/orders/nobody",
        f"/orders/{REF}",
        f"/orders/{REF}?include=recipient,content",
        f"/orders/{REF}/events",
        f"/orders/{REF}/labels",
        "/orders/cancelled/labels",
        f"/orders/{REF}/tracking",
        "/orders/cancelled/tracking",
        f"/orders/{REF}/occurrences",
        f"/products/{PRODUCT}",
        "/products",
        f"/manifests/{manifest}",
        "/changes",
        "/changes?cursor=c2VxOjk5OTk",
    ):
        await hub.get(path)


async def _play_webhooks(hub: Hub, endpoint: Json) -> None:
    path = f"/webhook-endpoints/{endpoint['endpoint_id']}"
    await hub.register("told")
    await hub.get("/webhook-endpoints")
    await hub.get(path)
    await hub.post(f"{path}/rotate-secret", {})
    range_ = {"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    await hub.post(f"{path}/replay", range_)
    deliveries = (await hub.get(f"{path}/deliveries")).body["deliveries"]
    await hub.post(f"/webhook-deliveries/{deliveries[0]['delivery_id']}/redeliver", {})
    await hub.call("DELETE", path)
    await hub.get(path)
