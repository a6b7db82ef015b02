"""Webhooks kept alive: endpoints that end, secrets that change, what was missed meanwhile."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hub_gateway.connecting import Given
from services.hub_gateway.hub_api.client import HubClient, open_http
from services.hub_gateway.keyring import Keyring
from services.hub_gateway.port import at_once
from services.hub_gateway.tending import REPLACED_AFTER, may_replace, replayed
from shared.database import open_pool
from shared.sealing import MasterKeys
from tests.gateways import Ran, run, start
from tests.hub_gateway.sandbox import Sandbox, running_sandbox
from tests.hub_gateway.signing import event, post
from tests.hub_gateway.system import Gateway, Seller
from tests.waiting import eventually

Database = Any


@pytest.fixture(scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """A double of this module's own: its clock is that of nobody else's tests."""
    async with running_sandbox(tmp_path_factory.mktemp("tended") / "log") as running:
        yield running


@pytest.fixture
async def database(gateway: Gateway, database_url: str) -> AsyncIterator[Database]:
    conn = await asyncpg.connect(database_url)
    await conn.execute("SET search_path = hub_gateway")
    yield conn
    await conn.close()


async def typed(seller: Seller, *arguments: str) -> Ran:
    """Run a command about webhooks with the gateway's environment."""
    environment = seller.gateway.environment
    return await run("services.hub_gateway", "webhooks", *arguments, environment=environment)


async def shown(seller: Seller) -> Mapping[str, Any]:
    """Return what operators see of the account."""
    _, answer = await seller.gateway.api("GET", "/accounts")
    (found,) = [each for each in answer["accounts"] if each["account_id"] == str(seller.account_id)]
    return dict(found)


async def paused(seller: Seller) -> None:
    """Have the account's webhooks not looked after until it goes on."""
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/pause", {"reason": "test"})
    await seller.fact("hub.account.paused")


async def resumed(seller: Seller) -> None:
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/resume")


async def disabled(seller: Seller) -> None:
    """Have 360Hub give the account's endpoint up."""
    (endpoint,) = await seller.hub.endpoints()
    await seller.hub.fault("endpoint_disabled")
    await seller.hub.control(f"/webhook-endpoints/{endpoint['endpoint_id']}/verify")
    await eventually(lambda: _stand(seller, "disabled"))


async def gone(seller: Seller) -> None:
    """Remove the account's endpoint at 360Hub, as people there can."""
    (endpoint,) = await seller.hub.endpoints()
    async with open_http("tests@example.com") as http:
        hub = HubClient(http, seller.hub.url, Given(seller.hub.credentials), at_once)
        await hub.remove_webhook(seller.account_id, endpoint["endpoint_id"])


async def _stand(seller: Seller, *statuses: str) -> bool:
    return tuple(each["status"] for each in await seller.hub.endpoints()) == statuses


async def _is_sound(seller: Seller) -> bool:
    details = await shown(seller)
    return (details["webhook_verified"], details["webhook_failing_since"]) == (True, None)


async def _compared_again(seller: Seller) -> None:
    before = (await shown(seller))["last_compared_at"]

    async def is_later() -> bool:
        return bool((await shown(seller))["last_compared_at"] != before)

    await eventually(is_later)


# --- endpoints that end


@pytest.mark.row("W13")
@pytest.mark.parametrize("ended", [disabled, gone])
async def test_an_endpoint_that_ended_is_replaced_and_what_was_missed_comes(
    seller: Seller, ended: Any
) -> None:
    await seller.registered()
    await seller.status("order_created")
    (old,) = await seller.hub.endpoints()
    await paused(seller)
    await ended(seller)
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.control(f"/manifests/{made['manifest_id']}/close")

    await resumed(seller)

    closed = await seller.fact("hub.manifest.closed")
    assert closed["references"] == [seller.reference]
    await seller.status("in_manifest")
    await eventually(lambda: _stand(seller, "active"))
    await eventually(lambda: _is_sound(seller))
    (new,) = await seller.hub.endpoints()
    assert new["endpoint_id"] != old["endpoint_id"]
    assert (await shown(seller))["webhook_endpoint"] == new["endpoint_id"]
    assert seller.told("hub.account.disconnected") == []
    seller.check_order_of_facts()


async def test_an_endpoint_that_works_again_by_itself_is_kept(seller: Seller) -> None:
    (endpoint,) = await seller.hub.endpoints()
    await paused(seller)
    await disabled(seller)

    await seller.hub.control(f"/webhook-endpoints/{endpoint['endpoint_id']}/verify")
    await eventually(lambda: _stand(seller, "active"))
    await resumed(seller)
    await _compared_again(seller)

    assert [each["endpoint_id"] for each in await seller.hub.endpoints()] == [
        endpoint["endpoint_id"]
    ]


