"""Controls of the world: time, faults, limits, balance, what was called, and starting over."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import AwareDatetime, Field, model_validator

from sandbox.hub.carrier import report_volumes_behind
from sandbox.hub.clock import stamp
from sandbox.hub.content import read_body
from sandbox.hub.control_body import ACCOUNT_QUERY, ControlBody, named_account, read_control
from sandbox.hub.faults import Fault, FaultName
from sandbox.hub.holds import refresh_holds
from sandbox.hub.problems import KINDS, Json
from sandbox.hub.query import Route
from sandbox.hub.rate import Allowance
from sandbox.hub.state import hub_of
from sandbox.hub.webhook_api import dispatcher_of


class ClockBody(ControlBody):
    """A time to set, or seconds to move on by."""

    now: AwareDatetime | None = None
    advance: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.now is None) == (self.advance is None):
            raise ValueError("now or advance")
        return self


class FaultBody(ControlBody):
    """A fault, how often it strikes (once, a count, or by probability), and how.

    `every` instead of `fault` arms all of them at that probability, except those named.
    """

    fault: FaultName | None = None
    every: Annotated[float, Field(gt=0, lt=1)] | None = None
    except_: Annotated[tuple[FaultName, ...], Field(alias="except")] = ()
    count: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] | None = None
    match: str = ""
    method: str = ""
    seconds: Annotated[float, Field(ge=0)] = 1.0
    status: Literal[500, 502, 503, 504] = 503
    code: str = ""

    @model_validator(mode="after")
    def _one_or_every(self) -> Self:
        if (self.fault is None) == (self.every is None):
            raise ValueError("fault or every")
        if (self.fault is FaultName.PROBLEM) != (self.code in KINDS):
            raise ValueError("code")
        return self


class LimitsBody(ControlBody):
    per_minute: Annotated[int, Field(ge=1)] | None = None
    burst: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None


class BalanceBody(ControlBody):
    amount: Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,2})?$")]


async def health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def reset(request: web.Request) -> web.Response:
    """Empty everything; the default account is there again, with its own credentials."""
    dispatcher_of(request).clear()
    hub_of(request).reset()
    return web.Response(status=204)


async def read_clock(request: web.Request) -> web.Response:
    return web.json_response({"now": stamp(hub_of(request).clock.now())})


async def set_clock(request: web.Request) -> web.Response:
    """Move the hub's time, and let happen what was due meanwhile."""
    body = await read_body(request, ClockBody)
    hub = hub_of(request)
    if body.now is not None:
        hub.clock.set(body.now)
    hub.clock.advance(body.advance or 0)
    for account in hub.accounts.values():
        report_volumes_behind(account)
    dispatcher_of(request).time_moved()
    return web.json_response({"now": stamp(hub.clock.now())})


async def arm_fault(request: web.Request) -> web.Response:
    """Arm a fault: `count` times, or by `probability` until it is disarmed, or once; or all."""
    account, body = await read_control(request, FaultBody)
    if body.every is not None:
        account.faults.arm_all(body.every, body.seconds, body.except_)
    if body.fault is not None:
        account.faults.armed.append(_fault(body.fault, body))
    return web.json_response({"armed": len(account.faults.armed)}, status=201)


def _fault(name: FaultName, body: FaultBody) -> Fault:
    once = 1 if body.probability is None else None
    return Fault(
        name=name,
        remaining=body.count or once,
        probability=body.probability or 1.0,
        match=body.match,
        method=body.method,
        seconds=body.seconds,
        status=body.status,
        code=body.code,
    )


async def list_faults(request: web.Request) -> web.Response:
    """List what is armed, and how often each fault struck so far."""
    faults = named_account(request).faults
    answer: Json = {"faults": [fault.view() for fault in faults.armed], "struck": faults.struck}
    return web.json_response(answer)


async def disarm_faults(request: web.Request) -> web.Response:
    named_account(request).faults.armed.clear()
    return web.Response(status=204)


async def set_limits(request: web.Request) -> web.Response:
    """Change an account's allowances; what is not named stays."""
    account, body = await read_control(request, LimitsBody)
    old = account.allowance
    account.allowance = Allowance(body.per_minute or old.per_minute, body.burst or old.burst)
    if body.tokens_per_minute is not None:
        account.token_allowance = Allowance(body.tokens_per_minute, body.tokens_per_minute)
    limits = {
        "per_minute": account.allowance.per_minute,
        "burst": account.allowance.burst,
        "tokens_per_minute": account.token_allowance.per_minute,
    }
    return web.json_response(limits)


async def set_balance(request: web.Request) -> web.Response:
    """Set the shipping balance; orders held for it may be released."""
    account, body = await read_control(request, BalanceBody)
    account.balance = Decimal(body.amount)
    for order in account.orders.values():
        refresh_holds(account, order)
    return web.json_response({"balance": str(account.balance)})


async def list_requests(request: web.Request) -> web.Response:
    """List every API call of the account since the start, to prove that nothing was doubled."""
    return web.json_response({"requests": list(named_account(request).requests)})


ROUTES = (
    Route("GET", "/health", health),
    Route("POST", "/reset", reset),
    Route("GET", "/clock", read_clock),
    Route("POST", "/clock", set_clock),
    Route("POST", "/faults", arm_fault, ACCOUNT_QUERY),
    Route("GET", "/faults", list_faults, ACCOUNT_QUERY),
    Route("DELETE", "/faults", disarm_faults, ACCOUNT_QUERY),
    Route("POST", "/limits", set_limits, ACCOUNT_QUERY),
    Route("POST", "/balance", set_balance, ACCOUNT_QUERY),
    Route("GET", "/requests", list_requests, ACCOUNT_QUERY),
)
