"""Operators' commands, as they type them, beside a gateway that runs."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.gateways import Ran, run
from tests.hub_gateway.system import Seller
from tests.waiting import eventually


async def typed(seller: Seller, *arguments: str) -> Ran:
    """Run an operator's command with the gateway's environment."""
    return await run("services.hub_gateway", *arguments, environment=seller.gateway.environment)


async def shown(seller: Seller) -> dict[str, Any]:
    """Return what the API shows of the seller's account."""
    _, answer = await seller.gateway.api("GET", "/accounts")
    (found,) = [each for each in answer["accounts"] if each["account_id"] == str(seller.account_id)]
    return dict(found)


async def test_the_command_line_and_the_api_show_the_same(seller: Seller) -> None:
    await seller.registered()

    ran = await typed(seller, "accounts", "show", seller.tag, "--json")

    assert ran.code == 0, ran.complaints
    by_api, by_command = await shown(seller), ran.json
    assert by_command.keys() == by_api.keys()
    assert by_command["hub_account_id"] == seller.hub.hub_account_id
    assert by_command["calls_per_second"] == 3.5
    assert by_command["webhook_verified"] is True
    assert by_command["last_webhook_at"] is not None
    assert seller.hub.credentials.client_secret not in ran.output


async def test_a_paused_accounts_work_waits_until_it_is_resumed(seller: Seller) -> None:
    await seller.import_product()
    await seller.fact("hub.product.imported")
    reason = ("--reason", "inventário", "--by", "ana")

    paused = await typed(seller, "accounts", "pause", seller.tag, *reason)
    await seller.fact("hub.account.paused")
    await seller.register()
    await eventually(lambda: _waits(seller))
    resumed = await typed(seller, "accounts", "resume", seller.tag, "--by", "ana")

    assert [ran.code for ran in (paused, resumed)] == [0, 0]
    await seller.fact("hub.order.registered")
    kinds = [fact.type for fact in seller.all_facts]
    assert kinds.index("hub.account.resumed") < kinds.index("hub.order.registered")
    assert seller.told("hub.account.paused") == [{"by": "ana", "reason": "inventário"}]
    seller.check_order_of_facts()


async def _waits(seller: Seller) -> bool:
    return bool((await shown(seller))["waiting"]["content"] == 1)


async def test_an_event_that_was_parked_is_taken_up_and_told_in_its_order(
    seller: Seller, database_url: str
) -> None:
    await seller.registered()
    await _park_next_event(seller, database_url)

    ran = await typed(seller, "parked", "retry", "--all", "--account", seller.tag)

    assert (ran.code, ran.output) == (0, "taken up again: 1, still parked: 0\n")
    await seller.status("in_manifest")
    assert (await shown(seller))["parked"] == 0
    seller.check_order_of_facts()


async def _park_next_event(seller: Seller, database_url: str) -> None:
    """Have an event of 360Hub's parked, as after five defects of ours."""
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/pause", {"reason": "test"})
    await seller.hub.control("/manifests", orders=[seller.reference])
    owner = await asyncpg.connect(database_url)
    park = (
        "UPDATE hub_gateway.work SET state = 'parked', last_error = 'defect: KeyError'"
        " WHERE account_id = $1 AND kind = 'order_event' AND state = 'waiting'"
    )

    async def is_parked() -> bool:
        return await owner.execute(park, seller.account_id) == "UPDATE 1"

    await eventually(is_parked)
    await owner.close()
    await seller.gateway.api("POST", f"/accounts/{seller.account_id}/resume")


async def test_what_a_lost_webhook_hid_is_found_and_named(seller: Seller) -> None:
    await seller.registered()
    await seller.hub.fault("webhook_drop", count=20)
    await seller.hub.control("/manifests", orders=[seller.reference])

    ran = await typed(seller, "reconcile", seller.tag, "--json")

    assert ran.code == 0, ran.complaints
    (compared,) = ran.json
    assert compared["outcome"] == "compared"
    assert compared["differing"] in ([], [seller.stream]), "the gateway may have looked itself"
    await seller.status("in_manifest")
    assert (await shown(seller))["last_compared_at"] is not None


# --- the same by HTTP


async def test_the_api_pauses_and_resumes_under_the_callers_name(seller: Seller) -> None:
    path = f"/accounts/{seller.account_id}"

    status, paused = await seller.gateway.api("POST", f"{path}/pause", {"reason": " férias "})
    _, resumed = await seller.gateway.api("POST", f"{path}/resume")

    assert (status, paused["paused_reason"], resumed["paused_reason"]) == (200, "férias", None)
    await seller.fact("hub.account.resumed")
    assert seller.told("hub.account.paused") == [{"by": "tests", "reason": "férias"}]


@pytest.mark.parametrize(
    ("account", "body", "status", "code"),
    [
        (str(uuid4()), {"reason": "férias"}, 404, "account_unknown"),
        ("no-id", {"reason": "férias"}, 404, "account_unknown"),
        (None, {"reason": "  "}, 422, "body_invalid"),
        (None, {}, 422, "body_invalid"),
        (None, {"reason": "férias", "by": "somebody else"}, 422, "body_invalid"),
    ],
    ids=["unknown", "no id", "blank reason", "no reason", "a field too many"],
)
async def test_a_pause_that_cannot_be_meant_is_refused(
    seller: Seller, account: str | None, body: dict[str, str], status: int, code: str
) -> None:
    path = f"/accounts/{account or seller.account_id}/pause"

    answered, problem = await seller.gateway.api("POST", path, body)

    assert (answered, problem["code"]) == (status, code)
