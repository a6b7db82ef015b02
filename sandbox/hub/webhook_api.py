"""The webhook calls: endpoints, secrets, deliveries, redelivery and replay."""

from typing import Annotated

from aiohttp import web
from pydantic import AnyHttpUrl, AwareDatetime, Field

from sandbox.hub.changes import KEPT_FOR
from sandbox.hub.content import Wire, read_body
from sandbox.hub.ids import new_id
from sandbox.hub.problems import ApiError, Json
from sandbox.hub.query import PAGING, Route, cut_page, words_of
from sandbox.hub.signing import new_secret
from sandbox.hub.state import Account, account_of
from sandbox.hub.webhook_records import SECRET_OVERLAP, Delivery, Endpoint, EndpointSecret
from sandbox.hub.webhooks import Dispatcher

DISPATCHER = web.AppKey("dispatcher", Dispatcher)
_STATES = frozenset({"pending", "delivered", "failed"})


class EndpointBody(Wire):
    url: AnyHttpUrl
    event_types: Annotated[list[str], Field(min_length=1)]
    description: str | None = None


class ReplayBody(Wire):
    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime


async def create_endpoint(request: web.Request) -> web.Response:
    """Subscribe an address; it becomes active when it accepts the signed verification."""
    account = account_of(request)
    body = await read_body(request, EndpointBody)
    secret = new_secret()
    endpoint = Endpoint(
        endpoint_id=new_id("whe"),
        url=str(body.url),
        event_types=body.event_types,
        description=body.description,
        created_at=account.clock.now(),
        secrets=[EndpointSecret(secret)],
    )
    account.endpoints[endpoint.endpoint_id] = endpoint
    dispatcher_of(request).verify(account, endpoint)
    return web.json_response({**endpoint.view(), "secret": secret}, status=201)


async def list_endpoints(request: web.Request) -> web.Response:
    """List the account's endpoints."""
    endpoints = list(enumerate(account_of(request).endpoints.values()))
    found, page = cut_page(request, "whe", endpoints)
    return web.json_response({"endpoints": [e.view() for e in found], **page.view()})


async def get_endpoint(request: web.Request) -> web.Response:
    """Show an endpoint."""
    return web.json_response(_endpoint(request).view())


async def delete_endpoint(request: web.Request) -> web.Response:
    """End a subscription; what is on its way is given up."""
    endpoint = _endpoint(request)
    endpoint.status = "disabled"
    del account_of(request).endpoints[endpoint.endpoint_id]
    return web.Response(status=204)


async def rotate_secret(request: web.Request) -> web.Response:
    """Make a new secret; for a day deliveries carry signatures of the old one too."""
    account, endpoint = account_of(request), _endpoint(request)
    now = account.clock.now()
    current = endpoint.secrets[0]
    current.valid_until = now + SECRET_OVERLAP
    endpoint.secrets = [EndpointSecret(new_secret()), current]
    return web.json_response({**endpoint.view(), "secret": endpoint.secrets[0].value})


async def list_deliveries(request: web.Request) -> web.Response:
    """List an endpoint's deliveries of the last 30 days, oldest first."""
    account, endpoint = account_of(request), _endpoint(request)
    states = words_of(request, "state", _STATES)
    rows = [
        (number, delivery)
        for number, delivery in enumerate(account.deliveries.values())
        if delivery.endpoint is endpoint
        # Of what got lost on the way the hub itself believes that it arrived.
        and (not states or _believed_state(delivery) in states)
        and account.clock.now() - delivery.created_at <= KEPT_FOR
    ]
    found, page = cut_page(request, "dlv", rows)
    return web.json_response({"deliveries": [_view(d) for d in found], **page.view()})


async def redeliver(request: web.Request) -> web.Response:
    """Send one delivery again: same id, new timestamp and signature."""
    account = account_of(request)
    delivery = account.deliveries.get(request.match_info["delivery_id"])
    if delivery is None:
        raise ApiError("delivery-not-found")
    dispatcher_of(request).redeliver(account, delivery)
    return web.json_response(_view(delivery), status=202)


async def replay(request: web.Request) -> web.Response:
    """Send every event of a range again, delivered before or not."""
    account, endpoint = account_of(request), _endpoint(request)
    body = await read_body(request, ReplayBody)
    oldest = account.clock.now() - KEPT_FOR
    events = [
        event
        for event in account.events
        if max(oldest, body.from_) <= event.recorded_at <= body.to and endpoint.wants(event.type)
    ]
    for event in events:
        dispatcher_of(request).deliver(account, endpoint, event)
    return web.json_response({"deliveries": len(events)}, status=202)


def dispatcher_of(request: web.Request) -> Dispatcher:
    return request.config_dict[DISPATCHER]


def _endpoint(request: web.Request) -> Endpoint:
    account: Account = account_of(request)
    endpoint = account.endpoints.get(request.match_info["endpoint_id"])
    if endpoint is None:
        raise ApiError("endpoint-not-found")
    return endpoint


def _view(delivery: Delivery) -> Json:
    return {**delivery.view(), "state": _believed_state(delivery)}


def _believed_state(delivery: Delivery) -> str:
    return "delivered" if delivery.state == "dropped" else delivery.state


_ENDPOINT = "/webhook-endpoints/{endpoint_id}"

ROUTES = (
    Route("POST", "/webhook-endpoints", create_endpoint),
    Route("GET", "/webhook-endpoints", list_endpoints, PAGING),
    Route("GET", _ENDPOINT, get_endpoint),
    Route("DELETE", _ENDPOINT, delete_endpoint),
    Route("POST", f"{_ENDPOINT}/rotate-secret", rotate_secret),
    Route("GET", f"{_ENDPOINT}/deliveries", list_deliveries, PAGING | {"state"}),
    Route("POST", f"{_ENDPOINT}/replay", replay),
    Route("POST", "/webhook-deliveries/{delivery_id}/redeliver", redeliver),
)
