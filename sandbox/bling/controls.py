"""The controls of the double itself: the clock, the app, calls, faults, switches, reset."""

from dataclasses import asdict
from datetime import timedelta

from aiohttp import web
from pydantic import Field

from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, read_control, read_json
from sandbox.bling.controls_account import brief
from sandbox.bling.errors import ControlError
from sandbox.bling.faults import MOVING_FAULTS, OAUTH_PATHS, RESOURCE_FAULTS, ArmedFault, Fault
from sandbox.bling.sandbox import Sandbox
from sandbox.bling.state import ApiCall, Company, Json

EVERY_COMPANY = "all"


class ClockControl(Control):
    """How far the clock is moved on."""

    advance_s: float = Field(gt=0)


class AppControl(Control):
    """Changes of the app's registration."""

    client_secret: str | None = Field(default=None, min_length=8)
    scope: str | None = Field(default=None, min_length=1)
    inactive: bool | None = None
    expires_in: int | None = Field(default=None, ge=1)


class FaultControl(Control):
    """A fault for the next calls."""

    fault: Fault
    count: int = Field(default=1, ge=1)
    match: str = "/Api/v3/"
    method: str | None = None
    seconds: float = Field(default=30, ge=0)
    situation: int | None = None
    probability: float = Field(default=1, gt=0, le=1)


async def health(_: web.Request) -> web.Response:
    """Tell that the double serves."""
    return web.json_response({"status": "ok"})


async def show_clock(request: web.Request) -> web.Response:
    """Tell the double's time."""
    return web.json_response({"now": request.app[SANDBOX].clock().isoformat()})


async def advance_clock(request: web.Request) -> web.Response:
    """Move the clock on; the retries that fall due on the way are made before the answer."""
    control = await read_control(request, ClockControl)
    await request.app[SANDBOX].advance(timedelta(seconds=control.advance_s))
    return await show_clock(request)


async def change_app(request: web.Request) -> web.Response:
    """Change the app's registration; other scopes end every authorisation, as at Bling."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, AppControl)
    if control.scope not in (None, sandbox.registration.scope):
        sandbox.authorisations.revoke_all()
    for name, value in control.model_dump(exclude={"company"}, exclude_none=True).items():
        setattr(sandbox.registration, name, value)
    return web.json_response(asdict(sandbox.registration))


async def list_requests(request: web.Request) -> web.Response:
    """List calls since the reset, in the order of their answers: of one company, or of all."""
    sandbox = request.app[SANDBOX]
    calls = sandbox.calls
    if request.query.get("company") != EVERY_COMPANY:
        company = asked_company(request)
        calls = [call for call in calls if call.company == company.id]
    resource_calls = [_call(call) for call in calls if not _is_token_call(call)]
    token_calls = [_call(call) for call in calls if _is_token_call(call)]
    return web.json_response({"requests": resource_calls, "token_calls": token_calls})


async def arm_fault(request: web.Request) -> web.Response:
    """Let the next matching calls fail."""
    control = await read_control(request, FaultControl)
    arm(request.app[SANDBOX], asked_company(request, control), control)
    return await list_faults(request)


def arm(sandbox: Sandbox, company: Company, control: FaultControl) -> None:
    """Let the next matching calls of a company fail."""
    _check_fault(control, company)
    wish = control.model_dump(exclude={"company"})
    sandbox.faults.arm(ArmedFault(company_id=company.id, **wish))


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
    return web.json_response(brief(sandbox.company(None)))


def _check_fault(control: FaultControl, company: Company) -> None:
    if control.fault in MOVING_FAULTS and control.situation not in company.situations:
        raise ControlError(f"{control.fault} needs the id of a situação of the company")
    if control.fault in RESOURCE_FAULTS and control.match.startswith(OAUTH_PATHS):
        raise ControlError(f"{control.fault} cannot happen to a token call")


def _is_token_call(call: ApiCall) -> bool:
    return call.path.startswith(OAUTH_PATHS)


def _call(call: ApiCall) -> Json:
    return {**asdict(call), "at": call.at.isoformat()}