@pytest.mark.row("W18")
async def test_an_address_that_360hub_cannot_reach_is_seen_and_does_no_more_harm(
    seller: Seller, gateway: Gateway, database: Database
) -> None:
    await seller.registered()
    await seller.status("order_created")
    right = gateway.environment
    await gateway.kill()
    gateway.environment = {**right, "HUB_GATEWAY_PUBLIC_URL": "http://127.0.0.1:1"}
    await gateway.start()

    await eventually(lambda: _stand(seller, "active", "pending_verification"))
    await _compared_again(seller)
    await _compared_again(seller)

    # The old address still serves, and no endpoint follows upon the one that cannot be reached.
    assert await _stand(seller, "active", "pending_verification")
    details = await shown(seller)
    assert details["webhook_verified"] is False
    assert details["webhook_failing_since"] is not None
    assert details["state"] == "connected"
    await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.status("in_manifest")

    await gateway.kill()
    gateway.environment = right
    await gateway.start()
    await database.execute(
        "UPDATE connection SET replaced_at = replaced_at - $2::interval WHERE account_id = $1",
        seller.account_id,
        REPLACED_AFTER,
    )
    await eventually(lambda: _is_sound(seller))
    await eventually(lambda: _stand(seller, "active"))


# --- secrets


async def secrets(seller: Seller, database_url: str) -> list[str]:
    """Return the secrets that the account's events may be signed with."""
    async with await open_pool(database_url, "hub_gateway") as pool:
        return await Keyring(pool, MasterKeys(bytes(32))).webhook_secrets(seller.account_id)


@pytest.mark.row("W17")
async def test_after_a_rotation_old_and_new_count_until_the_old_one_is_forgotten(
    seller: Seller, database_url: str, database: Database
) -> None:
    (old,) = await secrets(seller, database_url)

    ran = await typed(seller, "rotate-secret", seller.tag)

    assert ran.code == 0, ran.complaints
    (new,) = set(await secrets(seller, database_url)) - {old}
    assert not {old, new} & set((ran.output + ran.complaints).split())
    for signing in ([old], [new], [old, new]):
        answer = await post(seller.gateway, seller.account_id, event(), *signing)
        assert answer.status == 204
    await seller.registered()  # 360Hub signs with both
    await seller.status("order_created")

    await database.execute(
        "UPDATE webhook_secret SET valid_until = now() WHERE account_id = $1"
        " AND valid_until IS NOT NULL",
        seller.account_id,
    )
    assert (await post(seller.gateway, seller.account_id, event(), old)).status == 401
    assert (await post(seller.gateway, seller.account_id, event(), old, new)).status == 204
    await eventually(lambda: _are_stored(database, seller, 1))


async def _are_stored(database: Database, seller: Seller, count: int) -> bool:
    stored = await database.fetchval(
        "SELECT count(*) FROM webhook_secret WHERE account_id = $1", seller.account_id
    )
    return bool(stored == count)


async def test_a_rotation_whose_answer_got_lost_is_brought_to_its_end(
    seller: Seller, database_url: str
) -> None:
    (old,) = await secrets(seller, database_url)
    await paused(seller)
    await seller.hub.fault("error_after", match="/v1/webhook-endpoints", calls="POST")

    ran = await typed(seller, "rotate-secret", seller.tag)

    assert ran.code == 1
    assert await secrets(seller, database_url) == [old]
    await resumed(seller)
    await eventually(lambda: _has_two_secrets(seller, database_url))
    await seller.hub.pass_days(2)  # 360Hub signs with the new one alone by then
    await seller.registered()
    await eventually(lambda: _took_all(seller))
    assert len(await seller.hub.calls("POST", "/rotate-secret")) == 2, "once by us, once repeated"
    assert await _stand(seller, "active")
    await seller.hub.set_clock(datetime.now(UTC))


async def test_a_rotation_that_died_on_the_way_is_brought_to_its_end(
    seller: Seller, database_url: str, database: Database
) -> None:
    (old,) = await secrets(seller, database_url)
    await seller.hub.fault("slow", match="/v1/webhook-endpoints", calls="POST", seconds=2)
    rotating = await start(
        "services.hub_gateway",
        "webhooks",
        "rotate-secret",
        seller.tag,
        environment=seller.gateway.environment,
        log=seller.gateway.log,
    )

    await eventually(lambda: _is_kept(database, seller))
    rotating.kill()
    await rotating.wait()

    await eventually(lambda: _has_two_secrets(seller, database_url))
    (new,) = set(await secrets(seller, database_url)) - {old}
    await seller.hub.pass_days(2)
    await seller.registered()
    await eventually(lambda: _took_all(seller))
    assert (await post(seller.gateway, seller.account_id, event(), new)).status == 204
    assert not await _is_kept(database, seller)
    await seller.hub.set_clock(datetime.now(UTC))


