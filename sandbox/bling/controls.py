"""The controls of the double itself: companies, tokens, limits, webhooks, faults, reset."""

from dataclasses import asdict

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, read_control, read_json
from sandbox.bling.errors import ControlError
from sandbox.bling.faults import OAUTH_PATHS, SITUATION_FAULTS, ArmedFault, Fault
from sandbox.bling.state import ApiCall, Company, Json
from sandbox.bling.webhooks import Delivery


class CompanyWish(BaseModel):
    """A company to make."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1)


class LimitsControl(Control):
    """Limits of a company; the rules for addresses are the whole double's."""

    per_second: int | None = Field(default=None, ge=0)
    per_day: int | None = Field(default=None, ge=0)
    address_rules: bool | None = None


class WebhooksControl(Control):
    """How a company's webhooks go out; what is not named stays as it is."""

    retry_gaps_s: tuple[float, ...] | None = None
    enabled: bool | None = None
    duplicate: bool | None = None
    reverse: bool | None = None
    hold: bool | None = None
    drop: int | None = Field(default=None, ge=0)


class ReleaseControl(Control):
    """In which order held webhooks go out."""

    order: str = Field(default="as_is", pattern="^(as_is|reverse)$")


class FaultControl(Control):
    """A fault for the next calls."""

    fault: Fault
    count: int = Field(default=1, ge=1)
    match: str = "/Api/v3/"
    method: str | None = None
    seconds: float = Field(default=30, ge=0)
    situation: int | None = None


async def health(_: web.Request) -> web.Response:
    """Tell that the double serves."""
    return web.json_response({"status": "ok"})


async def list_companies(request: web.Request) -> web.Response:
    """List the companies, the default one first."""
    sandbox = request.app[SANDBOX]
    rows = [
        {**_brief(company), "authorised": sandbox.authorisations.is_authorised(company.id)}
        for company in sandbox.companies.values()
    ]
    return web.json_response({"companies": rows})


async def add_company(request: web.Request) -> web.Response:
    """Make another company."""
    wish = await read_control(request, CompanyWish)
    company = request.app[SANDBOX].add_company(wish.name)
    return web.json_response(_brief(company), status=201)


async def expire_tokens(request: web.Request) -> web.Response:
    """Make a company's access tokens expire now; refresh tokens stay good."""
    company = asked_company(request, await read_control(request, Control))
    expired = request.app[SANDBOX].authorisations.expire_access(company.id)
    return web.json_response({"expired": expired})


async def revoke_tokens(request: web.Request) -> web.Response:
    """Withdraw the app's authorisation, as the seller can in Bling."""
    company = asked_company(request, await read_control(request, Control))
    request.app[SANDBOX].authorisations.revoke_company(company.id)
    return web.json_response({"authorised": False})


async def set_limits(request: web.Request) -> web.Response:
    """Change limits; switching the address rules lets every address in again."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, LimitsControl)
    limits = asked_company(request, control).limits
    if control.per_second is not None:
        limits.per_second = control.per_second
    if control.per_day is not None:
        limits.per_day = control.per_day
    if control.address_rules is not None:
        sandbox.addresses.enabled = control.address_rules
        sandbox.addresses.clear()
    return web.json_response({**asdict(limits), "address_rules": sandbox.addresses.enabled})


async def list_requests(request: web.Request) -> web.Response:
    """List a company's resource calls since the reset, in the order of their answers."""
    company = asked_company(request)
    return web.json_response({"requests": [_call(call) for call in company.calls]})


async def set_webhooks(request: web.Request) -> web.Response:
    """Change how webhooks go out; enabling them also enables what the app has lost."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, WebhooksControl)
    rules = asked_company(request, control).webhooks
    for name, value in control.model_dump(exclude={"company"}, exclude_none=True).items():
        setattr(rules, name, value)
    if control.enabled:
        sandbox.webhooks.disabled_resources.clear()
    return web.json_response(asdict(rules))


async def list_webhooks(request: web.Request) -> web.Response:
    """List a company's deliveries since the reset, oldest first."""
    sandbox = request.app[SANDBOX]
    company = asked_company(request)
    rows = [_delivery(d) for d in sandbox.webhooks.deliveries if d.company is company]
    disabled = sorted(sandbox.webhooks.disabled_resources)
    return web.json_response({"deliveries": rows, "disabled_resources": disabled})


async def release_webhooks(request: web.Request) -> web.Response:
    """Deliver the held webhooks one after another and tell how that went."""
    control = await read_control(request, ReleaseControl)
    company = asked_company(request, control)
    released = await request.app[SANDBOX].webhooks.release(
        company, newest_first=control.order == "reverse"
    )
    delivered = sum(delivery.state == "delivered" for delivery in released)
    return web.json_response({"released": len(released), "delivered": delivered})


async def arm_fault(request: web.Request) -> web.Response:
    """Let the next matching calls fail."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, FaultControl)
    company = asked_company(request, control)
    _check_fault(control, company)
    sandbox.faults.arm(
        ArmedFault(
            fault=control.fault,
            company_id=company.id,
            count=control.count,
            match=control.match,
            method=control.method,
            seconds=control.seconds,
            situation=control.situation,
        )
    )
    return await list_faults(request)


async def list_faults(request: web.Request) -> web.Response:
    """List the faults that wait for calls."""
    armed = request.app[SANDBOX].faults.armed
    return web.json_response({"faults": [asdict(fault) for fault in armed]})


async def clear_faults(request: web.Request) -> web.Response:
    """Disarm every fault."""
    request.app[SANDBOX].faults.armed.clear()
    return await list_faults(request)


async def set_unconfirmed(request: web.Request) -> web.Response:
    """Switch behaviour that Bling documents neither way."""
    wish = await read_json(request)
    wish.pop("company", None)
    request.app[SANDBOX].unconfirmed.change(wish)
    return await list_unconfirmed(request)


async def list_unconfirmed(request: web.Request) -> web.Response:
    """Show every switch."""
    return web.json_response(request.app[SANDBOX].unconfirmed.model_dump())


async def reset(request: web.Request) -> web.Response:
    """Go back to the start: one company, no orders, no tokens, Bling's own limits."""
    sandbox = request.app[SANDBOX]
    await sandbox.reset()
    return web.json_response(_brief(sandbox.company(None)))


def _brief(company: Company) -> Json:
    return {"id": company.id, "name": company.name, "cnpj": company.cnpj}


def _check_fault(control: FaultControl, company: Company) -> None:
    if control.fault is Fault.SITUATION_RACE and control.situation not in company.situations:
        raise ControlError("situation_race needs the id of a situação of the company")
    if control.fault in SITUATION_FAULTS and control.match.startswith(OAUTH_PATHS):
        raise ControlError(f"{control.fault} cannot happen to a token call")


def _call(call: ApiCall) -> Json:
    return {**asdict(call), "at": call.at.isoformat()}


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
    }
