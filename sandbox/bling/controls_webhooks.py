"""The controls of webhooks: how they go out, which are held, what became of each."""

from dataclasses import asdict
from typing import Literal

from aiohttp import web
from pydantic import Field

from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, read_control
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import Company, Json
from sandbox.bling.webhooks import Delivery, Resource


class WebhooksControl(Control):
    """How a company's webhooks go out; what is not named stays as it is.

    Which resources are disabled is the app's configuration, and the same for all companies.
    """

    retry_gaps_s: tuple[float, ...] | None = None
    enabled: bool | None = None
    duplicate: bool | None = None
    reverse: bool | None = None
    hold: bool | None = None
    drop: int | None = Field(default=None, ge=0)
    updates_per_save: int | None = Field(default=None, ge=1)
    disabled_resources: frozenset[Resource] | None = None


class ReleaseControl(Control):
    """In which order held webhooks go out, one after another or all together."""

    order: Literal["as_is", "reverse"] = "as_is"
    at_once: bool = False


async def set_webhooks(request: web.Request) -> web.Response:
    """Change how webhooks go out; enabling them also enables what the app has lost."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, WebhooksControl)
    company = asked_company(request, control)
    change_rules(sandbox, company, control)
    disabled = sorted(sandbox.webhooks.disabled_resources)
    return web.json_response({**asdict(company.webhooks), "disabled_resources": disabled})


def change_rules(sandbox: Sandbox, company: Company, control: WebhooksControl) -> None:
    """Change how a company's webhooks go out, and for all of them what the app has disabled."""
    webhooks, rules = sandbox.webhooks, company.webhooks
    not_rules = {"company", "disabled_resources"}
    for name, value in control.model_dump(exclude=not_rules, exclude_none=True).items():
        setattr(rules, name, value)
    if control.enabled:
        webhooks.disabled_resources.clear()
    if control.disabled_resources is not None:
        webhooks.disabled_resources = set(control.disabled_resources)


async def list_webhooks(request: web.Request) -> web.Response:
    """List a company's deliveries since the reset, oldest first."""
    sandbox = request.app[SANDBOX]
    company = asked_company(request)
    rows = [_delivery(d) for d in sandbox.webhooks.deliveries if d.company is company]
    disabled = sorted(sandbox.webhooks.disabled_resources)
    return web.json_response({"deliveries": rows, "disabled_resources": disabled})


async def release_webhooks(request: web.Request) -> web.Response:
    """Deliver the held webhooks and tell how that went."""
    control = await read_control(request, ReleaseControl)
    company = asked_company(request, control)
    released = await request.app[SANDBOX].webhooks.release(
        company, newest_first=control.order == "reverse", at_once=control.at_once
    )
    delivered = sum(delivery.state == "delivered" for delivery in released)
    return web.json_response({"released": len(released), "delivered": delivered})


def _delivery(delivery: Delivery) -> Json:
    attempts = delivery.attempts
    return {
        "event_id": delivery.event_id,
        "event": delivery.event,
        "copy": delivery.copy,
        "state": delivery.state,
        "attempts": len(attempts),
        "last_status": attempts[-1].status if attempts else None,
        "last_at": attempts[-1].at.isoformat() if attempts else None,
        "next_try_at": delivery.next_try_at.isoformat() if delivery.next_try_at else None,
    }
