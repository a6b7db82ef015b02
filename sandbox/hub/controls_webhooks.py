"""Controls of webhooks: how they are disturbed, held and released."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from sandbox.hub.control_body import ACCOUNT_QUERY, ControlBody, named_account, read_control
from sandbox.hub.problems import ApiError
from sandbox.hub.query import Route
from sandbox.hub.state import Account
from sandbox.hub.webhook_api import dispatcher_of

Gap = Annotated[float, Field(ge=0)]


class WebhookBody(ControlBody):
    """How to disturb deliveries; what is not named stays."""

    retry_gaps_s: list[Gap] | None = None
    duplicate: bool | None = None
    hold: bool | None = None
    drop: Annotated[int, Field(ge=0)] | None = None


class ReleaseBody(ControlBody):
    order: Literal["reverse", "as_is"] = "as_is"


async def disturb(request: web.Request) -> web.Response:
    """Send each twice, hold them back, lose the next ones, or change the pauses between tries."""
    account, body = await read_control(request, WebhookBody)
    controls = account.webhooks
    if body.retry_gaps_s is not None:
        controls.retry_gaps_s = tuple(body.retry_gaps_s)
    if body.duplicate is not None:
        controls.duplicate = body.duplicate
    if body.hold is not None:
        controls.hold = body.hold
    if body.drop is not None:
        controls.drop = body.drop
    return web.json_response(_standing(account))


async def release(request: web.Request) -> web.Response:
    """Deliver the held ones, awaiting each; the answer counts them."""
    account, body = await read_control(request, ReleaseBody)
    sent, accepted = await dispatcher_of(request).release(account, reverse=body.order == "reverse")
    return web.json_response({"released": sent, "accepted": accepted})


async def list_deliveries(request: web.Request) -> web.Response:
    """List all deliveries, those that got lost included, oldest first."""
    account = named_account(request)
    found = [
        {**d.view(), "endpoint_id": d.endpoint.endpoint_id} for d in account.deliveries.values()
    ]
    return web.json_response({"deliveries": found, **_standing(account)})


async def verify_endpoint(request: web.Request) -> web.Response:
    """Press the test button: an endpoint that accepts the verification is active (again)."""
    account, _ = await read_control(request, ControlBody)
    endpoint = account.endpoints.get(request.match_info["endpoint_id"])
    if endpoint is None:
        raise ApiError("endpoint-not-found")
    if endpoint.status == "disabled":
        endpoint.status = "pending_verification"
        endpoint.failing_since = None
    dispatcher_of(request).verify(account, endpoint)
    return web.json_response(endpoint.view(), status=202)


def _standing(account: Account) -> dict[str, object]:
    controls = account.webhooks
    return {
        "retry_gaps_s": list(controls.retry_gaps_s),
        "duplicate": controls.duplicate,
        "hold": controls.hold,
        "drop": controls.drop,
        "held": len(controls.held),
    }


ROUTES = (
    Route("POST", "/webhooks", disturb, ACCOUNT_QUERY),
    Route("GET", "/webhooks", list_deliveries, ACCOUNT_QUERY),
    Route("POST", "/webhooks/release", release, ACCOUNT_QUERY),
    Route("POST", "/webhook-endpoints/{endpoint_id}/verify", verify_endpoint, ACCOUNT_QUERY),
)