async def _is_kept(database: Database, seller: Seller) -> bool:
    kept = "SELECT EXISTS (SELECT FROM prepared_call WHERE account_id = $1)"
    return bool(await database.fetchval(kept, seller.account_id))


async def _has_two_secrets(seller: Seller, database_url: str) -> bool:
    return len(await secrets(seller, database_url)) == 2


async def _took_all(seller: Seller) -> bool:
    deliveries = (await seller.hub.look("/webhooks"))["deliveries"]
    return all((each["attempts"], each["state"]) == (1, "delivered") for each in deliveries)


# --- the command line


async def test_an_operator_has_an_endpoint_registered_anew(seller: Seller) -> None:
    (old,) = await seller.hub.endpoints()
    await seller.hub.control("/webhooks", retry_gaps_s=[0.2] * 20)

    ran = await typed(seller, "register", seller.tag)

    assert (ran.code, ran.output) == (0, f"{seller.tag}: 360Hub delivers to a new endpoint\n")
    await eventually(lambda: _stand(seller, "active"))
    (new,) = await seller.hub.endpoints()
    assert new["endpoint_id"] != old["endpoint_id"]
    await seller.registered()
    await seller.status("order_created")


async def test_what_360hub_gave_up_is_listed_and_delivered_again(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", retry_gaps_s=[])
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.status("in_manifest")
    await seller.hub.fault("webhook_bad_signature")
    await seller.hub.control(f"/manifests/{made['manifest_id']}/close")
    await eventually(lambda: _gave_up(seller, 1))

    listed = await typed(seller, "failed", seller.tag, "--json")
    (failed,) = listed.json
    again = await typed(seller, "redeliver", seller.tag, failed["delivery_id"])

    assert (listed.code, again.code) == (0, 0), again.complaints
    assert (failed["event_type"], failed["last_status"]) == ("manifest.closed", 401)
    await seller.fact("hub.manifest.closed")
    nothing = await typed(seller, "replay", seller.tag)
    assert (nothing.code, "nothing failed" in nothing.complaints) == (1, True)


async def test_all_that_failed_is_replayed_by_one_command(seller: Seller) -> None:
    await seller.registered()
    await seller.status("order_created")
    await seller.hub.control("/webhooks", retry_gaps_s=[])
    await seller.hub.fault("webhook_bad_signature", count=2)
    made = await seller.hub.control("/manifests", orders=[seller.reference])
    await seller.hub.control(f"/manifests/{made['manifest_id']}/close")
    await eventually(lambda: _gave_up(seller, 2))

    ran = await typed(seller, "replay", seller.tag)

    assert ran.code == 0, ran.complaints
    await seller.fact("hub.manifest.closed")
    await seller.status("in_manifest")
    seller.check_order_of_facts()
    assert len(seller.told("hub.manifest.closed")) == 1


async def _gave_up(seller: Seller, count: int) -> bool:
    deliveries = (await seller.hub.look("/webhooks"))["deliveries"]
    return [each["state"] for each in deliveries].count("failed") == count


async def test_a_command_that_names_no_account_does_nothing(stranger: Seller) -> None:
    assert (await typed(stranger, "register")).code == 2
    assert (await typed(stranger, "rotate-secret", "nobody")).code == 1


async def test_an_account_that_was_never_connected_is_told_so(stranger: Seller) -> None:
    await stranger.make_known()

    ran = await typed(stranger, "failed", stranger.tag)

    assert (ran.code, ran.complaints) == (1, f"{stranger.tag} is not connected\n")


# --- the rules

_MOMENTS = st.timedeltas(timedelta(0), timedelta(days=365)).map(
    lambda after: datetime(2026, 1, 1, tzinfo=UTC) + after
)


@given(first=_MOMENTS, looks=st.lists(st.timedeltas(timedelta(0), timedelta(hours=3))))
def test_endpoints_follow_upon_each_other_once_an_hour_at_most(
    first: datetime, looks: list[timedelta]
) -> None:
    replaced_at, now = None, first
    for pause in looks:
        now += pause
        if may_replace(replaced_at, now):
            assert replaced_at is None or now - replaced_at >= REPLACED_AFTER
            replaced_at = now
    assert replaced_at is not None or not looks


@given(now=_MOMENTS, outage=st.timedeltas(timedelta(0), timedelta(days=90)))
def test_what_is_replayed_holds_the_outage_and_is_still_kept(
    now: datetime, outage: timedelta
) -> None:
    begin, end = replayed(now - outage, now)

    assert now - timedelta(days=30) <= begin
    assert begin <= max(now - outage, now - timedelta(days=30))
    assert end > now
