"""The controls of an account at Bling: companies, tokens, limits, what moves by itself."""

from dataclasses import asdict

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sandbox.bling import automation
from sandbox.bling.context import SANDBOX
from sandbox.bling.control_input import Control, asked_company, control_id, read_control
from sandbox.bling.errors import ControlError
from sandbox.bling.new_orders import find_situation
from sandbox.bling.state import TRIGGERS, Company, Json, Trigger


class CompanyWish(BaseModel):
    """A company to make."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1)


class StandingControl(Control):
    """How a company and its user stand with Bling; what is not named stays as it is."""

    active: bool | None = None
    user_permitted: bool | None = None


class LimitsControl(Control):
    """Limits of a company; the rules for addresses are the whole double's."""

    per_second: int | None = Field(default=None, ge=0)
    per_day: int | None = Field(default=None, ge=0)
    others_per_second: int | None = Field(default=None, ge=0)
    others_per_day: int | None = Field(default=None, ge=0)
    address_rules: bool | None = None


class AutomationControl(Control):
    """Situações, by id or name, that Bling itself gives; 0 ends it."""

    invoice: int | str | None = None
    checkout: int | str | None = None
    store: int | str | None = None


class TriggerControl(Control):
    """What happens to an order."""

    trigger: Trigger


async def list_companies(request: web.Request) -> web.Response:
    """List the companies, the default one first."""
    sandbox = request.app[SANDBOX]
    rows = [
        {**brief(company), "authorised": sandbox.authorisations.is_authorised(company.id)}
        for company in sandbox.companies.values()
    ]
    return web.json_response({"companies": rows})


async def add_company(request: web.Request) -> web.Response:
    """Make another company."""
    wish = await read_control(request, CompanyWish)
    company = request.app[SANDBOX].add_company(wish.name)
    return web.json_response(brief(company), status=201)


async def change_company(request: web.Request) -> web.Response:
    """Make a company inactive or its user powerless, or the reverse."""
    control = await read_control(request, StandingControl)
    company = asked_company(request, control)
    change_standing(company, control)
    return web.json_response(brief(company))


def change_standing(company: Company, control: StandingControl) -> None:
    """Change how a company and its user stand with Bling."""
    if control.active is not None:
        company.active = control.active
    if control.user_permitted is not None:
        company.user_permitted = control.user_permitted


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
    addresses = request.app[SANDBOX].addresses
    control = await read_control(request, LimitsControl)
    limits = asked_company(request, control).limits
    wish = control.model_dump(exclude={"company", "address_rules"}, exclude_none=True)
    for name, value in wish.items():
        setattr(limits, name, value)
    if control.address_rules is not None:
        addresses.enabled = control.address_rules
        addresses.clear()
    return web.json_response({**asdict(limits), "address_rules": addresses.enabled})


async def set_automation(request: web.Request) -> web.Response:
    """Set which situações Bling gives an order by itself."""
    control = await read_control(request, AutomationControl)
    company = asked_company(request, control)
    for trigger in TRIGGERS:
        wanted = getattr(control, trigger)
        if wanted == 0:
            company.automation.pop(trigger, None)
        elif wanted is not None:
            company.automation[trigger] = find_situation(company, wanted).id
    return web.json_response(company.automation)


async def let_happen(request: web.Request) -> web.Response:
    """Let something happen to an order that Bling itself reacts to."""
    sandbox = request.app[SANDBOX]
    control = await read_control(request, TriggerControl)
    company, order = sandbox.owner_of(control_id(request, "order_id"))
    if control.trigger not in company.automation:
        raise ControlError(f"company {company.id} has no automation for {control.trigger}")
    automation.run(sandbox, company, order, control.trigger)
    return web.json_response({"situacao": order.body["situacao"]})


def brief(company: Company) -> Json:
    """Show what identifies a company and how it stands."""
    return {
        "id": company.id,
        "name": company.name,
        "cnpj": company.cnpj,
        "active": company.active,
        "user_permitted": company.user_permitted,
    }
