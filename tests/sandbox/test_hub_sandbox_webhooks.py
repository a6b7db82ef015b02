"""How the double of 360Hub sends webhooks: signed, repeated, and disturbed on request."""

import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sandbox.hub.signing import sign
from tests.sandbox.hub_sandbox import (
    REF,
    Hub,
    Received,
    Receiver,
    eventually,
    running_hub,
    running_receiver,
    subscribe,
)

# A vector made by hand, for both ends of the wire.
VECTOR_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
VECTOR_BODY = (
    b'{"id":"evt_01JPB7Q4ZK","type":"endpoint.verification",'
    b'"timestamp":"2026-03-12T13:35:11Z","data":{"challenge":"a1b2c3"}}'
)
VECTOR_SIGNATURE = "v1,pgsrtWO5cxNeDOq8wk3gqLPEjz4DYNAEPioandaR03I="


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as hub:
        yield hub


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


def _verify(secret: str, one: Received) -> None:
    Webhook(secret).verify(one.raw, {name.lower(): v for name, v in one.headers.items()})


async def _quick_retries(hub: Hub, *gaps_s: float) -> None:
    await hub.control("/webhooks", {"retry_gaps_s": list(gaps_s or (0.01,) * 5)})


async def _deliveries(hub: Hub, endpoint_id: str, state: str = "failed") -> list[Any]:
    answer = await hub.get(f"/webhook-endpoints/{endpoint_id}/deliveries?state={state}")
    return list(answer.body["deliveries"])


def test_signature_of_the_published_vector() -> None:
    signature = sign(VECTOR_SECRET, "evt_01JPB7Q4ZK", 1773322511, VECTOR_BODY)

    assert signature == VECTOR_SIGNATURE


async def test_endpoint_is_active_after_a_signed_verification(hub: Hub, receiver: Receiver) -> None:
    body = {"url": receiver.url, "event_types": ["order.*"]}

    created = await hub.post("/webhook-endpoints", body)
    received = await receiver.count(1)
    await eventually(hub, created.body["endpoint_id"], "active")

    assert (created.status, created.body["status"]) == (201, "pending_verification")
    assert received[0].body["type"] == "endpoint.verification"
    assert received[0].body["data"]["challenge"]
    _verify(created.body["secret"], received[0])


async def test_endpoint_that_refuses_is_verified_again(hub: Hub, receiver: Receiver) -> None:
    await _quick_retries(hub)
    receiver.answers = [401, 500]

    created = await hub.post("/webhook-endpoints", {"url": receiver.url, "event_types": ["*"]})
    await eventually(hub, created.body["endpoint_id"], "active")

    assert len(receiver.received) == 3


async def test_events_arrive_signed_and_without_personal_data(hub: Hub, receiver: Receiver) -> None:
    endpoint = await subscribe(hub, receiver)

    await hub.register()
    received = await receiver.until(lambda all_: "order.created" in [r.body["type"] for r in all_])

    one = next(r for r in received if r.body["type"] == "order.created")
    _verify(endpoint["secret"], one)
    assert one.headers["webhook-id"] == one.body["id"]
    assert abs(int(one.headers["webhook-timestamp"]) - time.time()) < 30
    assert one.body["account_id"] == hub.account_id
    assert one.body["data"]["external_ref"] == REF
    assert one.body == (await hub.get(f"/orders/{REF}/events")).body["events"][0]
    assert b"Cliente" not in one.raw


async def test_only_subscribed_types_are_sent(hub: Hub, receiver: Receiver) -> None:
    await subscribe(hub, receiver, "manifest.closed")

    await hub.register()
    manifest = await hub.manifest()
    await hub.control(f"/manifests/{manifest}/close", {})
    received = await receiver.count(1)

    assert receiver.types == ["manifest.closed"]
    assert received[0].body["sequence"] == 1
    assert received[0].body["data"]["orders"] == [REF]


async def test_failed_attempts_are_repeated_with_the_same_id(hub: Hub, receiver: Receiver) -> None:
    await _quick_retries(hub)
    endpoint = await subscribe(hub, receiver, "order.created")
    receiver.answers = [500, 302, 404]

    await hub.register()
    received = await receiver.count(4)

    assert len({one.headers["webhook-id"] for one in received}) == 1
    for one in received:
        _verify(endpoint["secret"], one)


