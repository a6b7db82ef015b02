"""Tokens, limits, keys, problems, faults and accounts of the double of 360Hub."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.hub.faults import FaultName
from tests.sandbox.hub_sandbox import PRODUCT, REF, Hub, order_body, product_body, running_hub

CANCELLATION = {"source_version": 2, "reason_code": "cancelled_in_erp"}


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running_hub() as hub:
        yield hub


async def _other_account(hub: Hub) -> Hub:
    made = (await hub.control("/accounts", {"name": "Loja B"})).body
    other = Hub(hub.http, hub.url, made["account_id"], made["client_id"], made["client_secret"])
    await other.log_in()
    return other


async def test_token_belongs_to_the_account_for_an_hour(hub: Hub) -> None:
    answer = await hub.request_token(scope="orders products")

    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] == 3600
    assert answer.body["scope"] == "orders products"
    assert answer.body["account_id"] == hub.account_id
    await hub.control("/clock", {"advance": 3601})
    expired = await hub.get("/orders")
    assert (expired.status, expired.code) == (401, "token-expired")


async def test_wrong_client_is_refused(hub: Hub) -> None:
    answer = await hub.request_token("wrong")

    assert (answer.status, answer.body) == (401, {"error": "invalid_client"})
    assert (await hub.request_token(scope="everything")).body == {"error": "invalid_scope"}


async def test_two_secrets_are_valid_at_once(hub: Hub) -> None:
    second = (await hub.control("/secrets", {})).body["client_secret"]
    assert (await hub.request_token()).status == 200
    assert (await hub.request_token(second)).status == 200

    await hub.control("/secrets", {})

    assert (await hub.request_token()).status == 401
    assert (await hub.request_token(second)).status == 200


async def test_call_without_a_good_token_is_refused(hub: Hub) -> None:
    good, hub.token = hub.token, "nonsense"
    assert (await hub.get("/orders")).code == "token-invalid"

    hub.token = good
    await hub.control("/tokens/expire", {})
    assert (await hub.get("/orders")).code == "token-expired"


async def test_scope_is_needed(hub: Hub) -> None:
    await hub.register()
    await hub.log_in("orders")

    assert (await hub.get(f"/orders/{REF}")).status == 200
    assert (await hub.get(f"/products/{PRODUCT}")).code == "scope"
    assert (await hub.get(f"/orders/{REF}/tracking")).code == "scope"


async def test_suspended_account_is_refused(hub: Hub) -> None:
    await hub.control("/accounts/standing", {"suspended": True})

    answer = await hub.get("/orders")

    assert (answer.status, answer.code) == (403, "account-suspended")


async def test_accounts_share_nothing(hub: Hub) -> None:
    other = await _other_account(hub)
    await hub.register()

    assert (await other.get(f"/orders/{REF}")).code == "order-not-found"
    assert (await other.register()).body["outcome"] == "created"
    assert (await other.control("/requests", method="GET")).body["requests"]
    assert other.account_id != hub.account_id


async def test_answers_tell_what_is_left(hub: Hub) -> None:
    await hub.control("/limits", {"per_minute": 240, "burst": 3})

    answers = [await hub.get("/orders") for _ in range(4)]

    assert [a.status for a in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Limit"] == "240"
    assert [a.headers["RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert answers[3].code == "rate-limited"
    assert answers[3].headers["Retry-After"] == answers[3].headers["RateLimit-Reset"] == "1"


async def test_token_endpoint_has_its_own_limit(hub: Hub) -> None:
    await hub.control("/limits", {"tokens_per_minute": 2})

    statuses = [(await hub.request_token()).status for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert (await hub.get("/orders")).status == 200


async def test_same_key_and_body_repeats_the_first_answer(hub: Hub) -> None:
    await hub.register()

    first = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")
    again = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    assert again.body == first.body
    assert again.body["outcome"] == "cancelled"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


async def test_refusals_are_repeated_too(hub: Hub) -> None:
    first = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")
    await hub.register()
    again = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    assert (first.code, again.code) == ("order-not-found", "order-not-found")


async def test_same_key_with_another_body_is_refused(hub: Hub) -> None:
    await hub.register()
    await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    other = {**CANCELLATION, "source_version": 3}
    answer = await hub.post(f"/orders/{REF}/cancel", other, key="key-00000001")

    assert (answer.status, answer.code) == (422, "idempotency-key-reused")


async def test_key_is_forgotten_after_a_day(hub: Hub) -> None:
    await hub.register()
    await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")
    await hub.control("/clock", {"advance": 24 * 3600 + 1})
    await hub.log_in()

    answer = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    assert answer.body["outcome"] == "unchanged"


async def test_first_call_that_still_runs_is_told(hub: Hub) -> None:
    await hub.register()
    await hub.fault("slow", seconds=0.5, match=f"/v1/orders/{REF}/cancel")
    path, key = f"/orders/{REF}/cancel", "key-00000001"

    running = asyncio.create_task(hub.post(path, CANCELLATION, key=key))
    while (await hub.get(f"/orders/{REF}")).body["status"] != "cancelled":
        pass
    meanwhile = await hub.post(path, CANCELLATION, key=key)
    other_write = await hub.put(f"/orders/{REF}", order_body(5))

    assert (meanwhile.code, meanwhile.body["retryable"]) == ("idempotency-in-progress", True)
    assert (other_write.code, other_write.body["retryable"]) == ("concurrent-update", True)
    assert (await running).body["outcome"] == "cancelled"


async def test_post_needs_a_key(hub: Hub) -> None:
    answer = await hub.call("POST", f"/orders/{REF}/cancel", CANCELLATION)

    assert (answer.status, answer.code) == (400, "malformed")


async def test_unknown_query_parameter_is_refused(hub: Hub) -> None:
    answer = await hub.get("/orders?statuss=lost")

    assert (answer.status, answer.code) == (400, "unknown-parameter")
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "path", ["/orders?limit=0", "/orders?limit=201", "/orders?cursor=x", "/orders?status=nice"]
)
async def test_wrong_parameter_is_malformed(hub: Hub, path: str) -> None:
    assert (await hub.get(path)).code == "malformed"


async def test_problem_names_the_request(hub: Hub) -> None:
    answer = await hub.get("/orders/nobody")

    assert answer.body["request_id"] == answer.headers["X-Request-Id"]
    assert answer.body["instance"] == "/v1/orders/nobody"
    assert answer.body["type"].endswith("/order-not-found")
    assert answer.body["status"] == answer.status == 404


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b'"' + b"x" * 1_100_000 + b'"', 413, "too-large"),
    ],
)
async def test_body_that_cannot_be_read(hub: Hub, raw: bytes, status: int, code: str) -> None:
    headers = {"Authorization": f"Bearer {hub.token}", "X-Request-Id": "mine-1"}
    url = f"{hub.url}/v1/orders/{REF}"
    async with hub.http.put(url, data=raw, headers=headers) as response:
        body = await response.json()

    assert (response.status, body["code"]) == (status, code)
    assert response.headers["X-Request-Id"] == "mine-1"


async def test_error_before_leaves_no_trace(hub: Hub) -> None:
    await hub.fault("error_before", status=502, method="PUT")

    answer = await hub.put(f"/products/{PRODUCT}", product_body())

    assert (answer.status, answer.code, answer.body["retryable"]) == (502, "upstream", True)
    assert (await hub.get(f"/products/{PRODUCT}")).status == 404


async def test_error_after_took_effect_and_the_key_repeats_it(hub: Hub) -> None:
    await hub.register()
    await hub.fault("error_after", status=504, match="/v1/orders")

    failed = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")
    again = await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    assert (failed.status, failed.code) == (504, "timeout")
    assert again.body["outcome"] == "cancelled"
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_faults_strike_as_often_as_told(hub: Hub) -> None:
    await hub.fault("rate_limited", count=2, seconds=7)
    await hub.fault("expired_token")

    first = await hub.get("/orders")
    await hub.log_in()
    answers = [await hub.get("/orders") for _ in range(3)]

    assert first.code == "token-expired"
    assert [a.status for a in answers] == [429, 429, 200]
    told = ("Retry-After", "RateLimit-Remaining", "RateLimit-Reset")
    assert [answers[0].headers[name] for name in told] == ["7", "0", "7"]


async def test_call_that_waits_before_it_takes_effect(hub: Hub) -> None:
    await hub.register()
    await hub.fault("slow_before", seconds=0.5, match=f"/v1/orders/{REF}/cancel")
    path, key = f"/orders/{REF}/cancel", "key-00000001"

    waiting = asyncio.create_task(hub.post(path, CANCELLATION, key=key))
    while (meanwhile := await hub.put(f"/orders/{REF}", order_body())).status == 200:
        pass
    before = (await hub.get(f"/orders/{REF}")).body["status"]

    assert (meanwhile.code, before) == ("concurrent-update", "order_created")
    assert (await waiting).body["outcome"] == "cancelled"


async def test_named_problem_answers_the_next_call(hub: Hub) -> None:
    await hub.fault("problem", code="account-suspended", match="/v1/orders")

    refused = await hub.get("/orders")
    unnamed = await hub.control("/faults", {"fault": "problem", "code": "no-such-code"})

    assert (refused.status, refused.code) == (403, "account-suspended")
    assert unnamed.code == "validation"
    assert (await hub.get("/orders")).status == 200


async def test_token_call_is_struck_only_by_its_name(hub: Hub) -> None:
    await hub.fault("error_before")
    await hub.fault("error_before", match="/oauth/token", status=502)

    failed = await hub.request_token()
    await hub.log_in()

    assert failed.code == "upstream"
    assert (await hub.get("/orders")).code == "unavailable"


async def test_everything_strikes_by_chance_and_is_counted(hub: Hub) -> None:
    wish = {"every": 0.5, "seconds": 0, "except": ["slow", "expired_token"]}
    answer = await hub.control("/faults", wish)
    armed = (await hub.control("/faults", method="GET")).body["faults"]
    calls = [await hub.get("/orders") for _ in range(200)]
    await hub.control("/faults", method="DELETE")
    report = (await hub.control("/faults", method="GET")).body

    names = {fault["fault"] for fault in armed}
    assert answer.status == 201
    assert {fault["probability"] for fault in armed} == {0.5}
    assert names == set(FaultName) - {"slow", "expired_token", "problem"}
    assert {call.status for call in calls} >= {429, 500, 502, 503, 504}
    assert report["faults"] == []
    assert report["struck"]["rate_limited"] == [call.status for call in calls].count(429)
    assert report["struck"].keys() <= names


async def test_journal_lists_every_call(hub: Hub) -> None:
    await hub.register()
    for _ in range(2):
        await hub.post(f"/orders/{REF}/cancel", CANCELLATION, key="key-00000001")

    requests = (await hub.control("/requests", method="GET")).body["requests"]

    assert [(r["method"], r["path"], r["status"], r["replayed"]) for r in requests] == [
        ("PUT", f"/v1/products/{PRODUCT}", 201, False),
        ("PUT", f"/v1/orders/{REF}", 201, False),
        ("POST", f"/v1/orders/{REF}/cancel", 200, False),
        ("POST", f"/v1/orders/{REF}/cancel", 200, True),
    ]


async def _changes(hub: Hub, query: str = "") -> dict[str, Any]:
    return (await hub.get(f"/changes{query}")).body


async def test_changes_are_compacted_and_paged(hub: Hub) -> None:
    await hub.register("a")
    await hub.register("b")
    await hub.manifest("a")

    everything = await _changes(hub)
    first = await _changes(hub, "?limit=2")
    second = await _changes(hub, f"?limit=2&cursor={first['next_cursor']}")
    empty = await _changes(hub, f"?cursor={second['next_cursor']}")

    rows = [(c["resource"], c["external_ref"], c["sequence"]) for c in everything["changes"]]
    assert rows == [("product", PRODUCT, 3), ("order", "b", 1), ("order", "a", 2)]
    assert first["changes"] + second["changes"] == everything["changes"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert (empty["changes"], empty["next_cursor"]) == ([], second["next_cursor"])


async def test_old_cursor_has_expired(hub: Hub) -> None:
    before = (await _changes(hub))["next_cursor"]
    await hub.register("a")
    await hub.control("/clock", {"advance": 31 * 24 * 3600})
    await hub.log_in()

    expired = await hub.get(f"/changes?cursor={before}")

    assert (expired.status, expired.code) == (410, "cursor-expired")
    assert (await _changes(hub))["changes"] == []


async def test_cursor_of_an_emptied_hub_has_expired(hub: Hub) -> None:
    await hub.register("a")
    cursor = (await _changes(hub))["next_cursor"]
    await hub.control("/reset")
    await hub.log_in()

    assert (await hub.get(f"/changes?cursor={cursor}")).code == "cursor-expired"
    assert (await hub.get("/orders")).body["orders"] == []


def test_wrong_setting_is_named_in_one_line() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "sandbox.hub"],
        env={**os.environ, "HUB_SANDBOX_PORT": "ninety"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert found.returncode == 2
    assert found.stderr.startswith("Wrong setting HUB_SANDBOX_PORT: ")
    assert found.stderr.count("\n") == 1


async def test_process_starts_and_stops(unused_tcp_port: int) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.hub",
        env={**os.environ, "HUB_SANDBOX_PORT": str(unused_tcp_port)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        async with aiohttp.request("GET", f"{address}/_sandbox/health") as response:
            assert response.status == 200
        assert line.decode().strip() == f"360Hub sandbox at {address}"
    finally:
        process.terminate()
        async with asyncio.timeout(10):
            await process.wait()