async def test_delivery_that_fails_for_good_is_listed_and_redelivered(
    hub: Hub, receiver: Receiver
) -> None:
    await _quick_retries(hub, 0.01)
    endpoint = await subscribe(hub, receiver, "order.created")
    receiver.answers = [500, 500]
    await hub.register()
    await receiver.count(2)

    failed: list[Any] = []
    while not failed:
        failed = await _deliveries(hub, endpoint["endpoint_id"])
    await hub.post(f"/webhook-deliveries/{failed[0]['delivery_id']}/redeliver", {})
    received = await receiver.count(3)

    assert failed[0]["attempts"] == 2
    assert failed[0]["last_response_status"] == 500
    assert failed[0]["external_ref"] == REF
    assert received[2].headers["webhook-id"] == failed[0]["webhook_id"]


async def test_waiting_retry_comes_when_the_clock_moves(hub: Hub, receiver: Receiver) -> None:
    await subscribe(hub, receiver, "order.created")
    receiver.answers = [500]
    await hub.register()
    await receiver.count(1)

    await hub.control("/clock", {"advance": 60})

    await receiver.count(2)


async def test_overload_pauses_the_endpoint(hub: Hub, receiver: Receiver) -> None:
    await _quick_retries(hub)
    await subscribe(hub, receiver, "order.created")
    receiver.answers, receiver.headers = [503], {"Retry-After": "1"}
    await hub.register("a")
    await receiver.count(1)
    began = time.monotonic()

    await hub.register("b")
    await receiver.count(3)

    assert time.monotonic() - began > 0.8


async def test_gone_disables_the_endpoint_until_the_test_button(
    hub: Hub, receiver: Receiver
) -> None:
    endpoint = await subscribe(hub, receiver, "order.created")
    receiver.answers = [410]
    await hub.register("a")
    await eventually(hub, endpoint["endpoint_id"], "disabled")
    await hub.register("b")

    await hub.control(f"/webhook-endpoints/{endpoint['endpoint_id']}/verify", {})
    await eventually(hub, endpoint["endpoint_id"], "active")

    assert receiver.types == ["order.created", "endpoint.verification"]


async def test_rotated_secret_overlaps_for_a_day(hub: Hub, receiver: Receiver) -> None:
    endpoint = await subscribe(hub, receiver, "order.created")
    rotated = await hub.post(f"/webhook-endpoints/{endpoint['endpoint_id']}/rotate-secret", {})
    await hub.register("a")
    await receiver.count(1)
    await hub.control("/clock", {"advance": 25 * 3600})
    await hub.log_in()
    await hub.register("b")
    received = await receiver.count(2)

    for secret in (endpoint["secret"], rotated.body["secret"]):
        _verify(secret, received[0])
    _verify(rotated.body["secret"], received[1])
    with pytest.raises(WebhookVerificationError):
        _verify(endpoint["secret"], received[1])


async def test_replay_repeats_a_range_with_the_same_ids(hub: Hub, receiver: Receiver) -> None:
    endpoint = await subscribe(hub, receiver, "order.*")
    await hub.bring_to("awaiting_dispatch")
    first = [one.headers["webhook-id"] for one in await receiver.count(4)]

    window = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    answer = await hub.post(f"/webhook-endpoints/{endpoint['endpoint_id']}/replay", window)
    again = [one.headers["webhook-id"] for one in (await receiver.count(8))[4:]]

    assert (answer.status, answer.body["deliveries"]) == (202, 4)
    assert sorted(again) == sorted(first)


async def test_each_is_sent_twice_and_in_reverse_on_request(hub: Hub, receiver: Receiver) -> None:
    await subscribe(hub, receiver, "order.status_changed")
    await hub.control("/webhooks", {"duplicate": True, "hold": True})
    await hub.bring_to("delivered")
    assert receiver.received == []

    released = await hub.control("/webhooks/release", {"order": "reverse"})

    assert released.body == {"released": 8, "accepted": 8}
    sequences = [one.body["sequence"] for one in receiver.received]
    assert sequences == sorted(sequences, reverse=True)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 4


async def test_dropped_events_are_found_only_in_the_change_feed(
    hub: Hub, receiver: Receiver
) -> None:
    endpoint = await subscribe(hub, receiver, "order.*")
    cursor = (await hub.get("/changes?cursor=now")).body["next_cursor"]
    await hub.control("/webhooks", {"drop": 1})

    await hub.register()
    await hub.manifest()
    received = await receiver.count(1)
    changes = (await hub.get(f"/changes?cursor={cursor}&resource=order")).body["changes"]

    assert [one.body["sequence"] for one in received] == [2]
    assert [(c["external_ref"], c["sequence"]) for c in changes] == [(REF, 2)]
    assert await _deliveries(hub, endpoint["endpoint_id"]) == []


async def test_late_event_is_overtaken(hub: Hub, receiver: Receiver) -> None:
    await subscribe(hub, receiver, "order.*")
    await hub.fault("webhook_reorder", seconds=0.2)

    await hub.register()
    await hub.manifest()
    received = await receiver.count(2)

    assert [one.body["sequence"] for one in received] == [2, 1]


@pytest.mark.parametrize(
    "fault",
    [
        "webhook_bad_signature",
        "webhook_missing_signature",
        "webhook_old_signature",
        "webhook_body_changed",
    ],
)
async def test_spoilt_delivery_does_not_verify(hub: Hub, receiver: Receiver, fault: str) -> None:
    endpoint = await subscribe(hub, receiver, "order.created")
    await _quick_retries(hub)
    await hub.fault(fault)
    receiver.answers = [401]

    await hub.register()
    received = await receiver.count(2)

    with pytest.raises(WebhookVerificationError):
        _verify(endpoint["secret"], received[0])
    _verify(endpoint["secret"], received[1])


async def test_lost_and_doubled_deliveries_as_faults(hub: Hub, receiver: Receiver) -> None:
    await subscribe(hub, receiver, "order.created")
    await hub.fault("webhook_drop")
    await hub.register("lost")
    await hub.fault("webhook_duplicate")
    await hub.register("twice")

    received = await receiver.count(2)

    assert [one.body["data"]["external_ref"] for one in received] == ["twice", "twice"]
    listed = (await hub.control("/webhooks", method="GET")).body["deliveries"]
    assert "dropped" in [delivery["state"] for delivery in listed]


async def test_endpoint_that_the_hub_switches_off(hub: Hub, receiver: Receiver) -> None:
    endpoint = await subscribe(hub, receiver, "order.created")
    await hub.fault("endpoint_disabled")

    await hub.register()
    await eventually(hub, endpoint["endpoint_id"], "disabled")

    assert receiver.received == []
    [failed] = await _deliveries(hub, endpoint["endpoint_id"])
    assert failed["attempts"] == 0


async def test_receiver_that_is_down_is_tried_again(hub: Hub) -> None:
    await _quick_retries(hub, *(0.02,) * 100)
    async with running_receiver() as receiver:
        endpoint = await subscribe(hub, receiver, "order.created")
    await hub.register()

    attempts = 0
    while attempts < 3:
        [pending] = await _deliveries(hub, endpoint["endpoint_id"], "pending")
        attempts = pending["attempts"]

    assert pending["last_response_status"] is None


async def test_endpoint_without_a_success_for_76_hours_is_disabled(
    hub: Hub, receiver: Receiver
) -> None:
    endpoint = await subscribe(hub, receiver, "order.created")
    receiver.answers = [500, 500]
    await hub.register()
    await receiver.count(1)

    await hub.control("/clock", {"advance": 77 * 3600})
    await hub.log_in()

    await eventually(hub, endpoint["endpoint_id"], "disabled")


async def test_wrong_address_is_refused(hub: Hub) -> None:
    answer = await hub.post("/webhook-endpoints", {"url": "nowhere", "event_types": ["*"]})

    assert (answer.status, answer.code) == (422, "validation")


async def test_secret_is_shown_once_and_holds_32_bytes(hub: Hub, receiver: Receiver) -> None:
    endpoint = await subscribe(hub, receiver)

    shown = (await hub.get("/webhook-endpoints")).body["endpoints"]

    assert len(base64.b64decode(endpoint["secret"].removeprefix("whsec_"))) == 32
    assert "secret" not in shown[0]
    answer = await hub.call("DELETE", f"/webhook-endpoints/{endpoint['endpoint_id']}")
    assert answer.status == 204
    assert (await hub.get("/webhook-endpoints")).body["endpoints"] == []
